/**
 * A config, which says how things should be, as commands, which say what changes.
 *
 * Only values that differ from the config last applied become commands. So a restart with an unchanged file
 * keeps what the operator set since, an edited value wins over that, and a config that still says
 * `weight: 10` lifts no latch: it is no change, and where it is one it is a raise, refused while latched.
 */
import type { GatewayConfig, RouteConfig } from '../model/config.ts'
import type { AppliedConfig, AppliedGroup, Command, ControlState } from '../model/control.ts'
import { percentOf } from './describe.ts'
import { toBps } from './effective.ts'
import { DEFAULT_FIRST_STEP_BPS, groupOf, lastApplied, unrouted } from './state.ts'

/**
 * Commands in the order to apply them; empty when this very config (by `hash`) was applied last.
 *
 * `configure` comes last: should the process die before it, the next start finds the same differences again.
 * A refusal of one command is to be logged, and the rest applied all the same.
 */
export function commandsForConfig(state: ControlState, config: GatewayConfig, hash: string, actor: string): Command[] {
  if (state.applied?.hash === hash) return []
  const groups = groupsOf(config.routes)
  const target = appliedConfig(groups, hash)
  const changes = Object.entries(target.groups).flatMap(([name, wants]) => changesOf(state, name, wants, actor))
  const firstStepsBps = Object.fromEntries([...groups].map(([name, routes]) => [name, firstStepOf(routes)]))
  return [...changes, { kind: 'configure', actor, reason: `config ${hash.slice(0, 12)}`, config: target, firstStepsBps }]
}

function changesOf(state: ControlState, name: string, wants: AppliedGroup, actor: string): Command[] {
  const group = groupOf(state, name)
  // New groups start as the config says, and returning ones are `configure`'s too.
  if (group === null || group.removedAt !== null) return []
  // A group nobody configured (of an older state file) counts as configured the way it is.
  const was = lastApplied(state, name) ?? { stage: group.stage, weightBps: group.wantedBps }
  const commands: Command[] = []
  if (was.stage !== wants.stage) {
    commands.push({ kind: 'stage', group: name, stage: wants.stage, actor, reason: `config: stage ${was.stage} → ${wants.stage}` })
  }
  const stageThen = was.stage === wants.stage ? group.stage : wants.stage
  // In off and shadow the weight is only remembered (by `configure`); complete wants 100 whatever it says.
  if (was.weightBps !== wants.weightBps && wants.stage !== 'complete' && !unrouted(stageThen)) {
    const reason = `config: weight ${percentOf(was.weightBps)} → ${percentOf(wants.weightBps)}`
    commands.push({ kind: 'weight', group: name, weightBps: wants.weightBps, actor, reason })
  }
  return commands
}

function groupsOf(routes: readonly RouteConfig[]): Map<string, RouteConfig[]> {
  const groups = new Map<string, RouteConfig[]>()
  for (const route of routes) {
    const group = groups.get(route.group)
    if (group === undefined) groups.set(route.group, [route])
    else group.push(route)
  }
  return groups
}

/** Routes of a group share stage and weight; where the file gives them different ones, the lower counts. */
function appliedConfig(groups: ReadonlyMap<string, readonly RouteConfig[]>, hash: string): AppliedConfig {
  const entries = [...groups].map(([name, routes]): [string, AppliedGroup] => [
    name,
    {
      stage: routes.map((route) => route.stage).reduce((lowest, stage) => (ORDER[stage] < ORDER[lowest] ? stage : lowest)),
      weightBps: Math.min(...routes.map((route) => toBps(route.weight))),
      routes: routes.map(({ name: route, match }) => ({ name: route, match })),
    },
  ])
  return { hash, groups: Object.fromEntries(entries) }
}

const ORDER = { off: 0, shadow: 1, canary: 2, complete: 3 } as const

function firstStepOf(routes: readonly RouteConfig[]): number {
  return Math.min(...routes.map(({ ramp }) => (ramp.steps[0] === undefined ? DEFAULT_FIRST_STEP_BPS : toBps(ramp.steps[0]))))
}
