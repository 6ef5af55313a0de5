/**
 * Where control state survives: one interface for the embedded file and, later, Redis.
 *
 * A store never invents a state. "Nothing was ever saved" and "what was saved cannot be read" are different
 * answers, because the first may start as the config says and the second must keep v2 at zero: a latch
 * nobody can see may be set.
 */
import type { AuditEntry, ControlState } from '../core/model/control.ts'

export interface ControlStore {
  readonly kind: 'local' | 'redis'
  /** Whether the last thing asked of the store worked. */
  up(): boolean
  /** The state last committed. Never throws; may be called again after a problem. */
  load(): Loaded
  /** Saves the state and the command that made it, both or neither. On the disk when it returns. Throws StoreError. */
  commit(state: ControlState, entry: Omit<AuditEntry, 'id'>): AuditEntry
  /** Newest first. `sinceMs`: milliseconds since the epoch, null = from the beginning. Throws StoreError. */
  audit(query: { readonly sinceMs: number | null; readonly limit: number }): readonly AuditEntry[]
  close(): void
}

/**
 * | state | problem | means |
 * |---|---|---|
 * | null | null | first start: nothing was ever saved |
 * | known | null | all is well |
 * | known | given | this is the state, but it cannot be saved now |
 * | null | given | unknown: keep v2 at zero and say so |
 */
export interface Loaded {
  readonly state: ControlState | null
  readonly problem: StoreProblem | null
}

export type StoreTrouble =
  /** What is there is no control.db of ours, or a damaged one. */
  | 'corrupt'
  /** The folder or file cannot be opened. */
  | 'unreadable'
  | 'read-only'
  | 'full'
  /** Another process holds the write lock. */
  | 'busy'
  /** Written by a newer banyan. */
  | 'newer'
  /** Somebody else has saved a later revision: two gateways share one folder. */
  | 'conflict'
  | 'closed'
  /** Any other error of the disk or the database. */
  | 'failed'

export interface StoreProblem {
  readonly code: StoreTrouble
  /** What is wrong, with which file, and what to do. */
  readonly message: string
}

export class StoreError extends Error implements StoreProblem {
  override readonly name = 'StoreError'
  readonly code: StoreTrouble

  constructor(problem: StoreProblem, options?: ErrorOptions) {
    super(problem.message, options)
    this.code = problem.code
  }
}
