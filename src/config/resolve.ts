/**
 * What was written becomes the configuration in force: defaults laid under every route, the environment on top.
 */
import type { GatewayConfig, RouteConfig } from '../core/model/config.ts'
import type { Overrides } from './env.ts'
import { routeSchema } from './route-schema.ts'
import type { Sound } from './sound.ts'
import { isTree, overlay, valueAt } from './tree.ts'

export function resolve(sound: Sound, overrides: Overrides): GatewayConfig {
  const { defaults: _laidUnderRoutes, routes, store, ...rest } = sound.settings
  const { port, adminPort, adminToken, redisUrl, logLevel } = overrides
  const tokens = [...rest.admin.tokens]
  if (adminToken !== null && tokens.every(({ token }) => token !== adminToken))
    tokens.push({ name: 'environment', role: 'operator', token: adminToken })
  return {
    ...rest,
    listen: { ...rest.listen, port: port ?? rest.listen.port },
    admin: { ...rest.admin, port: adminPort ?? rest.admin.port, tokens },
    store: redisUrl === null ? store : { prefix: 'banyan', bootstrap: false, ...store, kind: 'redis', url: redisUrl },
    logLevel: logLevel ?? rest.logLevel,
    routes: routes.map((route, index) => resolveRoute(sound, route, index)),
  }
}

/** `written`: the route with the built-in defaults, for what the file's own defaults do not change. */
function resolveRoute(sound: Sound, written: RouteConfig, index: number): RouteConfig {
  const defaults = sound.tree['defaults']
  const raw = valueAt(sound.tree, ['routes', index])
  const merged = defaults === undefined || !isTree(raw) ? null : routeSchema.safeParse(overlay(defaults, raw))
  const route = merged?.success === true ? merged.data : written
  return { ...route, weight: weightOf(sound, route, index), ramp: { ...route.ramp, approve: approvedSteps(sound, route, index) } }
}

/** In the stage complete the weight is 100 by meaning; a different one written beside it is a fault, found by the rules. */
function weightOf(sound: Sound, route: RouteConfig, index: number): number {
  const isWritten = valueAt(sound.tree, ['routes', index, 'weight']) !== undefined
  return route.stage === 'complete' && !isWritten ? 100 : route.weight
}

/** Approvals inherited by a route with steps of its own hold for the steps both have. */
function approvedSteps(sound: Sound, route: RouteConfig, index: number): readonly number[] {
  const isWritten = valueAt(sound.tree, ['routes', index, 'ramp', 'approve']) !== undefined
  return isWritten ? route.ramp.approve : route.ramp.approve.filter((step) => route.ramp.steps.includes(step))
}
