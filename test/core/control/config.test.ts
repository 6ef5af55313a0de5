import { describe, expect, it } from 'vitest'
import { apply } from '../../../src/core/control/apply.ts'
import { commandsForConfig } from '../../../src/core/control/config-commands.ts'
import { effectiveOf } from '../../../src/core/control/effective.ts'
import { tombstonesOf } from '../../../src/core/control/latch.ts'
import { initialState } from '../../../src/core/control/state.ts'
import type { Command, ControlState } from '../../../src/core/model/control.ts'
import { after, BY, configOf, DAY, groupIn, MINUTE, passed, refused, reload, started, T0 } from './fixtures.ts'
import type { RouteSketch } from './fixtures.ts'

type Routes = Readonly<Record<string, RouteSketch>>
const orders = { ...BY, group: 'orders' } as const
const trip: Command = { ...orders, kind: 'trip', cause: 'errors' }
const rearm: Command = { ...orders, kind: 'rearm', force: true }
const kill: Command = { ...BY, kind: 'kill' }
const weight = (weightBps: number): Command => ({ ...orders, kind: 'weight', weightBps })
const ten: Routes = { orders: { stage: 'canary', weight: 10 } }

/** Reloads an edited file: the hash is its content. */
function edited(state: ControlState, routes: Routes, now = T0): ReturnType<typeof reload> {
  return reload(state, configOf(routes), JSON.stringify(routes), now)
}

function refusalsOf(state: ControlState, routes: Routes): readonly string[] {
  return edited(state, routes).refusals.map(({ code }) => code)
}

