import { describe, expect, it } from 'vitest'
import { Breaker } from '../../src/proxy/breaker.ts'

function failing(breaker: Breaker, times: number, now: number): void {
  for (let i = 0; i < times; i++) breaker.note(false, now)
}

describe('the mirrors breaker', () => {
  it('opens after ten failures in a row, not after nine', () => {
    const breaker = new Breaker()
    failing(breaker, 9, 0)
    expect(breaker.allows(0)).toBe(true)
    breaker.note(true, 0)
    failing(breaker, 9, 0)
    expect(breaker.allows(0)).toBe(true)
    failing(breaker, 1, 0)
    expect(breaker.allows(0)).toBe(false)
  })

  it('lets one through after a second, and waits for what becomes of it', () => {
    const breaker = new Breaker()
    failing(breaker, 10, 0)
    expect(breaker.allows(999)).toBe(false)
    expect([breaker.allows(1_000), breaker.allows(1_001)]).toEqual([true, false])
    breaker.note(true, 1_100)
    expect([breaker.allows(1_100), breaker.allows(1_100)]).toEqual([true, true])
    // It has forgotten: the next time is like the first.
    failing(breaker, 10, 2_000)
    expect([breaker.allows(2_999), breaker.allows(3_000)]).toEqual([false, true])
  })

  it('waits twice as long after each try that fails, to half a minute', () => {
    const breaker = new Breaker()
    failing(breaker, 10, 0)
    let now = 0
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      const from = now
      while (!breaker.allows(now)) now += 100
      waits.push(now - from)
      breaker.note(false, now)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('counts mirrors that were under way when it opened as one failure', () => {
    const breaker = new Breaker()
    failing(breaker, 64, 0)
    expect([breaker.allows(900), breaker.allows(1_000)]).toEqual([false, true])
  })

  it('a try that is never heard of again does not keep it open for ever', () => {
    const breaker = new Breaker()
    failing(breaker, 10, 0)
    expect(breaker.allows(1_000)).toBe(true)
    expect(breaker.allows(3_000)).toBe(true)
  })
})
