/** State in a few words, for the audit log's `before` and `after`. */
import type { Command, ControlState } from '../model/control.ts'
import { bpsToPercent } from '../units.ts'
import { ceilingOf } from './effective.ts'
import { groupOf } from './state.ts'

/** The group a command names, or '*' for the whole gateway. */
export function subjectOf(command: Command): string {
  return 'group' in command ? command.group : '*'
}

export function describe(state: ControlState, command: Command): string {
  if ('group' in command) return describeGroup(state, command.group)
  return command.kind === 'configure' ? describeConfig(state) : describeGateway(state)
}

/** Basis points as the percent number users write. */
export function percentOf(bps: number): string {
  return String(bpsToPercent(bps))
}

function describeGroup(state: ControlState, name: string): string {
  const group = groupOf(state, name)
  if (group === null) return 'unknown'
  const latch = group.latch === null ? '' : `, latched by ${group.latch.cause} (epoch ${String(group.latch.epoch)})`
  const salt = group.resalt === '' ? '' : `, resalted ${group.resalt}`
  return `${group.stage} ${percentOf(group.wantedBps)} %${latch}${salt}${group.removedAt === null ? '' : ', removed'}`
}

function describeGateway(state: ControlState): string {
  const { percent, source } = ceilingOf(state)
  const ceiling = source === 'none' ? 'no ceiling' : `ceiling ${String(percent)} % (${source})`
  return state.killed === null ? ceiling : `${ceiling}, killed by ${state.killed.cause} (epoch ${String(state.killed.epoch)})`
}

function describeConfig(state: ControlState): string {
  if (state.applied === null) return 'no config'
  const present = Object.values(state.groups).filter((group) => group.removedAt === null).length
  return `config ${state.applied.hash.slice(0, 12)}, ${String(present)} ${present === 1 ? 'group' : 'groups'}`
}
