/**
 * What every raise must pass, in one place. Lowering comes nowhere near this file: it needs no reason, no
 * revision and no open latch.
 */
import type { CommandBase, ControlState, GroupState, Refusal } from '../model/control.ts'
import { refuse } from './refusals.ts'

/** A person (or the config, speaking for one) said why, and decided on the state as it is. */
export function checkCaller(state: ControlState, command: CommandBase, what: string): Refusal | null {
  if (command.reason.trim() === '') return refuse('reason-required', what)
  if (command.ifRevision !== undefined && command.ifRevision !== state.revision) {
    return refuse('revision-moved', String(command.ifRevision), String(state.revision))
  }
  return null
}

/** Nothing is raised while killed or latched. Refused, not queued: what ends a latch must not start a rollout. */
export function checkRaise(state: ControlState, command: CommandBase, name: string, group: GroupState, what: string): Refusal | null {
  const caller = checkCaller(state, command, what)
  if (caller !== null) return caller
  if (state.killed !== null) return refuse('killed', state.killed.cause)
  return group.latch === null ? null : refuse('latched', name, group.latch.cause)
}
