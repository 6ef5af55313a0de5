/**
 * What a config would do to the running gateway: the very commands a reload would submit, applied to a
 * copy of the state, and the difference told per route.
 */
import { apply } from '../core/control/apply.ts'
import { commandsForConfig } from '../core/control/config-commands.ts'
import { toBps } from '../core/control/effective.ts'
import { groupOf, isRefusal } from '../core/control/state.ts'
import type { GatewayConfig, RouteConfig } from '../core/model/config.ts'
import type { ControlState } from '../core/model/control.ts'
import type { PlanBody, PlanRoute, PlanSide } from '../core/model/plan.ts'
import type { Traffic } from './recent.ts'
import { needsRestart } from './restart-sections.ts'
import { effectiveNow } from './route-status.ts'
import { tombstoneNotes } from './routes-in-force.ts'

export interface PlanParts {
  readonly running: { readonly config: GatewayConfig; readonly hash: string }
  readonly proposed: { readonly config: GatewayConfig; readonly hash: string }
  readonly state: ControlState
  readonly unknown: boolean
  readonly now: number
  readonly recent: (route: string) => Traffic | null
}

export function plan(parts: PlanParts): PlanBody {
  const { running, proposed, state, unknown } = parts
  const refusals: string[] = []
  let after = state
  for (const command of commandsForConfig(state, proposed.config, proposed.hash, 'config')) {
    const result = apply(after, command, parts.now)
    if (isRefusal(result)) refusals.push(result.message)
    else after = result.state
  }
  const before = new Map(running.config.routes.map((route) => [route.name, route]))
  const proposedNames = new Set(proposed.config.routes.map((route) => route.name))
  const gone = running.config.routes.filter((route) => !proposedNames.has(route.name))
  const routes = [...proposed.config.routes, ...gone].map((route) => {
    const was = before.get(route.name) ?? null
    const becomes = proposedNames.has(route.name) ? route : null
    const sides = {
      before: was === null ? null : side(was, state, unknown),
      after: becomes === null ? null : side(becomes, after, unknown),
    }
    return { name: route.name, change: changeOf(was, becomes, sides), ...sides, ...effect(was, becomes, sides, parts.recent(route.name)) }
  })
  const known = new Set(tombstoneNotes(state))
  const tombstones = tombstoneNotes(after).filter((note) => !known.has(note))
  const notes = [...needsRestart(proposed.config, running.config), ...refusals, ...tombstones]
  return { from: running.hash, to: proposed.hash, routes, notes }
}

interface Sides {
  readonly before: PlanSide | null
  readonly after: PlanSide | null
}

function side(route: RouteConfig, state: ControlState, unknown: boolean): PlanSide {
  const group = groupOf(state, route.group)
  const { weightBps, heldBy } = effectiveNow(state, route.group, unknown)
  return {
    stage: group?.stage ?? 'off',
    weight: { configured: toBps(route.weight) / 100, wanted: (group?.wantedBps ?? 0) / 100, effective: weightBps / 100, heldBy },
  }
}

function changeOf(was: RouteConfig | null, becomes: RouteConfig | null, sides: Sides): PlanRoute['change'] {
  if (was === null) return 'added'
  if (becomes === null) return 'removed'
  return JSON.stringify([was, sides.before]) === JSON.stringify([becomes, sides.after]) ? 'same' : 'changed'
}

function effect(
  was: RouteConfig | null,
  becomes: RouteConfig | null,
  sides: Sides,
  recent: Traffic | null,
): Pick<PlanRoute, 'moves' | 'backToV1'> {
  const before = sides.before?.weight.effective ?? 0
  const after = sides.after?.weight.effective ?? 0
  const rehashed = was !== null && becomes !== null && was.stickyGroup !== becomes.stickyGroup
  // Another salt draws other users: of independent draws those move that are in exactly one of them.
  const moves = rehashed ? before + after - (2 * before * after) / 100 : Math.abs(after - before)
  const share = before <= 0 ? 0 : Math.max(0, before - after) / before
  return { moves: round(moves), backToV1: recent === null ? null : round((recent.v2 / recent.seconds) * share) }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
