/**
 * The routes the data threads match: the config's, and before them the tombstones.
 *
 * A latched route that was removed, renamed or re-matched must not set its users free: what it matched
 * goes to v1 until the latch is ended. So its old match stays as a route of its own, under a name no config
 * can have. Tombstones stand first, for only there nothing can slip past them: v1 is where doubt goes.
 */
import { tombstonesOf } from '../core/control/latch.ts'
import type { GatewayConfig, RouteConfig } from '../core/model/config.ts'
import type { ControlState } from '../core/model/control.ts'

export interface RoutesInForce {
  readonly routes: readonly RouteConfig[]
  /** Names of the routes among them that the config does not have. */
  readonly tombstones: ReadonlySet<string>
  /** Group → extra salt chosen by a rearm. */
  readonly resalts: Readonly<Record<string, string>>
}

export function routesInForce(config: GatewayConfig, state: ControlState): RoutesInForce {
  const [template] = config.routes
  const dead = template === undefined ? [] : tombstones(template, state)
  const resalted = Object.entries(state.groups).filter(([, group]) => group.resalt !== '')
  return {
    routes: [...dead, ...config.routes],
    tombstones: new Set(dead.map((route) => route.name)),
    resalts: Object.fromEntries(resalted.map(([name, group]) => [name, group.resalt])),
  }
}

function tombstones(template: RouteConfig, state: ControlState): readonly RouteConfig[] {
  const seen = new Map<string, number>()
  return tombstonesOf(state).map(({ name, group, match }) => {
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return {
      ...template,
      name: `${name} (removed${times === 1 ? '' : ` ${times}`})`,
      group,
      match,
      stage: 'off',
      weight: 0,
      mirror: { ...template.mirror, sample: 0, reverse: 0 },
      allow: null,
      deny: null,
      force: null,
      version: null,
    }
  })
}

/** One sentence for each latched match without a route: an operator must not have to guess why v1 answers there. */
export function tombstoneNotes(state: ControlState): readonly string[] {
  return tombstonesOf(state).map(
    ({ name, group, match }) => `route ${name} is latched: what it matched (${match.path}) stays at v1 until \`banyan rearm ${group}\``,
  )
}

/** Changes exactly when the snapshot must be published anew because of a command. */
export function publishedPart(state: ControlState): string {
  const resalts = Object.entries(state.groups).map(([name, group]) => [name, group.resalt])
  return JSON.stringify([tombstonesOf(state), resalts])
}
