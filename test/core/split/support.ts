/** Routes, words and requests for tests of the split. */
import type { GatewayConfig, RouteConfig } from '../../../src/core/model/config.ts'
import { backendOf, packWord, ruleOf } from '../../../src/core/model/routing.ts'
import type { WordParts } from '../../../src/core/model/routing.ts'
import type { CompiledRoute } from '../../../src/core/split/compile.ts'
import { compileRoute } from '../../../src/core/split/compile.ts'
import type { RequestFacts } from '../../../src/core/split/facts.ts'
import { createFacts } from '../../../src/core/split/facts.ts'
import type { Decision } from '../../../src/core/split/decide.ts'
import { createDecision, decide } from '../../../src/core/split/decide.ts'
import type { Partially } from '../../support/wire/config.ts'
import { routeConfig } from '../../support/wire/config.ts'

export type Shared = Pick<GatewayConfig, 'sticky' | 'stickyCookie'>
export const BY_USER: Shared = { sticky: [{ kind: 'header', name: 'X-User-Id' }], stickyCookie: null }

export function compiled(
  over: Partially<RouteConfig> = {},
  shared: Shared = BY_USER,
  resalts: Readonly<Record<string, string>> = {},
): CompiledRoute {
  const config = routeConfig({ name: 'orders', group: 'orders', ...over })
  return compileRoute(config, 0, shared, { slots: { [config.name]: 1 }, resalts })
}

/** A live canary at 50 % unless told otherwise. */
export function word(parts: Partial<WordParts> = {}): number {
  return packWord({
    weightBps: 5_000,
    stage: 'canary',
    latched: false,
    killed: false,
    ceilingZero: false,
    live: true,
    mirrorsOff: false,
    ...parts,
  })
}

export const GATEWAY = packWord({
  weightBps: 0,
  stage: 'off',
  latched: false,
  killed: false,
  ceilingZero: false,
  live: false,
  mirrorsOff: false,
})

export function get(target: string, headers: Readonly<Record<string, string>> = {}): RequestFacts {
  return createFacts({ target, headers: Object.entries(headers) })
}

/** A GET of `/` with these headers. */
export function asking(headers: Readonly<Record<string, string>>): RequestFacts {
  return get('/', headers)
}

export function decided(route: CompiledRoute, routeWord: number, facts: RequestFacts, gatewayWord = GATEWAY, freshId = ''): Decision {
  const out = createDecision()
  decide(route, routeWord, gatewayWord, facts, out, freshId)
  return out
}

/** `v2 by bucket` */
export function told(decision: Decision): string {
  return `${backendOf(decision.code)} by ${ruleOf(decision.code)}`
}

/** Sum of (observed − expected)² / expected. */
export function chiSquare(observed: readonly number[], expected: readonly number[]): number {
  return observed.reduce((sum, count, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 0), 0)
}

/** χ² of a 2×2 table of counts: one degree of freedom. */
export function chiSquare2x2([[a, b], [c, d]]: readonly [readonly [number, number], readonly [number, number]]): number {
  const all = a + b + c + d
  return (all * (a * d - b * c) ** 2) / ((a + b) * (c + d) * (a + c) * (b + d))
}