describe('a config', () => {
  it('starts new groups as it says', () => {
    const state = started({
      a: {},
      b: { stage: 'shadow', weight: 5 },
      c: { stage: 'canary', weight: 7.25 },
      d: { stage: 'complete', weight: 3 },
    })
    const seen = Object.entries(state.groups).map(([name, { stage, wantedBps }]) => [name, stage, wantedBps])
    expect(seen).toEqual([
      ['a', 'off', 0],
      ['b', 'shadow', 500],
      ['c', 'canary', 725],
      ['d', 'complete', 10_000],
    ])
    expect(state.applied?.hash).toBe('first')
  })

  it('unchanged at a restart keeps what the operator set', () => {
    const state = after(started(ten), T0, weight(2_500))
    expect(commandsForConfig(state, configOf(ten), 'first', 'config')).toEqual([])
  })

  it('edited elsewhere keeps what the operator set', () => {
    const { state, refusals } = edited(after(started(ten), T0, weight(2_500)), { ...ten, users: { stage: 'shadow' } })
    expect(refusals).toEqual([])
    expect(groupIn(state, 'orders').wantedBps).toBe(2_500)
    expect(groupIn(state, 'users').stage).toBe('shadow')
  })

  it("edited wins over an earlier operator's act, up and down", () => {
    const state = after(started(ten), T0, weight(2_500))
    const down = edited(state, { orders: { stage: 'canary', weight: 5 } })
    expect(groupIn(down.state, 'orders').wantedBps).toBe(500)
    expect(down.applied[0]?.entry).toMatchObject({
      actor: 'config',
      kind: 'weight',
      reason: 'config: weight 10 → 5',
      before: 'canary 25 %',
      after: 'canary 5 %',
    })
    expect(groupIn(edited(state, { orders: { stage: 'canary', weight: 40 } }).state, 'orders').wantedBps).toBe(4_000)
  })

  it('says what it did in its own audit line', () => {
    const last = edited(started(ten), { ...ten, users: {} }).applied.at(-1)
    expect(last?.entry).toMatchObject({ kind: 'configure', subject: '*', before: 'config first, 1 group' })
    expect(last?.entry.after).toMatch(/^config .{12}, 2 groups$/)
    expect(reload(initialState(), configOf(ten), 'h').applied[0]?.entry.before).toBe('no config')
  })

  it('reaches its own values when stage and weight change together', () => {
    const up = edited(started({ orders: { stage: 'shadow' } }), ten)
    expect(up.refusals).toEqual([])
    expect(groupIn(up.state, 'orders')).toMatchObject({ stage: 'canary', wantedBps: 1_000 })
    const down = edited(started({ orders: { stage: 'complete' } }), { orders: { stage: 'canary', weight: 20 } })
    expect(groupIn(down.state, 'orders')).toMatchObject({ stage: 'canary', wantedBps: 2_000 })
  })

  it('obeys the table: off to canary is refused, and not queued', () => {
    const jump = edited(started({ orders: {} }), { orders: { stage: 'canary' } })
    expect(jump.refusals.map(({ code }) => code)).toEqual(['one-stage-at-a-time'])
    expect(groupIn(jump.state, 'orders').stage).toBe('off')
    expect(refusalsOf(started(ten), { orders: { stage: 'complete', weight: 10 } })).toEqual(['complete-needs-full-weight'])
  })

  it('in off and shadow a changed weight is remembered, for the way into canary', () => {
    const { state, refusals } = edited(started({ orders: { stage: 'shadow' } }), { orders: { stage: 'shadow', weight: 0.5 } })
    expect(refusals).toEqual([])
    expect(effectiveOf(state, 'orders')).toEqual({ weightBps: 0, heldBy: 'stage' })
    expect(groupIn(after(state, T0, { ...orders, kind: 'stage', stage: 'canary' }), 'orders').wantedBps).toBe(50)
  })

  it('whose stage is complete says nothing by its weight', () => {
    const full = { orders: { stage: 'complete', weight: 100 } } as const
    const { state, applied } = edited(started(full), { orders: { ...full.orders, weight: 10 } })
    expect(applied.map(({ entry }) => entry.kind)).toEqual(['configure'])
    expect(groupIn(state, 'orders').stage).toBe('complete')
  })

  it('gives a group the lowest of what its routes say, and the lowest first step', () => {
    const state = started({
      a: { group: 'shop', stage: 'canary', weight: 20, steps: [5] },
      b: { group: 'shop', stage: 'shadow', weight: 30, steps: [2] },
      c: { group: 'shop', stage: 'canary', weight: 10 },
    })
    expect(Object.keys(state.groups)).toEqual(['shop'])
    expect(groupIn(state, 'shop')).toMatchObject({ stage: 'shadow', wantedBps: 1_000, firstStepBps: 100 })
  })

  it('moves the first step with an edit, and keeps it where a caller names none', () => {
    const { state } = edited(started(ten), { orders: { ...ten['orders'], steps: [3] } })
    expect(groupIn(state, 'orders').firstStepBps).toBe(300)
    const config = state.applied ?? { hash: '', groups: {} }
    expect(groupIn(after(state, T0, { ...BY, kind: 'configure', config, firstStepsBps: {} }), 'orders').firstStepBps).toBe(300)
    expect(groupIn(after(initialState(), T0, { ...BY, kind: 'configure', config, firstStepsBps: {} }), 'orders').firstStepBps).toBe(100)
  })

  it('treats a group that nobody configured as configured the way it is', () => {
    const state = { ...started(ten), applied: null }
    expect(edited(state, ten).applied.map(({ entry }) => entry.kind)).toEqual(['configure'])
    expect(groupIn(edited(state, { orders: { stage: 'canary', weight: 5 } }).state, 'orders').wantedBps).toBe(500)
  })

  it('may call a route like a property of every object', () => {
    const routes = Object.fromEntries(['__proto__', 'constructor'].map((name) => [name, { stage: 'canary', weight: 10 } as const]))
    const state = started(routes)
    expect(Object.keys(state.groups).sort()).toEqual(['__proto__', 'constructor'])
    expect(effectiveOf(state, '__proto__').weightBps).toBe(1_000)
    expect(effectiveOf(after(state, T0, { ...trip, group: '__proto__' }), '__proto__').heldBy).toBe('latch')
  })
})

