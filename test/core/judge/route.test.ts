import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJudge, judgedRoute } from '../../../src/core/judge/judge.ts'
import type { Judgement, JudgedRoute, RouteJudge } from '../../../src/core/judge/route.ts'
import type { MatchConfig, RouteConfig } from '../../../src/core/model/config.ts'

const NONE = { bad: 0, total: 0 }
const T0 = Date.UTC(2026, 0, 5, 12)
const ROUTE: JudgedRoute = { name: 'orders', errorLimit: 0.05, minRequests: 20, sustainMs: 1_000 }

function judgeOf(route: Partial<JudgedRoute> = {}): RouteJudge {
  const judge = createJudge({ routes: [{ ...ROUTE, ...route }] }).route('orders')
  if (judge === null) throw new Error('the route is judged')
  return judge
}

interface Ticks {
  readonly from?: number
  readonly seconds: number
  /** Per tick of 100 ms. */
  readonly v2?: { readonly bad: number; readonly total: number }
  readonly v1?: { readonly bad: number; readonly total: number }
  readonly mayTrip?: boolean
}

function feed(judge: RouteJudge, { from = T0, seconds, v2 = NONE, v1 = NONE, mayTrip = true }: Ticks): Judgement {
  let last = judge.tick(from, { v1: NONE, v2: NONE, mayTrip })
  for (let tick = 1; tick <= seconds * 10; tick++) last = judge.tick(from + tick * 100, { v1, v2, mayTrip })
  return last
}

const DEAD = { bad: 1, total: 1 }
const FINE = { bad: 0, total: 2 }

describe('a verdict', () => {
  it('without traffic is insufficient, and stays so', () => {
    const judge = judgeOf()
    expect(judge.tick(T0, { v1: NONE, v2: NONE, mayTrip: true })).toEqual({
      kind: 'insufficient',
      trip: false,
      at: T0,
      reason: 'v2 got no request in 1 s',
      numbers: { bad: 0, total: 0, seconds: 0, limitPercent: 5, baselineBad: 0, baselineTotal: 0, logE: 0, threshold: 18 },
    })
    expect(feed(judge, { seconds: 3_600 })).toMatchObject({ kind: 'insufficient', reason: 'v2 got no request in 10 min' })
  })

  it('with no minimum still needs one request to be healthy', () => {
    const judge = judgeOf({ minRequests: 0 })
    expect(feed(judge, { seconds: 1 }).kind).toBe('insufficient')
    expect(feed(judge, { from: T0 + 1_000, seconds: 1, v2: FINE }).kind).toBe('healthy')
  })

  it('is healthy from minRequests on, and tells both sides', () => {
    const judge = judgeOf()
    expect(feed(judge, { seconds: 0.5, v2: FINE })).toMatchObject({ kind: 'insufficient', reason: 'v2 got no request in 1 s' })
    // The sentence is from the turn of the second; the kind is from now.
    expect(feed(judge, { from: T0 + 500, seconds: 0.5, v2: FINE, v1: { bad: 0, total: 99 } })).toMatchObject({
      kind: 'healthy',
      reason: 'v2 failed 0 of 20 requests in 1 s; limit 5 %; v1 failed 0 of 495',
    })
  })

  it('counts what it still needs', () => {
    const judge = judgeOf()
    judge.tick(T0, { v1: NONE, v2: { bad: 1, total: 3 }, mayTrip: true })
    expect(judge.tick(T0 + 60_000, { v1: NONE, v2: NONE, mayTrip: true }).reason).toBe(
      'v2 answered 3 of the 20 requests needed in 60 s, 1 failed',
    )
  })

  it('ten minutes after the last request is insufficient again', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 60, v2: FINE })
    expect(feed(judge, { from: T0 + 60_000, seconds: 500 }).kind).toBe('healthy')
    expect(feed(judge, { from: T0 + 560_000, seconds: 120 }).kind).toBe('insufficient')
  })

  it('of a dead v2 is suspect first, then a regression with its numbers', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 60, v2: { bad: 0, total: 1 }, v1: { bad: 0, total: 9 } })
    const from = T0 + 60_000
    expect(feed(judge, { from, seconds: 0.5, v2: DEAD, v1: { bad: 0, total: 9 } })).toMatchObject({ kind: 'suspect', trip: false })
    const trip = feed(judge, { from: from + 500, seconds: 1, v2: DEAD, v1: { bad: 0, total: 9 } })
    expect(trip).toMatchObject({ kind: 'regression', trip: true })
    expect(trip.reason).toMatch(/^v2 failed 1\d of 1\d requests in 2 s; limit 5 %; v1 failed 0 of 1\d\d$/)
    expect(trip.numbers).toMatchObject({ limitPercent: 5, threshold: 18, baselineBad: 0 })
    expect(trip.numbers['logE']).toBeGreaterThanOrEqual(18)
  })

  it('says so where v1 had nothing to do, and of a single request', () => {
    const judge = judgeOf({ errorLimit: 0.0005 })
    expect(judge.tick(T0, { v1: NONE, v2: DEAD, mayTrip: true }).reason).toBe(
      'v2 failed 1 of 1 request in 1 s; limit 0.05 %; v1 had no requests',
    )
  })

  it('is the same object until something turns or a second passes', () => {
    const judge = judgeOf()
    const first = judge.tick(T0, { v1: NONE, v2: FINE, mayTrip: true })
    expect(judge.tick(T0 + 900, { v1: NONE, v2: FINE, mayTrip: true })).toBe(first)
    expect(judge.tick(T0 + 1_000, { v1: NONE, v2: FINE, mayTrip: true })).not.toBe(first)
  })
})

