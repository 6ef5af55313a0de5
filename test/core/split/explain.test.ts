import { describe, expect, test } from 'vitest'
import type { GatewayConfig, RouteConfig } from '../../../src/core/model/config.ts'
import type { Explanation } from '../../../src/core/split/explain.ts'
import { explain } from '../../../src/core/split/explain.ts'
import type { RequestFacts } from '../../../src/core/split/facts.ts'
import { compileRoutes } from '../../../src/core/split/match.ts'
import { routeConfig } from '../../support/wire/config.ts'
import { BY_USER, GATEWAY, asking, get, word } from './support.ts'

const ALICE = { 'x-user-id': 'alice' }

function told(
  facts: RequestFacts,
  routeWord: number,
  over: Partial<RouteConfig> = {},
  shared: Partial<GatewayConfig> = {},
): Explanation | null {
  const routes = [routeConfig({ name: 'orders', match: { path: '/orders/**' }, ...over }), routeConfig({ name: 'rest' })]
  const compiled = compileRoutes({ ...BY_USER, ...shared, routes }, { slots: { orders: 1, rest: 2 }, resalts: {} })
  return explain(compiled, new Int32Array([GATEWAY, routeWord, word({ stage: 'off' })]), facts)
}

function reason(headers: Readonly<Record<string, string>>, routeWord: number, over: Partial<RouteConfig> = {}): string | undefined {
  return told(get('/orders/1', headers), routeWord, over)?.reason
}

describe('explain', () => {
  test('is the body scripts rely on', () => {
    expect(told(get('/orders/1', ALICE), word({ weightBps: 500 }))).toEqual({
      backend: 'v2',
      rule: 'bucket',
      stickyKey: { from: 'header x-user-id' },
      bucket: 17,
      below: 500,
      route: 'orders',
      stage: 'canary',
      reason:
        'The key from header x-user-id falls in bucket 17, which is below 500 (the effective weight of route orders, 5 %): it gets v2.',
    })
  })

  test('shows the bucket whatever rule decides, and never the key', () => {
    const tripped = told(get('/orders/1', ALICE), word({ weightBps: 0, latched: true }))
    expect(tripped).toMatchObject({ backend: 'v1', rule: 'latch', bucket: 17, below: 0 })
    expect(JSON.stringify(tripped)).not.toContain('alice')
  })

  test('names the route by what matches, or the one asked for', () => {
    const routes = compileRoutes(
      { ...BY_USER, routes: [routeConfig({ name: 'orders', match: { path: '/orders/**' } })] },
      { slots: {}, resalts: {} },
    )
    expect(explain(routes, [], get('/orders'))?.route).toBe('orders')
    expect(explain(routes, [], get('/other'))).toBeNull()
    expect(explain(routes, [], get('/other'), 'orders')?.route).toBe('orders')
    expect(explain(routes, [], get('/orders'), 'nobody')).toBeNull()
    expect(told(get('/other'), word())).toMatchObject({ route: 'rest', rule: 'stage', stage: 'off' })
  })

  test('a route nothing is known of yet is not in service', () => {
    const routes = compileRoutes({ ...BY_USER, routes: [routeConfig({ name: 'new' })] }, { slots: { new: 5 }, resalts: {} })
    expect(explain(routes, [], asking({}))).toMatchObject({ backend: 'v1', rule: 'stage', stickyKey: null, bucket: null, below: 0 })
  })

  test.each<[string, Readonly<Record<string, string>>, number, Partial<RouteConfig>]>([
    ['The kill switch is set: every request gets v1 until `rearm --global`.', {}, word({ killed: true }), {}],
    ['The ceiling is 0 %: every request gets v1 until it is raised.', {}, word({ ceilingZero: true }), {}],
    ['Route orders was tripped or rolled back: every request gets v1 until it is rearmed.', {}, word({ latched: true }), {}],
    ['Route orders is in stage shadow, in which v1 answers every request.', {}, word({ stage: 'shadow' }), {}],
    ['Route orders is not in service: every request gets v1.', {}, word({ live: false }), {}],
    [
      'Header x-user-id has a value from the deny list of route orders: always v1.',
      ALICE,
      word(),
      { deny: { header: 'X-User-Id', values: ['alice'] } },
    ],
    [
      'Header x-user-id has a value from the allow list of route orders: always v2.',
      ALICE,
      word(),
      { allow: { header: 'X-User-Id', values: ['alice'] } },
    ],
    [
      'Header x-force forces v2 with the right secret.',
      { 'x-force': 'v2;s' },
      word(),
      { force: { header: 'x-force', secret: 's', whileTripped: false } },
    ],
    [
      'The request asks for API version v1.',
      { 'x-api-version': '1' },
      word(),
      { version: { detect: ['header'], default: 'v1', strict: false } },
    ],
    [
      'Route orders has an effective weight of 100 %: every request gets v2, with or without a sticky key.',
      {},
      word({ weightBps: 10_000 }),
      {},
    ],
    ['The request has no sticky key, none of its sticky sources is present (header x-user-id): it gets v1.', {}, word(), {}],
    [
      'The key from header x-user-id falls in bucket 17, which is not below 17 (the effective weight of route orders, 0.17 %): it gets v1.',
      ALICE,
      word({ weightBps: 17 }),
      {},
    ],
  ])('%s', (sentence, headers, routeWord, over) => expect(reason(headers, routeWord, over)).toBe(sentence))

  test('says what a sticky cookie would do, and that no source is configured', () => {
    const minting = told(get('/orders/1'), word(), {}, { sticky: [], stickyCookie: { name: 'banyan_id', maxAgeMs: 1 } })
    expect(minting?.reason).toMatch(/\(cookie banyan_id\): it gets v1\. A browser would be given the sticky cookie now/)
    expect(told(get('/orders/1'), word(), {}, { sticky: [] })?.reason).toContain('no sticky source is configured')
  })
})
