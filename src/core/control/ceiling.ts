/**
 * `ceiling`: the upper bound of v2's share that the environment, a file or Redis sets for all routes.
 *
 * A file or Redis going from above 0 to 0 is an on-call person pulling the plug: it sets the global latch,
 * so that GitOps putting the number back has no effect. Before the first config, 0 is where the operator
 * starts from, and nothing was pulled.
 */
import type { Command, ControlState, Refusal } from '../model/control.ts'
import { toBps } from './effective.ts'
import { killBy } from './latch.ts'
import { refuse } from './refusals.ts'

type CeilingCommand = Extract<Command, { kind: 'ceiling' }>

export function setCeiling(state: ControlState, command: CeilingCommand, now: number): ControlState | Refusal {
  const { source, percent } = command
  if (percent !== null && !(percent >= 0 && percent <= 100)) return refuse('invalid-ceiling', source, String(percent))
  const before = state.ceiling[source]
  const next = { ...state, ceiling: { ...state.ceiling, [source]: percent } }
  if (source === 'env' || percent === null || toBps(percent) > 0) return next
  // A source that said nothing let everything through, once the gateway was running.
  const wasOpen = before === null ? state.applied !== null : toBps(before) > 0
  if (!wasOpen) return next
  const reason = command.reason.trim() === '' ? `the ceiling from ${source} went to 0` : command.reason
  return killBy(next, { at: now, cause: 'ceiling', reason, actor: command.actor })
}