describe('sustain', () => {
  it('a burst within a second does not trip, however large, when v2 recovers', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 60, v2: { bad: 0, total: 10 } })
    expect(feed(judge, { from: T0 + 60_000, seconds: 0.8, v2: { bad: 10, total: 10 } })).toMatchObject({ kind: 'suspect', trip: false })
    for (let second = 0; second < 120; second++) {
      expect(feed(judge, { from: T0 + 60_800 + second * 1_000, seconds: 1, v2: { bad: 0, total: 10 } }).trip).toBe(false)
    }
    expect(feed(judge, { from: T0 + 180_800, seconds: 1, v2: FINE }).kind).toBe('healthy')
  })

  it('of 0 trips with the evidence', () => {
    expect(feed(judgeOf({ sustainMs: 0 }), { seconds: 0.8, v2: DEAD })).toMatchObject({ kind: 'regression', trip: true })
  })

  it('an old stray error does not make a burst last', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 5, v2: FINE })
    judge.tick(T0 + 5_000, { v1: NONE, v2: DEAD, mayTrip: true })
    expect(feed(judge, { from: T0 + 5_900, seconds: 0.9, v2: { bad: 5, total: 5 } }).trip).toBe(false)
  })
})

describe('where nothing may trip', () => {
  it('a regression is seen and nothing trips', () => {
    expect(feed(judgeOf(), { seconds: 10, v2: DEAD, mayTrip: false })).toMatchObject({ kind: 'regression', trip: false })
  })

  it('what was seen there is no evidence once users get v2', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 10, v2: DEAD, mayTrip: false })
    const first = judge.tick(T0 + 10_100, { v1: NONE, v2: NONE, mayTrip: true })
    expect(first).toMatchObject({ kind: 'insufficient', trip: false })
    expect(feed(judge, { from: T0 + 10_100, seconds: 2, v2: FINE })).toMatchObject({ kind: 'healthy', numbers: { bad: 0 } })
  })

  it('after a trip the verdict stays until rearmed, then starts anew', () => {
    const judge = judgeOf()
    expect(feed(judge, { seconds: 3, v2: DEAD }).trip).toBe(true)
    expect(feed(judge, { from: T0 + 3_000, seconds: 600, mayTrip: false })).toMatchObject({ kind: 'regression', trip: false })
    expect(feed(judge, { from: T0 + 603_000, seconds: 5 })).toMatchObject({ kind: 'insufficient', trip: false })
    expect(feed(judge, { from: T0 + 608_000, seconds: 3, v2: DEAD }).trip).toBe(true)
  })

  it('a withheld trip stays due', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 3, v2: DEAD })
    expect(feed(judge, { from: T0 + 3_000, seconds: 30 }).trip).toBe(true)
  })
})