describe('a config cannot undo a latch', () => {
  const latched = after(started(ten), T0, trip)

  it('not by saying weight: 10 again, nor another weight', () => {
    expect(refusalsOf(latched, ten)).toEqual([])
    const more = edited(latched, { orders: { stage: 'canary', weight: 50 } })
    expect(more.refusals.map(({ code }) => code)).toEqual(['latched'])
    expect(effectiveOf(more.state, 'orders')).toEqual({ weightBps: 0, heldBy: 'latch' })
    expect(groupIn(more.state, 'orders')).toMatchObject({ wantedBps: 0, beforeTripBps: 1_000 })
  })

  it('and what it was refused then is not queued for the rearm', () => {
    const { state } = edited(latched, { orders: { stage: 'canary', weight: 50 } })
    expect(groupIn(after(state, T0, rearm), 'orders').wantedBps).toBe(100)
  })

  it('not by removing and adding the route', () => {
    const gone = edited(latched, { users: {} }).state
    expect(groupIn(gone, 'orders')).toMatchObject({ removedAt: T0 })
    expect(effectiveOf(gone, 'orders')).toEqual({ weightBps: 0, heldBy: 'latch' })
    const back = edited(gone, { users: {}, ...ten }, T0 + DAY).state
    expect(groupIn(back, 'orders')).toMatchObject({ removedAt: null, latch: { cause: 'errors' } })
    const bolder = edited(gone, { orders: { stage: 'complete', weight: 100 } }, T0 + DAY).state
    expect(groupIn(bolder, 'orders')).toMatchObject({ stage: 'canary', wantedBps: 0, latch: { cause: 'errors' } })
    const meeker = edited(gone, { orders: { stage: 'off' } }, T0 + DAY).state
    expect(groupIn(meeker, 'orders')).toMatchObject({ stage: 'off', wantedBps: 0 })
  })

  it('not by renaming it or its match: what it matched stays at v1 until rearmed', () => {
    const renamed = edited(latched, { bestellungen: { stage: 'canary', weight: 10, path: '/orders/**' } }).state
    const tombstone = { group: 'orders', name: 'orders', match: { path: '/orders/**', methods: [], host: null, header: {} } }
    expect(tombstonesOf(renamed)).toEqual([tombstone])
    const rematched = edited(latched, { orders: { stage: 'canary', weight: 10, path: '/v2/orders' } }).state
    expect(tombstonesOf(rematched)).toEqual([tombstone])
    // Another edit adds to it, the old match coming back takes it away, and a rearm ends it.
    const again = edited(rematched, { orders: { stage: 'canary', weight: 10, match: { path: '/v3', methods: ['GET'] } } }).state
    expect(tombstonesOf(again).map(({ match }) => match.path)).toEqual(['/orders/**', '/v2/orders'])
    expect(tombstonesOf(edited(again, { orders: { stage: 'canary', weight: 10 } }).state).map(({ match }) => match.path)).toEqual([
      '/v2/orders',
      '/v3',
    ])
    expect(tombstonesOf(after(again, T0, rearm))).toEqual([])
  })

  it('two spellings of one match are one', () => {
    const first = started({ orders: { ...ten['orders'], match: { methods: ['GET', 'PUT'], header: { a: '1', b: '2' } } } })
    const same = edited(after(first, T0, trip), {
      orders: { ...ten['orders'], match: { methods: ['PUT', 'GET'], header: { b: '2', a: '1' } } },
    })
    expect(tombstonesOf(same.state)).toEqual([])
  })

  it('a latched route that is removed is kept for ever, and forgotten 30 days after its rearm', () => {
    const gone = edited(latched, { users: {} }).state
    const later = edited(gone, { users: { stage: 'shadow' } }, T0 + 400 * DAY).state
    expect(effectiveOf(later, 'orders').heldBy).toBe('latch')
    expect(tombstonesOf(later)).toHaveLength(1)
    const rearmed = passed(apply(after(later, T0, kill), rearm, T0 + 400 * DAY)).state
    expect(effectiveOf(after(rearmed, T0, { ...BY, kind: 'rearm-global' }), 'orders')).toEqual({ weightBps: 0, heldBy: 'unknown' })
    expect(edited(rearmed, { users: {} }, T0 + 400 * DAY).state.groups['orders']).toBeUndefined()
  })

  it('a removed route without a latch leaves no tombstone', () => {
    expect(tombstonesOf(edited(started(ten), { users: {} }).state)).toEqual([])
  })
})

