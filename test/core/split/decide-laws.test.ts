/** What holds for every route, word and request: properties over random ones. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RouteConfig, StickySource } from '../../../src/core/model/config.ts'
import type { WordParts } from '../../../src/core/model/routing.ts'
import { CEILING_ZERO, KILLED, RULES, STAGES, backendOf, ruleOf, unpackWord } from '../../../src/core/model/routing.ts'
import { createDecision, decide, mayStillUseV2 } from '../../../src/core/split/decide.ts'
import { explain } from '../../../src/core/split/explain.ts'
import { createFacts } from '../../../src/core/split/facts.ts'
import { compileRoutes } from '../../../src/core/split/match.ts'
import type { Shared } from './support.ts'
import { GATEWAY, asking, chiSquare, compiled, decided, word } from './support.ts'

const user = fc.constantFrom('alice', 'bob', 'carol', '', '42')
const list = fc.option(fc.record({ header: fc.constantFrom('x-user-id', 'x-list'), values: fc.array(user, { maxLength: 3 }) }))
const force = fc.option(fc.record({ header: fc.constant('x-force'), secret: fc.constantFrom('s', null), whileTripped: fc.boolean() }))
const version = fc.option(
  fc.record({
    detect: fc.subarray(['header', 'accept', 'path'] as const),
    default: fc.constantFrom('v1' as const, 'v2' as const),
    strict: fc.boolean(),
  }),
)
const routeOver: fc.Arbitrary<Partial<RouteConfig>> = fc.record({
  allow: list,
  deny: list,
  force,
  version,
  stickyGroup: fc.constantFrom('gateway', 'other'),
})
const source = fc.constantFrom<StickySource>(
  { kind: 'header', name: 'x-user-id' },
  { kind: 'cookie', name: 'session' },
  { kind: 'query', name: 'user' },
  { kind: 'ip', direct: true },
)
const shared: fc.Arbitrary<Shared> = fc.record({
  sticky: fc.array(source, { maxLength: 3 }),
  stickyCookie: fc.option(fc.constant({ name: 'banyan_id', maxAgeMs: 1_000 })),
})
const wordParts: fc.Arbitrary<WordParts> = fc.record({
  weightBps: fc.oneof(fc.constantFrom(0, 1, 17, 18, 9_999, 10_000), fc.integer({ min: 0, max: 10_000 })),
  stage: fc.constantFrom(...STAGES),
  latched: fc.boolean(),
  killed: fc.boolean(),
  ceilingZero: fc.boolean(),
  live: fc.boolean(),
  mirrorsOff: fc.boolean(),
})
/** Mostly open, or the rules behind the zeros would hardly be met. */
const openWord = fc.oneof(
  { weight: 1, arbitrary: wordParts },
  {
    weight: 3,
    arbitrary: wordParts.map((parts) => ({
      ...parts,
      stage: 'canary' as const,
      latched: false,
      killed: false,
      ceilingZero: false,
      live: true,
    })),
  },
)
const maybe = (values: readonly string[]): fc.Arbitrary<string | null> => fc.option(fc.constantFrom(...values))
const facts = fc
  .record({
    method: fc.constantFrom('GET', 'OPTIONS', 'POST'),
    target: fc.constantFrom('/', '/v2/x', '/v1/x', '/?user=dave'),
    'x-user-id': fc.option(user),
    'x-list': fc.option(user),
    'x-force': maybe(['v2;s', 'v1;s', 'v2;x', 'v2', 'v2;']),
    'x-api-version': maybe(['1', '2', '3']),
    accept: maybe(['application/vnd.x.v2+json', '*/*']),
    cookie: maybe(['session=erin', 'banyan_id=abc']),
    'access-control-request-method': maybe(['GET']),
    directAddress: fc.constantFrom('', '203.0.113.7'),
  })
  .map(({ method, target, directAddress, ...headers }) =>
    createFacts({
      method,
      target,
      directAddress,
      headers: Object.entries(headers).flatMap(([k, v]) => (v === null ? [] : [[k, v] as const])),
    }),
  )
const freshId = fc.constantFrom('', 'fresh-1', 'fresh-2')

