/** What a config would change on the running gateway: the body of `POST plan`. */
import type { Stage } from './config.ts'
import type { HeldBy } from './control.ts'

export interface PlanBody {
  /** Hash of the config in force and of the one proposed; equal = nothing changes. */
  readonly from: string
  readonly to: string
  readonly routes: readonly PlanRoute[]
  /** One sentence each: what needs a restart, what would be refused and why, tombstones. */
  readonly notes: readonly string[]
}

export interface PlanRoute {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed' | 'same'
  readonly before: PlanSide | null
  readonly after: PlanSide | null
  /** Share of the route's users, percent, that another backend would answer. */
  readonly moves: number
  /** Requests a second v1 would get back, by the last minute's traffic; null = no traffic to tell by. */
  readonly backToV1: number | null
}

export interface PlanSide {
  readonly stage: Stage
  /** Percent. */
  readonly weight: { readonly configured: number; readonly wanted: number; readonly effective: number; readonly heldBy: HeldBy }
}

/** The config is not valid: every problem as `file:line:col: where: what, and what would be right`. */
export interface PlanProblems {
  readonly problems: readonly string[]
}
