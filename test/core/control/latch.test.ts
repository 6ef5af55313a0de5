import { describe, expect, it } from 'vitest'
import { apply } from '../../../src/core/control/apply.ts'
import { effectiveOf, MIRRORS_PAUSE_MS, nextWordChange, wordOf } from '../../../src/core/control/effective.ts'
import type { Command } from '../../../src/core/model/control.ts'
import { unpackWord } from '../../../src/core/model/routing.ts'
import { after, BY, DAY, groupIn, MINUTE, passed, refused, started, T0 } from './fixtures.ts'

const orders = { ...BY, group: 'orders' } as const
const trip: Command = { ...orders, kind: 'trip', cause: 'errors', actor: 'judge', reason: 'v2 failed 9 of 41 requests in 4 s' }
const rollback: Command = { kind: 'rollback', group: 'orders', actor: 'tester', reason: '' }
const rearm = (more: object = {}): Command => ({ ...orders, kind: 'rearm', ...more })
const canary = started({ orders: { stage: 'canary', weight: 10 }, users: { stage: 'canary', weight: 20 } })
const LATER = T0 + 11 * MINUTE

describe('a trip', () => {
  it('takes the route to zero, keeps its stage, latches, and leaves others alone', () => {
    const { state, raised } = passed(apply(canary, trip, T0))
    expect(raised).toBe(false)
    expect(groupIn(state, 'orders')).toMatchObject({
      stage: 'canary',
      wantedBps: 0,
      beforeTripBps: 1_000,
      epoch: 1,
      trips: [T0],
      latch: { at: T0, cause: 'errors', epoch: 1, actor: 'judge', reason: trip.reason },
    })
    expect(effectiveOf(state, 'orders')).toEqual({ weightBps: 0, heldBy: 'latch' })
    expect(effectiveOf(state, 'users')).toEqual({ weightBps: 2_000, heldBy: 'none' })
  })

  it.each(['off', 'shadow'] as const)('is refused in %s: nobody gets v2 there', (stage) => {
    expect(refused(apply(started({ orders: { stage, weight: 10 } }), trip, T0))).toMatchObject({ code: 'not-routed', status: 409 })
  })

  it('behind another latch changes nothing and counts for nothing', () => {
    const latched = after(canary, T0, rollback)
    const again = after(latched, T0 + 1, trip)
    expect(again).toEqual({ ...latched, revision: latched.revision + 1 })
  })

  it('stops mirrors for five minutes, also when the clock goes back', () => {
    const state = after(canary, T0, trip)
    const mirrorsOff = (name: string, now: number): boolean => unpackWord(wordOf(state, name, { live: true, now })).mirrorsOff
    expect(mirrorsOff('orders', T0)).toBe(true)
    expect(mirrorsOff('orders', T0 - DAY)).toBe(true)
    expect(mirrorsOff('orders', T0 + MIRRORS_PAUSE_MS - 1)).toBe(true)
    expect(mirrorsOff('orders', T0 + MIRRORS_PAUSE_MS)).toBe(false)
    expect(mirrorsOff('users', T0)).toBe(false)
    expect(nextWordChange(state, T0)).toBe(T0 + MIRRORS_PAUSE_MS)
    expect(nextWordChange(state, T0 + MIRRORS_PAUSE_MS)).toBeNull()
  })
})

describe('a rollback', () => {
  it.each(['off', 'shadow', 'canary', 'complete'] as const)('by a person is obeyed in %s, without a reason', (stage) => {
    const { state, raised } = passed(apply(started({ orders: { stage, weight: 10 } }), { ...rollback, ifRevision: 99 }, T0))
    expect(raised).toBe(false)
    expect(groupIn(state, 'orders').latch).toMatchObject({ cause: 'rollback', epoch: 1 })
  })

  it('is no trip: it may be rearmed at once, however often', () => {
    let state = canary
    for (let round = 1; round <= 5; round++) state = after(state, T0, rollback, rearm())
    expect(groupIn(state, 'orders')).toMatchObject({ latch: null, epoch: 5, trips: [] })
  })

  it('a second one keeps the first latch', () => {
    const once = after(canary, T0, rollback)
    expect(groupIn(after(once, T0 + MINUTE, rollback), 'orders')).toEqual(groupIn(once, 'orders'))
  })
})

