import { describe, expect, it } from 'vitest'
import { apply } from '../../../src/core/control/apply.ts'
import { ceilingBps, ceilingOf, effectiveOf, gatewayWordOf, wordOf } from '../../../src/core/control/effective.ts'
import { initialState } from '../../../src/core/control/state.ts'
import type { Ceiling, Command } from '../../../src/core/model/control.ts'
import { unpackWord } from '../../../src/core/model/routing.ts'
import { after, BY, passed, refused, started, T0 } from './fixtures.ts'

const ceiling = (source: keyof Ceiling, percent: number | null, reason = ''): Command => ({
  kind: 'ceiling',
  source,
  percent,
  actor: 'config',
  reason,
})
const canary = started({ orders: { stage: 'canary', weight: 10 } })

describe('the ceiling', () => {
  it('is the lowest of what the sources say', () => {
    expect(ceilingOf(canary)).toEqual({ percent: 100, source: 'none', env: null, file: null, redis: null })
    const three = after(canary, T0, ceiling('env', 40), ceiling('file', 5), ceiling('redis', 70))
    expect(ceilingOf(three)).toEqual({ percent: 5, source: 'file', env: 40, file: 5, redis: 70 })
    expect(ceilingOf(after(three, T0, ceiling('file', null)))).toMatchObject({ percent: 40, source: 'env' })
    expect(ceilingOf(after(canary, T0, ceiling('redis', 100)))).toMatchObject({ percent: 100, source: 'redis' })
  })

  it('binds the effective weight and says so, never the wanted one', () => {
    const bound = after(canary, T0, ceiling('file', 5))
    expect(effectiveOf(bound, 'orders')).toEqual({ weightBps: 500, heldBy: 'ceiling' })
    const { state, raised } = passed(apply(bound, ceiling('file', 50), T0))
    expect(raised).toBe(true)
    expect(effectiveOf(state, 'orders')).toEqual({ weightBps: 1_000, heldBy: 'none' })
  })

  it('hides a raise, which is one all the same: it takes effect when the ceiling goes', () => {
    const bound = after(canary, T0, ceiling('file', 5))
    const raise = passed(apply(bound, { ...BY, kind: 'weight', group: 'orders', weightBps: 3_000 }, T0))
    expect(raise.raised).toBe(true)
    expect(effectiveOf(raise.state, 'orders')).toEqual({ weightBps: 500, heldBy: 'ceiling' })
  })

  it('binds complete as well', () => {
    expect(effectiveOf(after(started({ orders: { stage: 'complete' } }), T0, ceiling('env', 30)), 'orders').weightBps).toBe(3_000)
  })

  it('above 0 never reads as zero for everybody', () => {
    expect(ceilingBps(after(canary, T0, ceiling('file', 0.001)))).toBe(1)
  })

  it.each([-1, 101, Number.NaN])('%d is no ceiling', (percent) => {
    expect(refused(apply(canary, ceiling('file', percent), T0))).toMatchObject({ code: 'invalid-ceiling', status: 400 })
  })
})

describe('a ceiling of 0', () => {
  it.each(['file', 'redis'] as const)('in %s, from above 0, sets the global latch, and putting the number back lifts nothing', (source) => {
    const zero = after(canary, T0, ceiling(source, 10), ceiling(source, 0))
    expect(zero.killed).toMatchObject({ cause: 'ceiling', at: T0, reason: `the ceiling from ${source} went to 0` })
    const back = after(zero, T0, ceiling(source, 10))
    expect(effectiveOf(back, 'orders')).toEqual({ weightBps: 0, heldBy: 'kill' })
    expect(effectiveOf(after(back, T0, { ...BY, kind: 'rearm-global' }), 'orders').weightBps).toBe(1_000)
  })

  it('from a source that said nothing latches once the gateway runs', () => {
    expect(after(canary, T0, ceiling('file', 0, 'v2_traffic_percentage went to 0')).killed?.reason).toBe('v2_traffic_percentage went to 0')
  })

  it('at the very first start is where the operator begins: no latch', () => {
    const state = after(initialState(), T0, ceiling('file', 0))
    expect(state.killed).toBeNull()
    expect(unpackWord(gatewayWordOf(state, T0)).ceilingZero).toBe(true)
  })

  it('that was 0 before sets no latch', () => {
    const state = after(initialState(), T0, ceiling('file', 0), ceiling('file', 0))
    expect(state.killed).toBeNull()
  })

  it('in the environment is zero without a latch', () => {
    const state = after(canary, T0, ceiling('env', 10), ceiling('env', 0))
    expect(state.killed).toBeNull()
    expect(effectiveOf(state, 'orders')).toEqual({ weightBps: 0, heldBy: 'ceiling' })
    expect(unpackWord(wordOf(state, 'orders', { live: true, now: T0 }))).toMatchObject({ ceilingZero: true, weightBps: 0 })
  })
})

describe('routing words', () => {
  it('carry what the data threads must know', () => {
    expect(unpackWord(wordOf(canary, 'orders', { live: true, now: T0 }))).toEqual({
      weightBps: 1_000,
      stage: 'canary',
      latched: false,
      killed: false,
      ceilingZero: false,
      live: true,
      mirrorsOff: false,
    })
    expect(unpackWord(wordOf(canary, 'nobody', { live: false, now: T0 }))).toMatchObject({
      weightBps: 0,
      stage: 'off',
      live: false,
      latched: false,
    })
  })

  it("the gateway's own carries kill and ceiling", () => {
    expect(unpackWord(gatewayWordOf(canary, T0))).toMatchObject({ weightBps: 10_000, killed: false, live: true })
    expect(unpackWord(gatewayWordOf(after(canary, T0, { ...BY, kind: 'kill' }), T0))).toMatchObject({
      weightBps: 0,
      killed: true,
      mirrorsOff: true,
    })
  })
})
