import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareInterval, stateOf } from '../../../src/core/diff/evidence.ts'

describe('the interval of a share', () => {
  it('is Wilson’s: 12 of 800 is 0.86 % to 2.6 %', () => {
    const [low, high] = shareInterval({ count: 12, compared: 800 })
    expect(low).toBeCloseTo(0.0086, 4)
    expect(high).toBeCloseTo(0.026, 4)
  })

  it('holds the share, stays within 0 and 1, and narrows with more comparisons', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (compared, part) => {
        const count = Math.round(compared * part)
        const [low, high] = shareInterval({ count, compared })
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        expect(low).toBeLessThanOrEqual(count / compared)
        expect(high).toBeGreaterThanOrEqual(count / compared)
        const [lower, higher] = shareInterval({ count: count * 10, compared: compared * 10 })
        expect(higher - lower).toBeLessThan(high - low)
      }),
    )
  })

  it('without comparisons nothing is known', () => expect(shareInterval({ count: 0, compared: 0 })).toEqual([0, 1]))
})

describe('the state of a finding', () => {
  it('seen once is learning, later a regression', () => {
    expect(stateOf({ count: 1, compared: 10 })).toBe('learning')
    expect(stateOf({ count: 2, compared: 10 })).toBe('regression')
  })
})
