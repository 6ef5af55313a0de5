import { describe, expect, test } from 'vitest'
import type { RouteConfig } from '../../../src/core/model/config.ts'
import type { WordParts } from '../../../src/core/model/routing.ts'
import { KILLED, CEILING_ZERO } from '../../../src/core/model/routing.ts'
import { bucketOf } from '../../../src/core/split/buckets.ts'
import { decisionText, mayStillUseV2 } from '../../../src/core/split/decide.ts'
import { createFacts } from '../../../src/core/split/facts.ts'
import { BY_USER, GATEWAY, asking, compiled, decided, told, word } from './support.ts'

// Golden: "alice" falls in bucket 17, "bob" in 957 under the salt "gateway".
const ALICE = { 'x-user-id': 'alice' }
const BOB = { 'x-user-id': 'bob' }

describe('the order of the rules', () => {
  const FORCE = { header: 'x-force', secret: 's', whileTripped: true } as const
  const everything: Partial<RouteConfig> = {
    deny: { header: 'x-deny', values: ['yes'] },
    allow: { header: 'x-allow', values: [' "yes" '] },
    force: { ...FORCE, whileTripped: false },
    version: { detect: ['header'], default: 'v1', strict: false },
  }
  const route = compiled(everything)
  const all = { 'x-deny': 'yes', 'x-allow': 'yes', 'x-force': 'v2;s', 'x-api-version': '2', ...ALICE }

  test.each<[string, Partial<WordParts>, Readonly<Record<string, string>>]>([
    ['v1 by kill', { killed: true, ceilingZero: true, latched: true, stage: 'off', weightBps: 10_000 }, all],
    ['v1 by ceiling', { ceilingZero: true, latched: true, stage: 'off', weightBps: 10_000 }, all],
    ['v1 by latch', { latched: true, stage: 'off', weightBps: 10_000 }, all],
    ['v1 by stage', { stage: 'off', weightBps: 10_000 }, all],
    ['v1 by stage', { stage: 'shadow', weightBps: 10_000 }, all],
    ['v1 by stage', { live: false, weightBps: 10_000 }, all],
    ['v1 by deny', { weightBps: 10_000 }, all],
    ['v2 by allow', { weightBps: 0 }, { ...all, 'x-deny': 'no' }],
    ['v2 by force', { weightBps: 0 }, { ...all, 'x-deny': 'no', 'x-allow': 'no' }],
    ['v1 by force', { weightBps: 10_000 }, { 'x-force': 'v1;s', 'x-api-version': '2', ...ALICE }],
    ['v2 by version', { weightBps: 1 }, { 'x-force': 'v2;wrong', 'x-api-version': '2', ...BOB }],
    ['v1 by version', { weightBps: 10_000 }, { 'x-api-version': '1', ...ALICE }],
    ['v2 by complete', { weightBps: 10_000 }, ALICE],
    ['v2 by complete', { weightBps: 10_000 }, {}],
    ['v2 by complete', { weightBps: 10_000, stage: 'complete' }, { 'x-api-version': '3' }],
    ['v1 by no-key', { weightBps: 9_999 }, {}],
    ['v2 by bucket', { weightBps: 18 }, ALICE],
    ['v1 by bucket', { weightBps: 17 }, ALICE],
    ['v2 by bucket', { weightBps: 5_000, stage: 'complete' }, ALICE],
    ['v1 by bucket', { weightBps: 0 }, { ...ALICE, 'x-api-version': '2' }],
    ['v1 by no-key', { weightBps: 0 }, { 'x-api-version': '2' }],
  ])('%s: %j %j', (wanted, parts, headers) => expect(told(decided(route, word(parts), asking(headers)))).toBe(wanted))

  test('the gateway’s word counts for every route, whatever the route’s own says', () => {
    expect(told(decided(route, word(), asking(all), GATEWAY | KILLED))).toBe('v1 by kill')
    expect(told(decided(route, word(), asking(all), GATEWAY | CEILING_ZERO))).toBe('v1 by ceiling')
  })

  test('nothing but the kill and ceiling bits of the gateway’s word concern a route', () => {
    expect(told(decided(route, word(), asking(ALICE), ~(KILLED | CEILING_ZERO)))).toBe('v2 by bucket')
  })

  describe('a tester with a way past the latch', () => {
    const through = compiled({ ...everything, force: FORCE })
    test.each<[string, Partial<WordParts>, Readonly<Record<string, string>>]>([
      ['v2 by force', {}, { 'x-force': 'v2;s' }],
      ['v2 by force', {}, { 'x-force': 'v2;s', 'x-allow': 'yes' }],
      ['v1 by latch', {}, { 'x-force': 'v1;s' }],
      ['v1 by latch', {}, { 'x-force': 'v2;wrong' }],
      ['v1 by latch', {}, { 'x-allow': 'yes' }],
      ['v1 by latch', {}, { 'x-force': 'v2;s', 'x-deny': 'yes' }],
      ['v1 by latch', { stage: 'shadow' }, { 'x-force': 'v2;s' }],
      ['v1 by latch', { live: false }, { 'x-force': 'v2;s' }],
      ['v1 by kill', { killed: true }, { 'x-force': 'v2;s' }],
      ['v1 by ceiling', { ceilingZero: true }, { 'x-force': 'v2;s' }],
    ])('%s: %j %j', (wanted, parts, headers) =>
      expect(told(decided(through, word({ latched: true, weightBps: 0, ...parts }), asking(headers)))).toBe(wanted),
    )
  })

  test('an empty listed value lists nobody', () => {
    const listed = compiled({ deny: { header: 'x-deny', values: ['', ' '] } })
    expect(told(decided(listed, word(), asking({ 'x-deny': '', ...ALICE })))).toBe('v2 by bucket')
  })
})

