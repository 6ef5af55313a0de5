/**
 * The detector's promises, simulated with fixed seeds: what is dead goes in seconds, what is sound stays for
 * weeks, what is exactly at its limit almost always stays.
 */
import { describe, expect, it } from 'vitest'
import { createAbsolute } from '../../../src/core/judge/absolute.ts'
import { createJudge } from '../../../src/core/judge/judge.ts'
import type { RouteJudge } from '../../../src/core/judge/route.ts'
import { binomial, poisson, randomFrom, run } from './simulate.ts'

const WEEK = 7 * 86_400
const NONE = { bad: 0, total: 0 }

function routeJudge(): RouteJudge {
  const judge = createJudge({ routes: [{ name: 'orders', errorLimit: 0.05, minRequests: 20, sustainMs: 1_000 }] }).route('orders')
  if (judge === null) throw new Error('the route is judged')
  return judge
}

function seeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

describe('v2 dead', () => {
  it('at 10 requests a second trips within sustain and a second of events, of 200 runs', () => {
    const times = seeds(200).map((seed) => run(routeJudge(), { seconds: 20, v2Rps: 10, v2Bad: () => 1, seed }))
    const seconds = times.map(({ trippedAt }) => trippedAt ?? Infinity).sort((a, b) => a - b)
    expect(seconds[Math.floor(seconds.length * 0.9)]).toBeLessThanOrEqual(2)
    expect(seconds.at(-1)).toBeLessThanOrEqual(3)
    // Sustain: not one earlier.
    expect(seconds[0]).toBeGreaterThanOrEqual(1)
    expect(Math.max(...times.map(({ badAtTrip }) => badAtTrip))).toBeLessThanOrEqual(25)
  })

  it('after a healthy day trips as fast: an old calm buys no time', () => {
    const { trippedAt } = run(routeJudge(), {
      seconds: 86_410,
      v2Rps: 10,
      v2Bad: (second) => (second < 86_400 ? 0.005 : 1),
      seed: 7,
      tickMs: 500,
    })
    expect(trippedAt).toBeGreaterThan(86_401)
    expect(trippedAt).toBeLessThanOrEqual(86_403)
  })

  it('trips on ten requests in all', () => {
    const slow = seeds(50).map((seed) => run(routeJudge(), { seconds: 300, v2Rps: 0.2, v2Bad: () => 1, seed }))
    expect(slow.every(({ trippedAt, badAtTrip }) => trippedAt !== null && badAtTrip <= 10)).toBe(true)
  })

  it('for every second answer trips within ten seconds', () => {
    for (const seed of seeds(50))
      expect(run(routeJudge(), { seconds: 60, v2Rps: 10, v2Bad: () => 0.5, seed }).trippedAt).toBeLessThanOrEqual(10)
  })

  it('at twice the limit trips within a few minutes', () => {
    for (const seed of seeds(20)) expect(run(routeJudge(), { seconds: 600, v2Rps: 10, v2Bad: () => 0.1, seed }).trippedAt).not.toBeNull()
  })
})

describe('v2 sound', () => {
  it('at 0.5 % errors for a week never trips and is never a regression', () => {
    const week = run(routeJudge(), { seconds: WEEK, v2Rps: 10, v2Bad: () => 0.005, seed: 1, tickMs: 1_000 })
    expect(week.trippedAt).toBeNull()
    expect(week.kinds.has('regression')).toBe(false)
    expect(week.last.kind).toBe('healthy')
  }, 60_000)

  it('at 0.5 % errors for a week never comes near the threshold, at 1, 3 and 5 requests a second', () => {
    for (const rps of [1, 3, 5]) expect(highest(rps, WEEK, 0.005)).toBeLessThan(12)
  }, 60_000)

  it('at 0.5 % for six hours, looked at ten times a second, never trips', () => {
    expect(run(routeJudge(), { seconds: 21_600, v2Rps: 10, v2Bad: () => 0.005, seed: 11 }).trippedAt).toBeNull()
  }, 60_000)

  it('at exactly the limit does not trip in a day, of 5 runs', () => {
    const trips = seeds(5).filter(
      (seed) => run(routeJudge(), { seconds: 86_400, v2Rps: 10, v2Bad: () => 0.05, seed, tickMs: 1_000 }).trippedAt !== null,
    )
    expect(trips).toEqual([])
  }, 60_000)

  it('restarting a pod every minute (20 % for half a second) does not trip', () => {
    for (const seed of seeds(5)) {
      const deploys = run(routeJudge(), { seconds: 3_600, v2Rps: 10, v2Bad: (second) => (second % 60 < 0.5 ? 0.2 : 0.005), seed })
      expect(deploys.trippedAt).toBeNull()
    }
  })
})

describe('the bound', () => {
  // E-detectors: at the limit the mean time to reach exp(h) is at least exp(h) slices. Small h makes it testable.
  it.each([3, 5])('at the limit log e reaches %d no sooner than promised on average', (height) => {
    const runs = 300
    const most = 50 * Math.exp(height)
    let total = 0
    for (const seed of seeds(runs)) {
      const random = randomFrom(seed)
      const detector = createAbsolute({ limit: 0.05, threshold: () => 30 })
      let second = 0
      while (detector.logE < height && second < most) {
        const requests = poisson(3, random)
        second++
        detector.tick(second * 1_000, { total: requests, bad: binomial(requests, 0.05, random) }, NONE)
      }
      total += second
    }
    expect(total / runs).toBeGreaterThanOrEqual(Math.exp(height))
  })
})

/** The highest log e of a detector, looked at every second; the rate is the seed. */
function highest(rps: number, seconds: number, share: number): number {
  const random = randomFrom(rps)
  const detector = createAbsolute({ limit: 0.05, threshold: () => 18 })
  let most = 0
  for (let second = 1; second <= seconds; second++) {
    const total = poisson(rps, random)
    detector.tick(second * 1_000, { total, bad: binomial(total, share, random) }, NONE)
    most = Math.max(most, detector.logE)
  }
  return most
}
