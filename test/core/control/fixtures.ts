/** A state and config in few words, for the laws of control. */
import { apply } from '../../../src/core/control/apply.ts'
import type { Applied } from '../../../src/core/control/apply.ts'
import { commandsForConfig } from '../../../src/core/control/config-commands.ts'
import { initialState, isRefusal } from '../../../src/core/control/state.ts'
import type { GatewayConfig, MatchConfig, RouteConfig, Stage } from '../../../src/core/model/config.ts'
import type { Command, ControlState, GroupState, Refusal } from '../../../src/core/model/control.ts'

export const T0 = Date.UTC(2026, 0, 5, 12)
export const MINUTE = 60_000
export const DAY = 86_400_000

export interface RouteSketch {
  readonly stage?: Stage
  /** Percent. */
  readonly weight?: number
  readonly group?: string
  readonly path?: string
  readonly match?: Partial<MatchConfig>
  readonly steps?: readonly number[]
}

/** Only what control reads of a config; the rest is nobody's business here. */
export function configOf(routes: Readonly<Record<string, RouteSketch>>): GatewayConfig {
  const list = Object.entries(routes).map(([name, sketch]) => ({
    name,
    group: sketch.group ?? name,
    match: { path: sketch.path ?? `/${name}/**`, methods: [], host: null, header: {}, ...sketch.match },
    stage: sketch.stage ?? 'off',
    weight: sketch.weight ?? 0,
    ramp: { steps: sketch.steps ?? [1, 5, 25, 100] },
  }))
  return { routes: list as readonly unknown[] as readonly RouteConfig[] } as unknown as GatewayConfig
}

export interface Reloaded {
  readonly state: ControlState
  readonly refusals: readonly Refusal[]
  readonly applied: readonly Applied[]
}

export function reload(state: ControlState, config: GatewayConfig, hash: string, now = T0): Reloaded {
  const refusals: Refusal[] = []
  const applied: Applied[] = []
  let next = state
  for (const command of commandsForConfig(state, config, hash, 'config')) {
    const result = apply(next, command, now)
    if (isRefusal(result)) refusals.push(result)
    else {
      applied.push(result)
      next = result.state
    }
  }
  return { state: next, refusals, applied }
}

/** A gateway that has just read this config for the first time. */
export function started(routes: Readonly<Record<string, RouteSketch>>): ControlState {
  return reload(initialState(), configOf(routes), 'first').state
}

export const BY = { actor: 'tester', reason: 'because' } as const

/** Applies commands that must all pass. */
export function after(state: ControlState, now: number, ...commands: readonly Command[]): ControlState {
  return commands.reduce((current, command) => passed(apply(current, command, now)).state, state)
}

export function passed(result: Applied | Refusal): Applied {
  if (isRefusal(result)) throw new Error(`refused: ${result.code}: ${result.message}`)
  return result
}

export function refused(result: Applied | Refusal): Refusal {
  if (!isRefusal(result)) throw new Error(`not refused: ${result.entry.kind} ${result.entry.after}`)
  return result
}

export function groupIn(state: ControlState, name: string): GroupState {
  const group = state.groups[name]
  if (group === undefined) throw new Error(`no group ${name}`)
  return group
}
