/**
 * The judge of one route: ledger differences in, verdict out, ten times a second.
 *
 * Today it runs one stream, v2's failures against the absolute limit. Further streams (relative, latency,
 * mismatches) are further detectors beside it whose evidence joins in `kindOf`; what goes in and what comes
 * out stays.
 */
import type { Verdict, VerdictKind } from '../model/verdict.ts'
import { createAbsolute } from './absolute.ts'
import { createClock } from './clock.ts'
import type { Counts } from './counts.ts'
import { sane } from './counts.ts'
import { failuresSentence, tooFewSentence, duration } from './sentence.ts'
import { createSustain } from './sustain.ts'
import { createWindow, WINDOW_MS } from './window.ts'

/** log e at which the ramp holds and somebody is told; no trip. */
export const SUSPECT_LOG_E = 5

export interface JudgedRoute {
  readonly name: string
  /** Bad share that is still fine, 0–1. */
  readonly errorLimit: number
  /** Requests of the trailing ten minutes below which v2 is not called healthy. */
  readonly minRequests: number
  /** Bad answers must span this long before they trip; 0 for routes of unsafe methods. */
  readonly sustainMs: number
}

/** What happened since the last tick. */
export interface TickDeltas {
  readonly v2: Counts
  /** The same of v1's own answers (never fallbacks): for the sentence. */
  readonly v1: Counts
  /** Users get v2 and nothing is latched: canary or complete, no latch, no kill. */
  readonly mayTrip: boolean
}

export interface Judgement extends Verdict {
  /** The verdict is to take effect now. Stays true while it is so; the caller may have to withhold it. */
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
  const trailing = createWindow()
  let mightTrip = false
  let told: Judgement | null = null
  let toldSecond = -1
  return {
    route,
    tick: (now, deltas) => {
      const elapsedMs = clock.advance(now)
      const canary = sane(deltas.v2)
      const baseline = sane(deltas.v1)
      // Rearmed, or in front of users for the first time: what it did before belongs to an older question.
      if (deltas.mayTrip && !mightTrip) errors.restart(elapsedMs)
      mightTrip = deltas.mayTrip
      errors.tick(elapsedMs, canary, baseline)
      trailing.add(elapsedMs, canary, baseline)
      const logE = errors.logE
      const lasting = sustain.tick(elapsedMs, logE >= SUSPECT_LOG_E, canary.bad > 0)
      const kind = kindOf(logE, threshold(), lasting, trailing.canary.total >= route.minRequests)
      const trip = kind === 'regression' && deltas.mayTrip
      // Sentences are for people: a new one when the verdict turns, else once a second.
      const second = Math.floor(elapsedMs / 1_000)
      if (told !== null && told.kind === kind && told.trip === trip && toldSecond === second) return told
      toldSecond = second
      told = { kind, trip, at: now, ...tell(kind) }
      return told

      function tell(verdict: VerdictKind): Pick<Verdict, 'reason' | 'numbers'> {
        const spanMs = Math.min(elapsedMs, WINDOW_MS)
        const calm = verdict === 'healthy' || verdict === 'insufficient'
        const shown = calm
          ? { canary: trailing.canary, baseline: trailing.baseline, spanMs }
          : { ...errors.evidence, spanMs: elapsedMs - errors.evidence.sinceMs }
        return { reason: sentence(verdict, shown), numbers: numbersOf(shown, logE) }
      }
    },
  }
