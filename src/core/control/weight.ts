/**
 * `weight`: v2's share in the canary stage.
 *
 * In off and shadow it is refused, but for 0, which is always obeyed. In complete anything below 100 is a
 * way back, so it returns to canary.
 */
import type { Command, ControlState, Refusal } from '../model/control.ts'
import { BUCKETS } from '../model/routing.ts'
import { checkRaise } from './raise.ts'
import { refuse } from './refusals.ts'
import { isRefusal, presentGroup, unrouted, withGroup } from './state.ts'

type WeightCommand = Extract<Command, { kind: 'weight' }>

export function setWeight(state: ControlState, command: WeightCommand, now: number): ControlState | Refusal {
  const group = presentGroup(state, command.group)
  if (isRefusal(group)) return group
  const { weightBps } = command
  if (!Number.isInteger(weightBps) || weightBps < 0 || weightBps > BUCKETS) {
    return refuse('invalid-weight', command.group, String(weightBps / 100))
  }
  if (unrouted(group.stage) && weightBps > 0) return refuse('weight-needs-canary', command.group, group.stage)
  if (weightBps > group.wantedBps) {
    const refusal = checkRaise(state, command, command.group, group, `weight ${command.group}`)
    if (refusal !== null) return refusal
  }
  const stage = group.stage === 'complete' && weightBps < BUCKETS ? 'canary' : group.stage
  return withGroup(state, command.group, { ...group, stage, wantedBps: weightBps, changedAt: now })
}