describe('while latched', () => {
  const latched = after(canary, T0, trip)

  it('no raise passes, and none is queued', () => {
    expect(refused(apply(latched, { ...orders, kind: 'weight', weightBps: 1 }, LATER))).toMatchObject({ code: 'latched', status: 409 })
    expect(refused(apply(latched, { ...orders, kind: 'stage', stage: 'complete' }, LATER)).message).toContain('banyan rearm orders')
    const shadow = after(latched, LATER, { ...orders, kind: 'stage', stage: 'shadow' })
    expect(refused(apply(shadow, { ...orders, kind: 'stage', stage: 'canary' }, LATER)).code).toBe('latched')
  })

  it('lowering passes', () => {
    after(
      latched,
      LATER,
      { ...orders, kind: 'weight', weightBps: 0 },
      { ...orders, kind: 'stage', stage: 'shadow' },
      { ...orders, kind: 'stage', stage: 'off' },
    )
  })

  it('leaving complete keeps zero', () => {
    const state = after(started({ orders: { stage: 'complete' } }), T0, trip, { ...orders, kind: 'stage', stage: 'canary' })
    expect(groupIn(state, 'orders')).toMatchObject({ stage: 'canary', wantedBps: 0, beforeTripBps: 10_000 })
  })
})

describe('rearm', () => {
  const latched = after(canary, T0, trip)

  it('ends the latch at the first ramp step', () => {
    const { state, raised } = passed(apply(latched, rearm(), LATER))
    expect(raised).toBe(true)
    expect(groupIn(state, 'orders')).toMatchObject({ latch: null, wantedBps: 100, resalt: '' })
  })

  it('never goes above the weight before the trip', () => {
    expect(groupIn(after(latched, LATER, rearm({ toBps: 1_000 })), 'orders').wantedBps).toBe(1_000)
    const refusal = refused(apply(latched, rearm({ toBps: 1_001, force: true }), LATER))
    expect(refusal).toMatchObject({ code: 'above-before-trip', status: 409 })
    expect(refusal.message).toContain('10 %')
    const small = after(started({ orders: { stage: 'canary', weight: 0.3 } }), T0, trip, rearm({ force: true }))
    expect(groupIn(small, 'orders').wantedBps).toBe(30)
  })

  it.each([-1, 0.5, Number.NaN])('to %d is no weight', (toBps) => {
    expect(refused(apply(latched, rearm({ toBps }), LATER)).code).toBe('invalid-weight')
  })

  it('needs a reason, an unmoved revision and a latch', () => {
    expect(refused(apply(latched, rearm({ reason: '' }), LATER))).toMatchObject({ code: 'reason-required', status: 400 })
    expect(refused(apply(latched, rearm({ ifRevision: 0 }), LATER)).code).toBe('revision-moved')
    expect(refused(apply(canary, rearm(), LATER)).code).toBe('not-latched')
  })

  it('within ten minutes of a trip needs force', () => {
    const refusal = refused(apply(latched, rearm(), T0 + 10 * MINUTE - 1))
    expect(refusal).toMatchObject({ code: 'rearm-too-soon', status: 428 })
    expect(refusal.message).toContain('2026-01-05T12:00:00.000Z')
    expect(refused(apply(latched, rearm(), T0 - DAY)).code).toBe('rearm-too-soon')
    passed(apply(latched, rearm(), T0 + 10 * MINUTE))
    passed(apply(latched, rearm({ force: true }), T0))
  })

  it('after three trips in seven days needs force; older ones are forgotten', () => {
    let state = canary
    for (let day = 0; day < 2; day++) state = after(state, T0 + day * DAY, trip, rearm({ force: true }))
    state = after(state, T0 + 2 * DAY, trip)
    expect(refused(apply(state, rearm(), T0 + 3 * DAY))).toMatchObject({ code: 'too-many-trips', status: 428 })
    passed(apply(state, rearm({ force: true }), T0 + 3 * DAY))
    passed(apply(state, rearm(), T0 + 7 * DAY))
    const fourth = after(state, T0 + 7 * DAY, rearm(), trip)
    expect(groupIn(fourth, 'orders').trips).toEqual([T0 + DAY, T0 + 2 * DAY, T0 + 7 * DAY])
  })

  it('a tripped route in complete returns as canary', () => {
    const state = after(started({ orders: { stage: 'complete' } }), T0, trip)
    expect(groupIn(state, 'orders').stage).toBe('complete')
    expect(effectiveOf(state, 'orders').weightBps).toBe(0)
    expect(groupIn(after(state, LATER, rearm()), 'orders')).toMatchObject({ stage: 'canary', wantedBps: 100 })
  })

  it('with a new salt picks other users each time', () => {
    const once = after(latched, LATER, rearm({ resalt: true }))
    const twice = after(once, LATER, trip, rearm({ resalt: true, force: true }))
    const salts = [latched, once, twice].map((state) => groupIn(state, 'orders').resalt)
    expect(new Set(salts).size).toBe(3)
    expect(groupIn(after(twice, LATER, rollback, rearm()), 'orders').resalt).toBe(salts[2])
  })
})

