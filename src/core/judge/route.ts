/**
 * The judge of one route: ledger differences in, verdict out, ten times a second.
 *
 * Today it runs one stream, v2's failures against the absolute limit. Further streams (relative, latency,
 * mismatches) are further detectors beside it whose evidence joins in `kindOf`; what goes in and what comes
 * out stays.
 */
import type { Verdict, VerdictKind } from '../model/verdict.ts'
import { createAbsolute } from './absolute.ts'
import type { Absolute } from './absolute.ts'
import { createClock } from './clock.ts'
import type { Counts } from './counts.ts'
import { sane } from './counts.ts'
import { failuresSentence, tooFewSentence } from './sentence.ts'
import type { Told } from './sentence.ts'
import { createSustain } from './sustain.ts'
import { createWindow, WINDOW_MS } from './window.ts'
import type { Window } from './window.ts'

/** log e at which the ramp holds and somebody is told; no trip. */
const SUSPECT_LOG_E = 5

export interface JudgedRoute {
  readonly name: string
  /** Share of bad answers that is still fine, 0–1. */
  readonly errorLimit: number
  /** Requests of the trailing ten minutes below which v2 is not called healthy. Gates no trip. */
  readonly minRequests: number
  /** Bad answers must span this long before they trip; 0 for routes of unsafe methods. */
  readonly sustainMs: number
}

/** What happened since the last tick. */
export interface TickDeltas {
  readonly v2: Counts
  /** v1's own answers (never fallbacks), for the sentence. */
  readonly v1: Counts
  /** Users get v2 and nothing holds it at zero: canary or complete, no latch, no kill. */
  readonly mayTrip: boolean
}

export interface Judgement extends Verdict {
  /** The verdict is to take effect. Stays true while it is so: the caller may have to withhold it for now. */
  readonly trip: boolean
}

export interface RouteJudge {
  readonly route: JudgedRoute
  /** `now`: milliseconds since the epoch; may jump, backwards too. */
  tick(now: number, deltas: TickDeltas): Judgement
}

/** `threshold`: log e of a regression; depends on how many routes are judged beside this one. */
export function createRouteJudge(route: JudgedRoute, threshold: () => number): RouteJudge {
  const clock = createClock()
  const errors = createAbsolute({ limit: route.errorLimit, threshold })
  const sustain = createSustain(route.sustainMs)
  let trailing = createWindow(0)
  let mightTrip = false
  let told: Judgement | null = null
  let toldSecond = -1
  return {
    route,
    tick: (now, deltas) => {
      const elapsedMs = clock.advance(now)
      if (deltas.mayTrip && !mightTrip) {
        // Rearmed, or in front of users for the first time: what was before belongs to another question.
        errors.restart(elapsedMs)
        trailing = createWindow(elapsedMs)
      }
      mightTrip = deltas.mayTrip
      const canary = sane(deltas.v2)
      const baseline = sane(deltas.v1)
      errors.tick(elapsedMs, canary, baseline)
      trailing.add(elapsedMs, canary, baseline)
      const { logE } = errors
      const lasting = sustain.tick(elapsedMs, logE >= SUSPECT_LOG_E, canary.bad > 0)
      const kind = kindOf(logE, lasting && logE >= threshold(), trailing.canary.total >= Math.max(1, route.minRequests))
      const trip = kind === 'regression' && deltas.mayTrip
      // Sentences are for people: a new one when the verdict turns, else once a second.
      const second = Math.floor(elapsedMs / 1_000)
      if (told !== null && told.kind === kind && told.trip === trip && toldSecond === second) return told
      toldSecond = second
      told = { kind, trip, at: now, ...tell(route, kind, elapsedMs, { errors, trailing, threshold: threshold() }) }
      return told
    },
  }
}

function kindOf(logE: number, crossed: boolean, enough: boolean): VerdictKind {
  if (crossed) return 'regression'
  if (logE >= SUSPECT_LOG_E) return 'suspect'
  return enough ? 'healthy' : 'insufficient'
}

interface Knowledge {
  readonly errors: Absolute
  readonly trailing: Window
  readonly threshold: number
}

function tell(route: JudgedRoute, kind: VerdictKind, elapsedMs: number, known: Knowledge): Pick<Verdict, 'reason' | 'numbers'> {
  const calm = kind === 'healthy' || kind === 'insufficient'
  const { sinceMs, canary, baseline } = calm ? known.trailing : known.errors.evidence
  const spanMs = calm ? Math.min(elapsedMs - sinceMs, WINDOW_MS) : elapsedMs - sinceMs
  const shown: Told = { canary, baseline, spanMs, limit: route.errorLimit }
  return {
    reason: kind === 'insufficient' ? tooFewSentence(shown, route.minRequests) : failuresSentence(shown),
    numbers: {
      bad: canary.bad,
      total: canary.total,
      seconds: spanMs / 1_000,
      limitPercent: route.errorLimit * 100,
      baselineBad: baseline.bad,
      baselineTotal: baseline.total,
      logE: known.errors.logE,
      threshold: known.threshold,
    },
  }
}
