/**
 * What goes into a comparison and what comes out: two answers, a budget, an outcome.
 *
 * Every pair ends in exactly one outcome. `incomparable` is not a soft mismatch: it says that nothing
 * was learnt about the bodies, and why, in a word of a closed set. When status or headers already
 * differ the pair is a mismatch whatever the bodies are; `reason` then still says why they were not read.
 */
import type { ComparisonOutcome, Difference } from '../model/finding.ts'

/** Why a body could not even be looked at: cut or timed out, not decodable, past the size limit. */
export type BodyProblem = 'truncated' | 'undecodable' | 'too-large'

export type IncomparableReason =
  | BodyProblem
  /** Past the budget for depth, or for steps. */
  | 'too-deep'
  | 'too-complex'
  /** One side declares JSON and this one is none. */
  | 'v1-not-json'
  | 'v2-not-json'
  /** An answer to a conditional or ranged request, not equal. */
  | 'conditional'
  /** A fault of our own. */
  | 'internal'

export interface Answer {
  readonly status: number
  /** Lower-case name → value. */
  readonly headers: Readonly<Record<string, string>>
  /** The body after content-decoding; empty when `problem` is set. */
  readonly body: Uint8Array
  readonly problem: BodyProblem | null
}

export interface Comparison {
  readonly outcome: ComparisonOutcome
  /** Why the bodies were not compared; null when they were (or had no need to be). */
  readonly reason: IncomparableReason | null
  /** One entry per differing (path, kind), with the first values seen there. */
  readonly differences: readonly Difference[]
  /** True when the budget ended the walk: there may be more differences than listed. */
  readonly cut: boolean
}

/** What one comparison may cost. A hostile body ends as `incomparable`, never as a stalled thread. */
export interface Budget {
  /** Nesting of containers. */
  readonly depth: number
  /** JSON values and keys per body. */
  readonly nodes: number
  /** Distinct (path, kind) listed. */
  readonly differences: number
  /** Node visits of the walk, those of array alignment included. */
  readonly steps: number
}

/**
 * A 1 MiB body of ordinary JSON has some 50,000 nodes. A million nodes are 16 MB of tape per side; the
 * steps let every node be visited about five times, which only unordered arrays of look-alikes exceed.
 */
export const DEFAULT_BUDGET: Budget = { depth: 1_000, nodes: 1_000_000, differences: 100, steps: 5_000_000 }
