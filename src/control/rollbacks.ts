/** How often each route was sent to v1, by cause: `banyan_rollbacks_total{route,cause}`. */
import type { ControlState, Latch } from '../core/model/control.ts'
import type { Change } from './holder.ts'

/** `errors`: by the judge; the others by a person, the kill switch, or a ceiling that went to 0. */
type RollbackCause = 'errors' | 'rollback' | 'kill' | 'ceiling'
type RollbackCounts = Readonly<Record<RollbackCause, number>>

/** A latch that a change has set: on one group, or on all of them (`*`). */
export interface LatchSet {
  readonly group: string
  readonly latch: Latch
}

export interface Rollbacks {
  count(set: LatchSet): void
  of(group: string): RollbackCounts
}

export function createRollbacks(): Rollbacks {
  const groups = new Map<string, Record<RollbackCause, number>>()
  const all = none()
  return {
    count: ({ group, latch }) => {
      const counts = group === '*' ? all : (groups.get(group) ?? none())
      counts[causeOf(latch.cause)]++
      if (group !== '*') groups.set(group, counts)
    },
    of: (group) => {
      const own = groups.get(group) ?? none()
      return {
        errors: own.errors + all.errors,
        rollback: own.rollback + all.rollback,
        kill: own.kill + all.kill,
        ceiling: own.ceiling + all.ceiling,
      }
    },
  }
}

/** Latches that were not set before and are now. */
export function latchesSet({ before, after }: Pick<Change, 'before' | 'after'>): readonly LatchSet[] {
  const gateway = before.killed === null && after.killed !== null ? [{ group: '*', latch: after.killed }] : []
  const groups = Object.entries(after.groups).flatMap(([group, { latch }]) =>
    latch !== null && latch.epoch !== latchOf(before, group)?.epoch ? [{ group, latch }] : [],
  )
  return [...gateway, ...groups]
}

/** Latches that were set before and are not any more. */
export function latchesEnded({ before, after }: Pick<Change, 'before' | 'after'>): readonly LatchSet[] {
  return latchesSet({ before: after, after: before })
}

function latchOf(state: ControlState, group: string): Latch | null {
  return Object.hasOwn(state.groups, group) ? (state.groups[group]?.latch ?? null) : null
}

function none(): Record<RollbackCause, number> {
  return { errors: 0, rollback: 0, kill: 0, ceiling: 0 }
}

/** Every cause but those set by hand is the judge's. */
function causeOf(cause: string): RollbackCause {
  return cause === 'rollback' || cause === 'kill' || cause === 'ceiling' ? cause : 'errors'
}