describe('what a decision carries', () => {
  const route = compiled()

  test('by bucket: key, source, bucket and threshold', () => {
    const decision = decided(route, word({ weightBps: 500 }), asking(BOB))
    expect(decision).toMatchObject({
      key: 'bob',
      keyFrom: 'header x-user-id',
      bucket: 957,
      belowBps: 500,
      byBucket: true,
      mintCookie: null,
    })
    expect(decisionText(decision)).toBe('v1; rule=bucket; bucket=957; below=500')
  })

  test('by any other rule: no bucket, and not assigned by it', () => {
    const decision = decided(route, word({ killed: true }), asking(BOB))
    expect(decision).toMatchObject({ key: null, keyFrom: '', bucket: -1, byBucket: false })
    expect(decisionText(decision)).toBe('v1; rule=kill')
  })

  test('routes of one sticky group put a user in one bucket, others in others, a resalt in another', () => {
    const bucketIn = (over: Partial<RouteConfig>, resalts = {}): number =>
      decided(compiled(over, BY_USER, resalts), word(), asking(ALICE)).bucket
    expect(bucketIn({ name: 'a', group: 'a' })).toBe(17)
    expect(bucketIn({ name: 'b', group: 'b' })).toBe(17)
    expect(bucketIn({ stickyGroup: 'orders' })).toBe(bucketOf('alice', 'orders'))
    expect(bucketIn({}, { orders: 'x' })).toBe(bucketOf('alice', 'gateway#x'))
    expect(bucketIn({ name: 'a', group: 'shop' }, { shop: 'x', a: 'y' })).toBe(bucketOf('alice', 'gateway#x'))
    expect(bucketIn({}, { orders: '' })).toBe(17)
    expect(bucketIn({}, { others: 'x' })).toBe(17)
  })
})

