/**
 * The one function that changes control state: `apply(state, command, now)` gives the new state with its
 * audit line, or a refusal that says what to do instead.
 *
 * Admin, judge, ramp and reload all come through here, so one set of rules holds for all, and the audit log
 * is the list of what passed. Lowering is never refused for want of anything; raising asks for a reason, an
 * unmoved revision and no latch.
 */
import type { AuditEntry, Command, ControlState, Refusal } from '../model/control.ts'
import { setCeiling } from './ceiling.ts'
import { configure } from './configure.ts'
import { describe, subjectOf } from './describe.ts'
import { effectiveOf } from './effective.ts'
import { isoTime } from './iso-time.ts'
import { kill, rearm, rearmGlobal, rollback, trip } from './latch.ts'
import { setStage } from './stage.ts'
import { groupOf, isRefusal } from './state.ts'
import { setWeight } from './weight.ts'

export interface Applied {
  readonly refused: false
  readonly state: ControlState
  readonly entry: Omit<AuditEntry, 'id'>
  /**
   * Some route may get more of v2 than before, or a latch ended: save first, then write the words. Else
   * words first, then save: lowering never waits for a disk.
   */
  readonly raised: boolean
}

export function apply(state: ControlState, command: Command, now: number): Applied | Refusal {
  const changed = change(state, command, now)
  if (isRefusal(changed)) return changed
  const next = { ...changed, revision: state.revision + 1 }
  const entry = {
    at: isoTime(now),
    actor: command.actor,
    reason: command.reason,
    kind: command.kind,
    subject: subjectOf(command),
    before: describe(state, command),
    after: describe(next, command),
    revision: next.revision,
    evidence: command.evidence ?? null,
  }
  return { refused: false, state: next, entry, raised: raises(state, next) }
}

function change(state: ControlState, command: Command, now: number): ControlState | Refusal {
  switch (command.kind) {
    case 'weight':
      return setWeight(state, command, now)
    case 'stage':
      return setStage(state, command, now)
    case 'rollback':
      return rollback(state, command, now)
    case 'trip':
      return trip(state, command, now)
    case 'rearm':
      return rearm(state, command, now)
    case 'kill':
      return kill(state, command, now)
    case 'rearm-global':
      return rearmGlobal(state, command)
    case 'ceiling':
      return setCeiling(state, command, now)
    case 'configure':
      return configure(state, command, now)
    default:
      return command satisfies never
  }
}

function raises(before: ControlState, after: ControlState): boolean {
  if (before.killed !== null && after.killed === null) return true
  return Object.entries(after.groups).some(([name, group]) => {
    const was = groupOf(before, name)
    if ((was?.latch ?? null) !== null && group.latch === null) return true
    return group.wantedBps > (was?.wantedBps ?? 0) || effectiveOf(after, name).weightBps > effectiveOf(before, name).weightBps
  })
}