describe('the global latch', () => {
  const kill: Command = { kind: 'kill', actor: 'oncall', reason: '' }
  const killed = after(canary, T0, kill)
  const rearmAll = (more: object = {}): Command => ({ ...BY, kind: 'rearm-global', ...more })

  it('is zero for all routes, and each keeps what it wanted', () => {
    for (const name of ['orders', 'users']) expect(effectiveOf(killed, name)).toEqual({ weightBps: 0, heldBy: 'kill' })
    expect(effectiveOf(after(killed, T0, rearmAll()), 'orders')).toEqual({ weightBps: 1_000, heldBy: 'none' })
    expect(unpackWord(wordOf(killed, 'orders', { live: true, now: T0 }))).toMatchObject({
      killed: true,
      latched: false,
      weightBps: 0,
      mirrorsOff: true,
    })
  })

  it('keeps its first cause', () => {
    expect(after(killed, T0 + 1, { ...kill, reason: 'again' }).killed).toEqual(killed.killed)
  })

  it('refuses raises and rearms of routes, obeys lowering', () => {
    expect(refused(apply(killed, { ...orders, kind: 'weight', weightBps: 2_000 }, LATER))).toMatchObject({ code: 'killed', status: 409 })
    expect(refused(apply(after(killed, T0, rollback), rearm(), LATER)).code).toBe('killed')
    expect(groupIn(after(killed, LATER, { ...orders, kind: 'weight', weightBps: 500, reason: '' }), 'orders').wantedBps).toBe(500)
  })

  it('ends with a reason, and alone: tripped routes stay latched', () => {
    const both = after(canary, T0, trip, kill)
    expect(refused(apply(both, rearmAll({ reason: '' }), LATER)).code).toBe('reason-required')
    expect(refused(apply(both, rearmAll({ ifRevision: 1 }), LATER)).code).toBe('revision-moved')
    const { state, raised } = passed(apply(both, rearmAll(), LATER))
    expect(raised).toBe(true)
    expect(effectiveOf(state, 'orders')).toEqual({ weightBps: 0, heldBy: 'latch' })
    expect(effectiveOf(state, 'users').weightBps).toBe(2_000)
    expect(refused(apply(state, rearmAll(), LATER))).toMatchObject({ code: 'not-killed', status: 409 })
  })

  it('has a greater epoch each time', () => {
    const again = after(killed, T0, rearmAll(), kill)
    expect(again.killed?.epoch).toBeGreaterThan(killed.killed?.epoch ?? Infinity)
  })
})