describe('bad input', () => {
  it('a clock that goes back an hour does not stop the judge', () => {
    const judge = judgeOf()
    feed(judge, { seconds: 5, v2: FINE })
    expect(feed(judge, { from: T0 - 3_600_000, seconds: 3, v2: DEAD })).toMatchObject({ trip: true, at: T0 - 3_600_000 + 3_000 })
  })

  it('a clock that is none passes no time', () => {
    const judge = judgeOf()
    judge.tick(Number.NaN, { v1: NONE, v2: FINE, mayTrip: true })
    expect(feed(judge, { seconds: 3, v2: DEAD }).trip).toBe(true)
  })

  it('no counts and no clock make a number that is none', () => {
    const odd = fc.oneof(fc.nat(100), fc.constantFrom(-1, 0.5, Number.NaN, Infinity, -Infinity))
    const counts = fc.record({ bad: odd, total: odd })
    const tick = fc.record({
      now: fc.oneof(fc.integer({ min: -1e6, max: 1e6 }), fc.constantFrom(Number.NaN, Infinity)),
      v1: counts,
      v2: counts,
      mayTrip: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(tick, { maxLength: 40 }), (ticks) => {
        const judge = judgeOf()
        for (const { now, ...deltas } of ticks) {
          const { numbers, reason } = judge.tick(now, deltas)
          for (const [name, value] of Object.entries(numbers)) expect(Number.isFinite(value), name).toBe(true)
          expect(reason).not.toMatch(/NaN|Infinity|undefined|-\d/)
        }
      }),
    )
  })
})

describe('many routes', () => {
  const named = (name: string, more: Partial<JudgedRoute> = {}): JudgedRoute => ({ ...ROUTE, name, ...more })

  it('need more evidence each', () => {
    expect(createJudge({ routes: [] }).threshold).toBe(18)
    expect(createJudge({ routes: [named('a')] }).threshold).toBe(18)
    const judge = createJudge({ routes: Array.from({ length: 60 }, (_, index) => named(`r${index}`)) })
    expect(judge.threshold).toBeCloseTo(18 + Math.log(60))
    expect(judge.route('r7')?.tick(T0, { v1: NONE, v2: NONE, mayTrip: true }).numbers['threshold']).toBe(judge.threshold)
  })

  it('a reload keeps the evidence of routes whose limits stayed', () => {
    const judge = createJudge({ routes: [named('a'), named('b')] })
    const [a, b] = [judge.route('a'), judge.route('b')]
    judge.reload([named('a'), named('b', { errorLimit: 0.1 }), named('c')])
    expect(judge.route('a')).toBe(a)
    expect(judge.route('b')).not.toBe(b)
    judge.reload([named('c', { minRequests: 5 }), named('a', { sustainMs: 0 })])
    expect(judge.route('a')).not.toBe(a)
    expect(judge.route('b')).toBeNull()
    expect(judge.route('__proto__')).toBeNull()
  })

  it('take their limits from the config; routes of writes only wait for nothing', () => {
    const config = (methods: readonly string[]): Pick<RouteConfig, 'name' | 'match' | 'health'> => ({
      name: 'orders',
      match: { path: '/**', methods, host: null, header: {} } satisfies MatchConfig,
      health: {
        errorRate: { max: 2.5, ratio: 2, excess: 5 },
        latency: { p95Ms: 500, p99Ms: 1_000, ratio: 1.5, floorMs: 20 },
        clientErrors: { ratio: 2, excess: 5 },
        mismatchRate: { max: 1, action: 'hold' },
        minRequests: 30,
        sustainMs: 2_000,
      },
    })
    expect(judgedRoute(config([]))).toEqual({ name: 'orders', errorLimit: 0.025, minRequests: 30, sustainMs: 2_000 })
    expect(judgedRoute(config(['GET', 'POST'])).sustainMs).toBe(2_000)
    expect(judgedRoute(config(['POST', 'DELETE'])).sustainMs).toBe(0)
  })
})
