import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MatchConfig } from '../../../src/core/model/config.ts'
import type { MadeUpRequest, RequestFacts } from '../../../src/core/split/facts.ts'
import { createFacts } from '../../../src/core/split/facts.ts'
import type { CompiledRoutes } from '../../../src/core/split/match.ts'
import { compileRoutes, matchRoute } from '../../../src/core/split/match.ts'
import { routeConfig } from '../../support/wire/config.ts'
import { BY_USER } from './support.ts'

function routesOf(matches: readonly Partial<MatchConfig>[]): CompiledRoutes {
  const routes = matches.map((match, i) => routeConfig({ name: `r${i}`, match }))
  return compileRoutes({ ...BY_USER, routes }, { slots: {}, resalts: {} })
}

function matched(routes: CompiledRoutes, facts: RequestFacts): string | null {
  return matchRoute(routes, facts)?.config.name ?? null
}

describe('matching', () => {
  const routes = routesOf([
    { path: '/api/orders/**', methods: ['GET'], host: 'API.example.com:443' },
    { path: '/api/orders/**', methods: ['GET', 'POST'], header: { 'X-Tenant': 'acmé' } },
    { path: '/api/orders/**', methods: ['DELETE'] },
    { path: '/api/orders/**', methods: ['OPTIONS'] },
    { path: '/shop/**', host: '*.example.com' },
    { path: '/api/*' },
  ])

  test.each<[string, MadeUpRequest, string | null]>([
    ['host and method', { target: '/api/orders/1', host: 'api.example.com' }, 'r0'],
    ['GET includes HEAD', { method: 'HEAD', target: '/api/orders/1', host: 'api.example.com' }, 'r0'],
    ['another host goes on', { target: '/api/orders/1', host: 'other' }, null],
    ['a header, as bytes', { target: '/api/orders/1', headers: [['x-tenant', 'acm\xc3\xa9']] }, 'r1'],
    ['another value goes on', { target: '/api/orders/1', headers: [['x-tenant', 'acm']] }, null],
    ['the method is case-sensitive', { method: 'delete', target: '/api/orders/1' }, null],
    ['DELETE does not include HEAD', { method: 'HEAD', target: '/api/orders/1' }, null],
    [
      'a preflight is what it asks about',
      { method: 'OPTIONS', target: '/api/orders/1', headers: [['access-control-request-method', 'DELETE']] },
      'r2',
    ],
    ['plain OPTIONS is itself', { method: 'OPTIONS', target: '/api/orders/1' }, 'r3'],
    ['a wildcard host', { target: '/shop', host: 'a.b.example.com' }, 'r4'],
    ['which needs a name in front', { target: '/shop', host: 'example.com' }, null],
    ['and not the mere dot', { target: '/shop', host: '.example.com' }, null],
    ['the path is canonical', { target: '/x/..//../api/%6fne?y' }, 'r5'],
    ['an escaped slash does not reach the other route', { target: '/api/orders%2F1' }, 'r5'],
    ['nothing matches', { target: '/' }, null],
  ])('%s', (_law, request, wanted) => expect(matched(routes, createFacts(request))).toBe(wanted))

  test('the first that matches wins', () => {
    const facts = createFacts({ target: '/a/b' })
    expect(matched(routesOf([{ path: '/a/**' }, { path: '/a/b' }]), facts)).toBe('r0')
    expect(matched(routesOf([{ path: '/a/b' }, { path: '/a/**' }]), facts)).toBe('r0')
  })

  test('a catch-all takes everything, OPTIONS * too; no routes take nothing', () => {
    expect(matched(routesOf([{ path: '/**' }]), createFacts({ method: 'OPTIONS', target: '*' }))).toBe('r0')
    expect(matched(routesOf([]), createFacts({}))).toBeNull()
  })

  test('many routes are matched as if each were tried in order', () => {
    const segment = fc.constantFrom('a', 'b', 'c', 'd', '')
    const part = fc.oneof({ weight: 4, arbitrary: segment }, { weight: 1, arbitrary: fc.constantFrom('*', '**', '{id}', 'a*') })
    const pattern = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
    const method = fc.constantFrom('GET', 'POST')
    const target = fc.oneof(
      fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
      fc.constant('*'),
    )
    const many = fc.array(fc.record({ path: pattern, methods: fc.array(method, { maxLength: 1 }) }), { minLength: 8, maxLength: 60 })
    fc.assert(
      fc.property(many, target, method, (matches, path, verb) => {
        const routes = routesOf(matches)
        const facts = createFacts({ target: path, method: verb })
        expect(routes.tree).not.toBeNull()
        expect(matched(routes, facts)).toBe(matched({ list: routes.list, tree: null }, facts))
      }),
      { numRuns: 500 },
    )
  })

  test('slots come by name; a route without one gets the gateway’s, which is never live', () => {
    const routes = ['a', 'constructor'].map((name) => routeConfig({ name }))
    const { list } = compileRoutes({ ...BY_USER, routes }, { slots: { a: 7 }, resalts: {} })
    expect(list.map((route) => route.slot)).toEqual([7, 0])
  })
})
