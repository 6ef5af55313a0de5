/**
 * `stage`: the transition table of a migration.
 *
 * Up goes one at a time; down goes anywhere at once. Users are on v1 in off and shadow alike, so going from
 * one to the other is no raise.
 */
import type { Stage } from '../model/config.ts'
import type { Command, ControlState, GroupState, Refusal } from '../model/control.ts'
import { BUCKETS, STAGES } from '../model/routing.ts'
import { percentOf } from './describe.ts'
import { checkRaise } from './raise.ts'
import { refuse } from './refusals.ts'
import { isRefusal, presentGroup, unrouted, withGroup } from './state.ts'

/** complete → canary enters here: keyless users go back to v1 and v1 feels some load before it feels all. */
const BACK_FROM_COMPLETE_BPS = 9_500

type StageCommand = Extract<Command, { kind: 'stage' }>

export function setStage(state: ControlState, command: StageCommand, now: number): ControlState | Refusal {
  const group = presentGroup(state, command.group)
  if (isRefusal(group)) return group
  const { stage } = command
  // Comes from JSON and URLs: the type is a promise of the caller, not a fact.
  if (!STAGES.includes(stage)) return refuse('invalid-stage', command.group, stage)
  const refusal = checkMove(state, command, group)
  if (refusal !== null) return refusal
  return withGroup(state, command.group, { ...group, stage, wantedBps: wantedIn(stage, group), changedAt: now })
}

function checkMove(state: ControlState, command: StageCommand, group: GroupState): Refusal | null {
  const from = group.stage
  const to = command.stage
  if (unrouted(to) || STAGES.indexOf(to) <= STAGES.indexOf(from)) return null
  if (STAGES.indexOf(to) - STAGES.indexOf(from) > 1) return refuse('one-stage-at-a-time', command.group, `${from} → ${to}`)
  const refusal = checkRaise(state, command, command.group, group, `stage ${command.group} ${to}`)
  if (refusal !== null) return refusal
  if (to === 'complete' && group.wantedBps < BUCKETS && command.force !== true) {
    return refuse('complete-needs-full-weight', command.group, percentOf(group.wantedBps))
  }
  return null
}

function wantedIn(stage: Stage, group: GroupState): number {
  if (stage === group.stage) return group.wantedBps
  if (stage === 'complete') return BUCKETS
  if (stage !== 'canary') return group.wantedBps
  // A latched route that leaves complete wants 0 already; the minimum keeps it there.
  return Math.min(group.wantedBps, group.stage === 'complete' ? BACK_FROM_COMPLETE_BPS : group.firstStepBps)
}