describe('the minted cookie', () => {
  const route = compiled({}, { ...BY_USER, stickyCookie: { name: 'banyan_id', maxAgeMs: 1_000 } })

  test('decides the very request it is minted for, as it will decide the next one', () => {
    const first = decided(route, word(), asking({}), GATEWAY, 'alice')
    expect(first).toMatchObject({ mintCookie: 'alice', key: 'alice', keyFrom: 'new cookie banyan_id', bucket: 17, byBucket: true })
    const second = decided(route, word(), asking({ cookie: 'banyan_id=alice' }), GATEWAY, 'other')
    expect(second).toMatchObject({ mintCookie: null, key: 'alice', bucket: 17 })
    expect(told(second)).toBe(told(first))
  })

  test.each<[string, ReturnType<typeof asking>, number, string]>([
    ['when there is a key', asking(ALICE), word(), 'x'],
    ['when another rule decides', asking({}), word({ weightBps: 10_000 }), 'x'],
    ['when v2 is at zero for everybody', asking({}), word({ latched: true }), 'x'],
    ['without an id', asking({}), word(), ''],
    ['for a preflight', createFacts({ method: 'OPTIONS', headers: [['access-control-request-method', 'GET']] }), word(), 'x'],
  ])('is not set %s', (_when, facts, routeWord, id) => expect(decided(route, routeWord, facts, GATEWAY, id).mintCookie).toBeNull())

  test('is not set unless configured', () => {
    const decision = decided(compiled(), word(), asking({}), GATEWAY, 'x')
    expect(decision.mintCookie).toBeNull()
    expect(told(decision)).toBe('v1 by no-key')
  })
})

describe('a request on its way to v2', () => {
  const force = { header: 'x-force', secret: 's', whileTripped: false }
  const base = compiled({
    force,
    allow: { header: 'x-allow', values: ['yes'] },
    version: { detect: ['header'], default: 'v1', strict: false },
  })
  const through = compiled({ force: { ...force, whileTripped: true } })
  const byBucket = decided(base, word(), asking(BOB))
  const byAllow = decided(base, word(), asking({ 'x-allow': 'yes' }))
  const byForce = decided(base, word(), asking({ 'x-force': 'v2;s' }))
  const byVersion = decided(base, word(), asking({ 'x-api-version': '2' }))
  const byComplete = decided(base, word({ weightBps: 10_000 }), asking({}))
  const toV1 = decided(base, word(), asking({}))

  test('stays there while nothing changes', () => {
    for (const decision of [byBucket, byAllow, byForce, byVersion]) expect(mayStillUseV2(base, decision, word(), GATEWAY)).toBe(true)
    expect(mayStillUseV2(base, byComplete, word({ weightBps: 10_000 }), GATEWAY)).toBe(true)
  })

  test.each([{ killed: true }, { ceilingZero: true }, { latched: true }, { stage: 'shadow' }, { live: false }] as const)(
    'loses it with %j',
    (parts) => {
      for (const decision of [byBucket, byAllow, byForce, byVersion, byComplete]) {
        expect(mayStillUseV2(base, decision, word({ weightBps: 10_000, ...parts }), GATEWAY)).toBe(false)
      }
    },
  )

  test('loses it with the global latch', () => expect(mayStillUseV2(base, byAllow, word(), GATEWAY | KILLED)).toBe(false))

  test('loses it when the weight falls to its bucket, to zero, or below 100 % where that was the rule', () => {
    expect(mayStillUseV2(base, byBucket, word({ weightBps: 958 }), GATEWAY)).toBe(true)
    expect(mayStillUseV2(base, byBucket, word({ weightBps: 957 }), GATEWAY)).toBe(false)
    expect(mayStillUseV2(base, byVersion, word({ weightBps: 0 }), GATEWAY)).toBe(false)
    expect(mayStillUseV2(base, byComplete, word({ weightBps: 9_999 }), GATEWAY)).toBe(false)
    expect(mayStillUseV2(base, byAllow, word({ weightBps: 0 }), GATEWAY)).toBe(true)
  })

  test('a tester who was promised a way past the latch keeps it', () => {
    expect(mayStillUseV2(through, byForce, word({ latched: true }), GATEWAY)).toBe(true)
  })

  test('was never one if it was v1’s', () => expect(mayStillUseV2(base, toV1, word({ weightBps: 10_000 }), GATEWAY)).toBe(false))
})