describe('a removed route', () => {
  const gone = edited(after(started(ten), T0, weight(2_500)), { users: {} }).state

  it('takes no weight and no stage, and says so; a rollback is still obeyed', () => {
    expect(refused(apply(gone, weight(0), T0))).toMatchObject({ code: 'route-removed', status: 404 })
    expect(refused(apply(gone, { ...orders, kind: 'stage', stage: 'off' }, T0)).code).toBe('route-removed')
    expect(effectiveOf(gone, 'orders')).toEqual({ weightBps: 0, heldBy: 'unknown' })
    const { state, entry } = passed(apply(gone, { ...orders, kind: 'rollback' }, T0))
    expect(entry.after).toBe('canary 0 %, latched by rollback (epoch 1), removed')
    passed(apply(state, rearm, T0 + MINUTE))
  })

  it('comes back within 30 days as it was, unless the file was edited', () => {
    expect(groupIn(edited(gone, ten, T0 + 29 * DAY).state, 'orders')).toMatchObject({ removedAt: null, wantedBps: 2_500, stage: 'canary' })
    expect(groupIn(edited(gone, { orders: { stage: 'canary', weight: 3 } }).state, 'orders').wantedBps).toBe(300)
    expect(groupIn(edited(gone, { orders: { stage: 'complete', weight: 10 } }).state, 'orders')).toMatchObject({
      stage: 'complete',
      wantedBps: 10_000,
    })
  })

  it('is forgotten with the first config after 30 days', () => {
    expect(edited(gone, { users: { weight: 1 } }, T0 + 29 * DAY).state.groups['orders']).toBeDefined()
    const later = edited(gone, { users: { weight: 1 } }, T0 + 31 * DAY).state
    expect(later.groups['orders']).toBeUndefined()
    expect(later.applied?.groups['orders']).toBeUndefined()
  })
})

describe('while the global latch is set', () => {
  const killed = after(started(ten), T0, kill)

  it('a config raises nothing and queues nothing', () => {
    const { state, refusals } = edited(killed, {
      orders: { stage: 'canary', weight: 50 },
      users: { stage: 'canary', weight: 10 },
      all: { stage: 'complete' },
      dark: { stage: 'shadow', weight: 4 },
    })
    expect(refusals.map(({ code }) => code)).toEqual(['killed'])
    const open = after(state, T0, { ...BY, kind: 'rearm-global' })
    expect(effectiveOf(open, 'orders').weightBps).toBe(1_000)
    expect(groupIn(open, 'users')).toMatchObject({ stage: 'canary', wantedBps: 0 })
    expect(groupIn(open, 'all')).toMatchObject({ stage: 'canary', wantedBps: 0 })
    expect(groupIn(open, 'dark')).toMatchObject({ stage: 'shadow', wantedBps: 0 })
  })

  it('a config may lower, also what is only remembered', () => {
    expect(groupIn(edited(killed, { orders: { stage: 'canary', weight: 5 } }).state, 'orders').wantedBps).toBe(500)
    const shadow = after(started({ orders: { stage: 'shadow', weight: 10 } }), T0, kill)
    expect(groupIn(edited(shadow, { orders: { stage: 'shadow', weight: 5 } }).state, 'orders').wantedBps).toBe(500)
    expect(groupIn(edited(shadow, { orders: { stage: 'shadow', weight: 50 } }).state, 'orders').wantedBps).toBe(1_000)
  })
})
