import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClock } from '../../../src/core/judge/clock.ts'
import { sane } from '../../../src/core/judge/counts.ts'
import { failuresSentence } from '../../../src/core/judge/sentence.ts'
import { createSustain } from '../../../src/core/judge/sustain.ts'
import { createWindow, WINDOW_MS } from '../../../src/core/judge/window.ts'

const NONE = { bad: 0, total: 0 }

describe('the clock', () => {
  it('counts what passes and never goes back', () => {
    const clock = createClock()
    const seen = [1_000, 1_500, 900, 1_000, Number.NaN, 1_100, Infinity, 1_200].map((now) => clock.advance(now))
    expect(seen).toEqual([0, 500, 500, 600, 600, 700, 700, 800])
  })
})

describe('sustain', () => {
  it('begins anew when the evidence was in doubt meanwhile', () => {
    const sustain = createSustain(1_000)
    const seen = [
      sustain.tick(0, true, true),
      sustain.tick(1_500, false, true),
      sustain.tick(2_000, true, true),
      sustain.tick(2_900, true, true),
      // Time alone is not enough: bad answers must still come.
      sustain.tick(3_500, true, false),
      sustain.tick(3_600, true, true),
      sustain.tick(9_000, true, false),
    ]
    expect(seen).toEqual([false, false, false, false, false, true, true])
  })
})

describe('counts', () => {
  it('are whole, not negative, and never more bad than all', () => {
    expect(sane({ bad: 2, total: 5 })).toEqual({ bad: 2, total: 5 })
    expect(sane({ bad: 7, total: 5 })).toEqual({ bad: 5, total: 5 })
    expect(sane({ bad: -1, total: -5 })).toEqual(NONE)
    expect(sane({ bad: 1.5, total: 2.9 })).toEqual({ bad: 1, total: 2 })
    expect(sane({ bad: Number.NaN, total: Infinity })).toEqual(NONE)
  })
})

describe('the window', () => {
  it('holds exactly what came in its ten-second slices of the last ten minutes', () => {
    const step = fc.record({ passed: fc.nat(90_000), bad: fc.nat(5), good: fc.nat(5) })
    fc.assert(
      fc.property(fc.nat(1e7), fc.array(step, { maxLength: 60 }), (since, steps) => {
        const window = createWindow(since)
        const all: { slice: number; bad: number; total: number }[] = []
        let at = since
        for (const { passed, bad, good } of steps) {
          at += passed
          window.add(at, { bad, total: bad + good }, { bad: 0, total: good })
          all.push({ slice: Math.floor(at / 10_000), bad, total: bad + good })
        }
        const inside = all.filter(({ slice }) => slice > Math.floor(at / 10_000) - WINDOW_MS / 10_000)
        const sum = (of: (item: (typeof all)[number]) => number): number => inside.reduce((total, item) => total + of(item), 0)
        expect(window.canary).toEqual({ bad: sum(({ bad }) => bad), total: sum(({ total }) => total) })
        expect(window.baseline).toEqual({ bad: 0, total: sum(({ bad, total }) => total - bad) })
      }),
    )
  })
})

describe('a sentence', () => {
  const told = { canary: { bad: 9, total: 41 }, baseline: { bad: 12, total: 3_960 }, spanMs: 3_600, limit: 0.05 }

  it('reads like one', () => {
    expect(failuresSentence(told)).toBe('v2 failed 9 of 41 requests in 4 s; limit 5 %; v1 failed 12 of 3,960')
  })

  it.each([
    [0, '1 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [600_000, '10 min'],
    [7_200_000, '2 h'],
  ])('%d ms is %s', (spanMs, text) => {
    expect(failuresSentence({ ...told, spanMs })).toContain(`in ${text};`)
  })

  it.each([
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('%d is %s', (total, text) => {
    expect(failuresSentence({ ...told, canary: { bad: 0, total } })).toContain(`0 of ${text} requests`)
  })
})
