/**
 * The absolute test: is v2's share of bad answers above a fixed limit?
 *
 * H0 "bad share ≤ a", against a grid from a little over the limit (a slow leak) to nearly everything (an
 * outage). A bad event weighs ln(p/a), a good one ln((1−p)/(1−a)); under H0 each ratio's expectation is at
 * most 1 for every p > a, so any mix of alternatives stays an e-detector. A single bad event among few says
 * little at a limit of 5 % and no minimum of requests is needed.
 */
import type { Counts } from './counts.ts'
import { createDetector } from './e-detector.ts'

export interface Absolute {
  readonly logE: number
  /** What the strongest alternative counted since it last restarted. */
  readonly evidence: Evidence
  /** Adds a tick's finished answers at `elapsedMs` on a clock that never goes back. */
  tick(elapsedMs: number, canary: Counts, baseline: Counts): void
  /** Forgets everything: what comes now is a new question. */
  restart(elapsedMs: number): void
}

export interface Evidence {
  readonly sinceMs: number
  readonly canary: Counts
  readonly baseline: Counts
}

export interface AbsoluteOptions {
  /** The share of bad answers that is still fine, 0–1. From 0.999 on nothing is ever evidence. */
  readonly limit: number
  /** log e at which somebody acts. */
  readonly threshold: () => number
}

/** Ratios restart on whole seconds; the ticks between add to the open slice. */
const SLICE_MS = 1_000
/** A limit of 0 would make one bad answer infinite evidence. One in 10,000 is what "none" means at scale. */
const LEAST_LIMIT = 1e-4
/** Above this nothing can be told from everything failing, and 1 − p drowns in rounding. */
const MOST_LIMIT = 0.999
const GRID_RATIOS = [1.6, 3, 6]
const GRID_SHARES = [0.5, 0.95]

export function createAbsolute({ limit, threshold }: AbsoluteOptions): Absolute {
  const share = Math.max(LEAST_LIMIT, limit)
  const grid = alternativesTo(share)
  const detector = createDetector(grid.length, threshold)
  const alternatives = grid.map((p, index): Alternative => {
    return { ...NOTHING, index, badWeight: Math.log(p / share), goodWeight: Math.log((1 - p) / (1 - share)) }
  })
  let slice = 0
  const restartAt = (elapsedMs: number): void => {
    slice = Math.floor(elapsedMs / SLICE_MS)
    for (const alternative of alternatives) clear(alternative, slice * SLICE_MS)
  }
  return {
    get logE() {
      return detector.logE
    },
    get evidence() {
      return evidenceOf(alternatives[detector.leader] ?? NOTHING)
    },
    tick: (elapsedMs, canary, baseline) => {
      const current = Math.floor(elapsedMs / SLICE_MS)
      if (current !== slice) {
        slice = current
        for (const alternative of alternatives) if (detector.close(alternative.index)) clear(alternative, slice * SLICE_MS)
      }
      if (canary.total === 0 && baseline.total === 0) return
      for (const alternative of alternatives) {
        const { index, badWeight, goodWeight } = alternative
        detector.add(index, canary.bad * badWeight + (canary.total - canary.bad) * goodWeight)
        count(alternative, canary, baseline)
      }
    },
    restart: (elapsedMs) => {
      detector.reset()
      restartAt(elapsedMs)
    },
  }
}

/** Alternatives must lie above the limit and below 1; a limit above them all gets the middle of what is left. */
function alternativesTo(limit: number): readonly number[] {
  if (!(limit < MOST_LIMIT)) return []
  const grid = [...GRID_RATIOS.map((ratio) => ratio * limit), ...GRID_SHARES].filter((p) => p > limit && p < 1)
  return grid.length > 0 ? grid : [(1 + limit) / 2]
}

interface Tally {
  sinceMs: number
  bad: number
  total: number
  baselineBad: number
  baselineTotal: number
}

interface Alternative extends Tally {
  readonly index: number
  /** Log likelihood ratio of one bad event, and of one good one. */
  readonly badWeight: number
  readonly goodWeight: number
}

const NOTHING: Readonly<Tally> = { sinceMs: 0, bad: 0, total: 0, baselineBad: 0, baselineTotal: 0 }

function clear(tally: Tally, sinceMs: number): void {
  tally.sinceMs = sinceMs
  tally.bad = tally.total = tally.baselineBad = tally.baselineTotal = 0
}

function count(tally: Tally, canary: Counts, baseline: Counts): void {
  tally.bad += canary.bad
  tally.total += canary.total
  tally.baselineBad += baseline.bad
  tally.baselineTotal += baseline.total
}

function evidenceOf({ sinceMs, bad, total, baselineBad, baselineTotal }: Readonly<Tally>): Evidence {
  return { sinceMs, canary: { bad, total }, baseline: { bad: baselineBad, total: baselineTotal } }
}
