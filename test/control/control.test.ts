import { describe, expect, it } from 'vitest'
import { KILLED, LATCHED, LIVE, weightOf } from '../../src/core/model/routing.ts'
import { readConfig } from '../support/control/rig.ts'
import { by, ORDERS, submit, useRigs } from '../support/control/rigs.ts'
import { until } from '../support/until.ts'

const rigs = useRigs()

describe('a config in force', () => {
  it('is words first, then a snapshot, then readiness once a thread acknowledged and listens', async () => {
    const at = rigs.start()
    expect(at.control.neighbours.ready().ready).toBe(false)
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    expect([weightOf(at.word(at.slotOf('orders'))), at.word(at.slotOf('orders')) & LIVE]).toEqual([1_000, LIVE])
    await until('acknowledged', () => at.control.neighbours.ready().why.length === 1)
    expect(at.control.neighbours.ready().why).toEqual(['no data thread listens yet'])
    at.control.neighbours.receive({ kind: 'data-port', port: 1 })
    await until('ready', () => at.control.neighbours.ready().ready)
    await until('told', () => at.threads[0]!.received.some((message) => message.kind === 'readiness' && message.ready))
    expect(at.told.map(({ kind }) => kind)).toEqual(['config-in-force', 'drain-times'])
    at.control.neighbours.receive({ kind: 'drain', delayMs: 1, graceMs: 1 })
    expect(at.control.neighbours.ready()).toEqual({ ready: false, why: ['the gateway is draining'] })
  })

  it('changes what the file changed and keeps what the operator set', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }] }))
    submit(at, { ...by, kind: 'weight', group: 'a', weightBps: 200 })
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b', weight: 30 }] }))
    await until('both', () => weightOf(at.word(at.slotOf('b'))) === 3_000)
    expect(weightOf(at.word(at.slotOf('a')))).toBe(200)
  })

  it('does not lift a latch, says so, and the note names what to do', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    await at.control.adopt(readConfig({ routes: [{ name: 'orders', weight: 50 }] }))
    await until('published', () => at.threads[0]!.snapshot()?.config.routes.length === 1)
    expect(at.word(at.slotOf('orders')) & LATCHED).toBe(LATCHED)
    expect(at.control.view.status().config.notes?.join()).toMatch(/rearm orders/)
  })

  it('that is not valid changes nothing but is counted, logged and shown whole; the next good one ends it', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    const before = at.control.view.status()
    at.control.reject(['a.yaml:1:1: x', 'a.yaml:2:1: y'], null)
    const after = at.control.view.status()
    expect(after.config.lastError).toEqual(['a.yaml:1:1: x', 'a.yaml:2:1: y'])
    expect([after.routes, after.revision, after.degraded]).toEqual([before.routes, before.revision, true])
    expect(at.control.view.reading()).toMatchObject({ configReloads: { applied: 1, invalid: 1 }, lastReloadSuccessful: false })
    await at.control.adopt(readConfig(ORDERS))
    expect(at.control.view.status().config.lastError).toEqual([])
  })

  it('obeys a ceiling that fell although the rest is not valid, and not one that rose', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS, { env: null, file: 5 }))
    expect(weightOf(at.word(at.slotOf('orders')))).toBe(500)
    at.control.reject(['broken'], { env: null, file: 50 })
    expect(weightOf(at.word(1))).toBe(500)
    at.control.reject(['broken'], { env: null, file: 0 })
    expect(at.word(1) & KILLED).toBe(KILLED)
  })

  it('names the sections that need a restart and publishes the values that are in use', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    await at.control.adopt(readConfig({ ...ORDERS, more: 'listen: { port: 1234 }\nadmin: { port: 4321 }' }))
    await until('published', () => at.threads[0]!.snapshot()?.revision === 2)
    expect(at.threads[0]!.snapshot()?.config.listen.port).toBe(8080)
    expect(at.control.view.status().config.notes).toEqual([
      'listen has changed (port): it takes effect with a restart',
      'admin has changed (port): it takes effect with a restart',
    ])
  })

  it('of many that arrive at once only the newest must come into force, and does', async () => {
    const at = rigs.start()
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => at.control.adopt(readConfig({ routes: [{ name: 'a', weight: index + 1 }] }))),
    )
    expect(weightOf(at.word(at.slotOf('a')))).toBe(5_000)
    expect(at.control.view.status().routes[0]?.weight).toMatchObject({ configured: 50, wanted: 50, effective: 50, heldBy: 'none' })
  })

  it('asks main for memory for more routes than a bank holds, and counts in it', async () => {
    const at = rigs.start()
    const routes = Array.from({ length: 130 }, (_, index) => ({ name: `r${index}` }))
    await at.control.adopt(readConfig({ routes }))
    await until('published', () => at.threads[0]!.snapshot())
    expect(at.told.filter(({ kind }) => kind === 'need-bank')).toEqual([
      { kind: 'need-bank', bank: 1 },
      { kind: 'need-bank', bank: 2 },
    ])
    expect(Object.keys(at.threads[0]!.snapshot()!.slots).length).toBe(130)
  })
})

describe('rearm with another salt', () => {
  it('reaches the data threads as a snapshot', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    submit(at, { ...by, kind: 'rearm', group: 'orders', resalt: true })
    await until('the salt', () => at.threads[0]!.snapshot()?.resalts['orders'])
    expect(at.notices.at(-1)).toMatchObject({ event: 'resolved', incident: 'latch/orders/1' })
  })
})

describe('from a command to zero in every word', () => {
  it('takes less than five milliseconds in the median', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig({ routes: Array.from({ length: 60 }, (_, index) => ({ name: `r${index}` })) }))
    for (let round = 0; round < 50; round++) {
      submit(at, { ...by, kind: 'rollback', group: 'r7' })
      submit(at, { ...by, kind: 'rearm', group: 'r7' })
    }
    const median = at.rollbacks.toSorted((a, b) => a - b)[25]!
    expect(median).toBeLessThan(5)
  })
})
