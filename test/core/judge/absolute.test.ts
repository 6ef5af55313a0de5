import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAbsolute } from '../../../src/core/judge/absolute.ts'
import type { Absolute } from '../../../src/core/judge/absolute.ts'
import { createDetector } from '../../../src/core/judge/e-detector.ts'

const NONE = { bad: 0, total: 0 }
const detector = (limit = 0.05, threshold = 18): Absolute => createAbsolute({ limit, threshold: () => threshold })

function feed(to: Absolute, slices: readonly { readonly bad: number; readonly total: number }[]): void {
  for (const [second, counts] of slices.entries()) to.tick(second * 1_000, counts, NONE)
}

describe('the absolute test', () => {
  it('knows nothing before the first request', () => {
    const fresh = detector()
    expect(fresh.logE).toBe(0)
    expect(fresh.evidence).toEqual({ sinceMs: 0, canary: NONE, baseline: NONE })
  })

  it('is the log of the mean likelihood ratio over the grid', () => {
    const one = detector()
    one.tick(0, { bad: 2, total: 3 }, NONE)
    const ratios = [0.08, 0.15, 0.3, 0.5, 0.95].map((p) => (p / 0.05) ** 2 * ((1 - p) / 0.95))
    expect(one.logE).toBeCloseTo(Math.log(ratios.reduce((sum, ratio) => sum + ratio) / 5), 10)
  })

  it('is the same however a slice is cut into ticks', () => {
    const whole = detector()
    whole.tick(0, { bad: 3, total: 50 }, NONE)
    const cut = detector()
    for (const counts of [
      { bad: 0, total: 20 },
      { bad: 1, total: 10 },
      { bad: 2, total: 20 },
    ])
      cut.tick(999, counts, NONE)
    expect(cut.logE).toBeCloseTo(whole.logE, 10)
  })

  it('restarts on whole seconds only: calm is forgotten then, within the second it weighs', () => {
    const calmFirst = detector()
    feed(calmFirst, [
      { bad: 0, total: 1_000 },
      { bad: 3, total: 3 },
    ])
    const fresh = detector()
    fresh.tick(1_000, { bad: 3, total: 3 }, NONE)
    expect(calmFirst.logE).toBeCloseTo(fresh.logE, 10)
    const sameSecond = detector()
    sameSecond.tick(0, { bad: 0, total: 1_000 }, NONE)
    sameSecond.tick(900, { bad: 3, total: 3 }, NONE)
    expect(sameSecond.logE).toBeLessThan(0)
  })

  it('counts the evidence of the strongest alternative, from where it restarted, for both sides', () => {
    const one = detector()
    one.tick(500, { bad: 0, total: 40 }, { bad: 1, total: 90 })
    one.tick(1_200, { bad: 3, total: 3 }, { bad: 0, total: 10 })
    one.tick(2_100, { bad: 2, total: 2 }, { bad: 1, total: 20 })
    expect(one.evidence).toEqual({ sinceMs: 1_000, canary: { bad: 5, total: 5 }, baseline: { bad: 1, total: 30 } })
  })

  it('forgets all when restarted', () => {
    const one = detector()
    one.tick(0, { bad: 9, total: 9 }, NONE)
    one.restart(7_300)
    expect(one.logE).toBe(0)
    expect(one.evidence).toEqual({ sinceMs: 7_000, canary: NONE, baseline: NONE })
  })

  it('a day of outage is forgotten in minutes, not days', () => {
    const one = detector()
    feed(
      one,
      Array.from({ length: 86_400 }, () => ({ bad: 10, total: 10 })),
    )
    expect(one.logE).toBeGreaterThanOrEqual(18)
    let seconds = 0
    while (one.logE > 1 && seconds < 10_000) one.tick((86_400 + ++seconds) * 1_000, { bad: 0, total: 10 }, NONE)
    expect(seconds).toBeLessThan(120)
  })

  it('reaches its threshold whichever alternative is the true one', () => {
    for (const share of [0.1, 0.15, 0.3, 0.5, 0.95, 1]) {
      const one = detector(0.05, 25)
      feed(
        one,
        Array.from({ length: 2_000 }, () => ({ bad: Math.round(share * 100), total: 100 })),
      )
      expect(one.logE, `share ${share}`).toBeGreaterThanOrEqual(25)
    }
  })

  it('below the limit says nothing', () => {
    const one = detector()
    feed(
      one,
      Array.from({ length: 2_000 }, () => ({ bad: 2, total: 100 })),
    )
    expect(one.logE).toBeLessThan(1)
  })

  it.each([0, 0.2, 0.5, 0.9, 0.96, 0.998])('limit %d: all bad is evidence, all good is none', (limit) => {
    const bad = detector(limit)
    feed(
      bad,
      Array.from({ length: 50_000 }, () => ({ bad: 10, total: 10 })),
    )
    expect(bad.logE).toBeGreaterThanOrEqual(18)
    const good = detector(limit)
    feed(
      good,
      Array.from({ length: 100 }, () => ({ bad: 0, total: 10 })),
    )
    expect(good.logE).toBeLessThanOrEqual(0)
  })

  it.each([0.999, 1, 2, Number.NaN])('limit %d: nothing is ever evidence', (limit) => {
    const one = detector(limit)
    feed(
      one,
      Array.from({ length: 100 }, () => ({ bad: 10, total: 10 })),
    )
    expect(one.logE).toBe(0)
    expect(one.evidence.canary).toEqual(NONE)
  })

  it('is finite for any counts, limits and times', () => {
    const counts = fc.record({ total: fc.nat(1e9), share: fc.double({ min: 0, max: 1, noNaN: true }) })
    const ticks = fc.array(fc.tuple(fc.nat(5_000), counts), { maxLength: 50 })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), ticks, (limit, steps) => {
        const one = detector(limit)
        let at = 0
        for (const [passed, { total, share }] of steps) {
          at += passed
          one.tick(at, { total, bad: Math.floor(total * share) }, NONE)
          expect(Number.isFinite(one.logE)).toBe(true)
        }
      }),
    )
  })

  it('one more bad answer is never less evidence', () => {
    const slice = fc.record({ bad: fc.nat(5), good: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(slice, { minLength: 1, maxLength: 20 }), fc.nat(), (slices, where) => {
        const with_ = detector()
        const without = detector()
        const at = where % slices.length
        feed(
          without,
          slices.map(({ bad, good }) => ({ bad, total: bad + good })),
        )
        feed(
          with_,
          slices.map(({ bad, good }, index) => ({ bad: bad + (index === at ? 1 : 0), total: bad + good + (index === at ? 1 : 0) })),
        )
        expect(with_.logE).toBeGreaterThanOrEqual(without.logE - 1e-9)
      }),
    )
  })
})

it('a detector of no alternatives never speaks', () => {
  const empty = createDetector(0, () => 18)
  expect([empty.logE, empty.leader]).toEqual([0, 0])
})
