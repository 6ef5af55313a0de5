/**
 * Control state and the commands that change it. One function, `apply`, turns a command into a new
 * state or a refusal; the audit log is the list of commands that went through it.
 */
import type { MatchConfig, Stage } from './config.ts'

export interface ControlState {
  /** Grows by one with every applied command. */
  readonly revision: number
  /** By group name: routes of a group share stage, weight, ramp and latch. */
  readonly groups: Readonly<Record<string, GroupState>>
  readonly killed: Latch | null
  readonly ceiling: Ceiling
  /** Hash and values of the config last turned into commands: only what changed since is a command. */
  readonly applied: AppliedConfig | null
}

export interface GroupState {
  readonly stage: Stage
  /** Wanted weight, basis points. */
  readonly wantedBps: number
  /** Wanted weight when the latch was set: a rearm never goes above it. */
  readonly beforeTripBps: number
  readonly latch: Latch | null
  /** Counts latches of this group over its whole life; names the latch a rearm ends. */
  readonly epoch: number
  /** Times (ms) of trips in the last 7 days, oldest first. */
  readonly trips: readonly number[]
  /** Extra salt chosen by `rearm --resalt`; empty = none. */
  readonly resalt: string
  readonly changedAt: number
  /** First step of the configured ramp, basis points: where a rearm and a new canary start. */
  readonly firstStepBps: number
  /** Not in the config any more: kept as a tombstone while latched. */
  readonly removedAt: number | null
  /** What this group matched when it was latched and matches no longer: goes to v1 until rearmed. */
  readonly tombstones?: readonly AppliedRoute[]
}

export interface Latch {
  readonly at: number
  /** errors | rollback | kill | ceiling; open for the judge's later causes. */
  readonly cause: string
  readonly reason: string
  readonly epoch: number
  readonly actor: string
}

/** Percent per source; null = the source says nothing. The lowest counts. */
export interface Ceiling {
  readonly env: number | null
  readonly file: number | null
  readonly redis: number | null
}

export interface AppliedConfig {
  readonly hash: string
  /** Groups of removed routes included, for as long as their state is kept. */
  readonly groups: Readonly<Record<string, AppliedGroup>>
}

export interface AppliedGroup {
  readonly stage: Stage
  readonly weightBps: number
  readonly routes?: readonly AppliedRoute[]
}

export interface AppliedRoute {
  readonly name: string
  readonly match: MatchConfig
}

export interface CommandBase {
  readonly actor: string
  readonly reason: string
  readonly force?: boolean
  /** Revision the caller saw; a raise is refused when it moved. */
  readonly ifRevision?: number
  readonly evidence?: Readonly<Record<string, unknown>>
}

export type Command = CommandBase &
  (
    | { readonly kind: 'weight'; readonly group: string; readonly weightBps: number }
    | { readonly kind: 'stage'; readonly group: string; readonly stage: Stage }
    | { readonly kind: 'rollback'; readonly group: string }
    | { readonly kind: 'trip'; readonly group: string; readonly cause: string }
    | { readonly kind: 'rearm'; readonly group: string; readonly toBps?: number; readonly resalt?: boolean }
    | { readonly kind: 'kill' }
    | { readonly kind: 'rearm-global' }
    | { readonly kind: 'ceiling'; readonly source: keyof Ceiling; readonly percent: number | null }
    | { readonly kind: 'configure'; readonly config: AppliedConfig; readonly firstStepsBps: Readonly<Record<string, number>> }
  )

/** Expected refusals are values; `code` is stable, `message` says what to do instead. */
export interface Refusal {
  readonly refused: true
  readonly code: string
  /** HTTP status the admin API answers with: 400, 404, 409 or 428. */
  readonly status: number
  readonly message: string
}

export type HeldBy = 'none' | 'stage' | 'latch' | 'kill' | 'ceiling' | 'pod' | 'unknown'

export interface Effective {
  readonly weightBps: number
  readonly heldBy: HeldBy
}

/** One line of the audit log. */
export interface AuditEntry {
  readonly id: number
  readonly at: string
  readonly actor: string
  readonly reason: string
  readonly kind: Command['kind']
  /** Group, or '*' for the whole gateway. */
  readonly subject: string
  readonly before: string
  readonly after: string
  readonly revision: number
  readonly evidence: Readonly<Record<string, unknown>> | null
}