describe('decisions', () => {
  test('raising a weight only adds keys', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, fc.nat(10_000), facts, freshId, (over, sources, parts, more, request, id) => {
        const route = compiled(over, sources)
        const low = decided(route, word(parts), request, GATEWAY, id)
        const high = decided(route, word({ ...parts, weightBps: Math.min(10_000, parts.weightBps + more) }), request, GATEWAY, id)
        if (backendOf(low.code) === 'v2') expect(backendOf(high.code)).toBe('v2')
      }),
      { numRuns: 2_000 },
    )
  })

  test('kill switch and ceiling 0 are zero for everybody, in either word, whatever else is set', () => {
    const bit = fc.constantFrom(KILLED, CEILING_ZERO, KILLED | CEILING_ZERO)
    fc.assert(
      fc.property(routeOver, shared, openWord, bit, fc.boolean(), facts, (over, sources, parts, zero, own, request) => {
        const route = compiled(over, sources)
        const decision = decided(route, word(parts) | (own ? zero : 0), request, own ? GATEWAY : GATEWAY | zero, 'fresh')
        expect(backendOf(decision.code)).toBe('v1')
        expect(['kill', 'ceiling']).toContain(ruleOf(decision.code))
        expect(decision.mintCookie).toBeNull()
      }),
      { numRuns: 2_000 },
    )
  })

  test('a latch is zero for everybody but a tester with secret and promise', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, facts, (over, sources, parts, request) => {
        const decision = decided(compiled(over, sources), word({ ...parts, latched: true }), request, GATEWAY, 'fresh')
        if (backendOf(decision.code) === 'v1') return
        expect(ruleOf(decision.code)).toBe('force')
        expect(over.force).toMatchObject({ whileTripped: true, secret: 's' })
        expect(request.header('x-force')).toBe('v2;s')
      }),
      { numRuns: 2_000 },
    )
  })

  test('off, shadow and a removed route are zero for everybody', () => {
    const closed = fc.constantFrom({ stage: 'off' as const }, { stage: 'shadow' as const }, { live: false })
    fc.assert(
      fc.property(routeOver, shared, openWord, closed, facts, (over, sources, parts, zero, request) => {
        expect(backendOf(decided(compiled(over, sources), word({ ...parts, ...zero }), request).code)).toBe('v1')
      }),
    )
  })

  test('weight 0 is zero for all but allowed and forced', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, facts, freshId, (over, sources, parts, request, id) => {
        const decision = decided(compiled(over, sources), word({ ...parts, weightBps: 0 }), request, GATEWAY, id)
        if (backendOf(decision.code) === 'v2') expect(['allow', 'force']).toContain(ruleOf(decision.code))
      }),
      { numRuns: 2_000 },
    )
  })

  test('every decision carries a rule, and numbers that agree with it', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, facts, freshId, (over, sources, parts, request, id) => {
        const decision = decided(compiled(over, sources), word(parts), request, GATEWAY, id)
        const rule = ruleOf(decision.code)
        expect(RULES[decision.code >>> 1]).toBe(rule)
        expect(decision.belowBps).toBe(parts.weightBps)
        expect(decision.byBucket).toBe(rule === 'bucket')
        expect(decision.bucket >= 0).toBe(rule === 'bucket')
        if (rule === 'bucket') {
          expect(decision.key).not.toBe('')
          expect(backendOf(decision.code)).toBe(decision.bucket < parts.weightBps ? 'v2' : 'v1')
        }
        if (decision.mintCookie !== null) expect(decision.mintCookie).toBe(decision.key)
      }),
      { numRuns: 2_000 },
    )
  })

  test('the same answer for the same request, compiled again or decided into a used record', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, facts, facts, (over, sources, parts, request, other) => {
        const first = decided(compiled(over, sources), word(parts), request, GATEWAY, 'fresh')
        const used = createDecision()
        const again = compiled(structuredClone(over), structuredClone(sources))
        decide(again, word(), GATEWAY, other, used, 'other')
        decide(again, word(parts), GATEWAY, request, used, 'fresh')
        expect(used).toEqual(first)
      }),
    )
  })

  test('a request may still use v2 just when it would be given to v2 again, or less: never more', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, openWord, facts, (over, sources, before, after, request) => {
        const route = compiled(over, sources)
        const decision = decided(route, word(before), request, GATEWAY, 'fresh')
        const again = decided(route, word(after), request, GATEWAY, 'fresh')
        if (mayStillUseV2(route, decision, word(after), GATEWAY)) expect(backendOf(again.code)).toBe('v2')
        if (backendOf(decision.code) === 'v2') expect(mayStillUseV2(route, decision, word(before), GATEWAY)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  test('explain tells what decide does, for any request', () => {
    fc.assert(
      fc.property(routeOver, shared, openWord, facts, fc.boolean(), (over, sources, parts, request, killed) => {
        const route = compiled(over, sources)
        const routes = compileRoutes({ ...sources, routes: [route.config] }, { slots: { orders: 1 }, resalts: {} })
        const gateway = killed ? GATEWAY | KILLED : GATEWAY
        const decision = decided(route, word(parts), request, gateway)
        const told = explain(routes, new Int32Array([gateway, word(parts)]), request)
        expect(told).toMatchObject({ backend: backendOf(decision.code), rule: ruleOf(decision.code), below: decision.belowBps })
        if (decision.byBucket) expect(told).toMatchObject({ bucket: decision.bucket, stickyKey: { from: decision.keyFrom } })
        expect(told?.reason).toMatch(/^[A-Z].*\.$/s)
      }),
      { numRuns: 2_000 },
    )
  })

  test('words survive packing, so a decision is made under what control meant', () => {
    fc.assert(
      fc.property(wordParts, (parts) => {
        expect(unpackWord(word(parts))).toEqual(parts)
      }),
    )
  })

  test('the share of users that gets v2 is the weight, end to end (χ²)', () => {
    const route = compiled()
    for (const weightBps of [100, 1_000, 5_000]) {
      let v2 = 0
      for (let i = 0; i < 20_000; i++) v2 += decided(route, word({ weightBps }), asking({ 'x-user-id': `u${i}` })).code & 1
      const expected = 2 * weightBps
      expect(chiSquare([v2, 20_000 - v2], [expected, 20_000 - expected])).toBeLessThan(19.5) // p = 1e-5
    }
  })
})
