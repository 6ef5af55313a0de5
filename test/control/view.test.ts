import { afterEach, describe, expect, it } from 'vitest'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { threadReadings } from '../../src/control/thread-readings.ts'
import { LANE_V1, LANE_V2 } from '../../src/core/model/observation.ts'
import { createGauges, GAUGE_LOOP_LAG_MS } from '../../src/ledger/gauges.ts'
import { configText, readConfig } from '../support/control/rig.ts'
import { answers, by, ORDERS, submit, useRigs } from '../support/control/rigs.ts'
import { until } from '../support/until.ts'

const rigs = useRigs()
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

describe('explain', () => {
  it('answers for the routes in force, from the words in force', async () => {
    const at = rigs.start()
    const query = { route: null, method: 'GET', target: '/orders/1', headers: [['x-user-id', 'alice']] as const }
    expect(at.control.explain(query)).toBeNull()
    await at.control.adopt(readConfig({ routes: [{ name: 'orders', weight: 100 }] }))
    expect(at.control.explain(query)).toMatchObject({ backend: 'v2', route: 'orders', below: 10_000 })
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    expect(at.control.explain(query)).toMatchObject({ backend: 'v1', rule: 'latch' })
    expect(at.control.explain({ ...query, target: '/elsewhere' })).toBeNull()
  })
})

describe('plan', () => {
  it('tells per route what a config would do, by the very commands a reload would submit', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b', weight: 50 }, { name: 'c' }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    submit(at, { ...by, kind: 'rollback', group: 'c' })
    const before = at.control.view.status()
    const body = at.control.view.plan(
      configText({ routes: [{ name: 'a' }, { name: 'b', weight: 20 }, { name: 'd', weight: 5 }], more: 'listen: { port: 9 }' }),
    )
    if ('problems' in body) throw new Error(body.problems.join())
    expect(body.routes.map(({ name, change, moves }) => [name, change, moves])).toEqual([
      ['a', 'same', 0],
      ['b', 'changed', 30],
      ['d', 'added', 5],
      ['c', 'removed', 0],
    ])
    expect(body.notes.join('\n')).toMatch(/listen has changed \(port\)/)
    expect(body.notes.join('\n')).toMatch(/route c is latched: what it matched \(\/c\/\*\*\) stays at v1/)
    expect(at.control.view.status().revision).toBe(before.revision)
  })

  it('names every problem of a config that is not valid', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    expect(at.control.view.plan('routes: 7')).toMatchObject({ problems: expect.arrayContaining([expect.stringContaining('plan.yaml')]) })
  })

  it('says how many requests a second v1 would get back', async () => {
    const at = rigs.start({ intervals: { judgeMs: 5 } })
    await at.control.adopt(readConfig({ routes: [{ name: 'a', weight: 50 }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    await until('a first reading', () => at.control.view.status().routes[0]?.verdict.reason !== 'not judged yet')
    answers(at, 'a', { total: 1_000, bad: 0, v1: 1_000 })
    at.clock.offset = 10_000
    const body = await until('a second reading', () => {
      const planned = at.control.view.plan(configText({ routes: [{ name: 'a', weight: 25 }] }))
      return 'routes' in planned && planned.routes[0]?.backToV1 !== null ? planned : null
    })
    // 1,000 in ten seconds, half of them.
    expect(body.routes[0]?.backToV1).toBeGreaterThan(40)
    expect(body.routes[0]?.backToV1).toBeLessThan(55)
    expect(at.control.view.status().routes[0]?.share).toMatchObject({ wanted: 50, actual: 50 })
  })
})

describe('status', () => {
  it('tells of backends that are down, threads that are missing and names that do not resolve', async () => {
    const server = createServer((_, response) => response.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(
      () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
    )
    const { port } = server.address() as AddressInfo
    const at = rigs.start({ threads: 2 })
    const probe = ', probe: { path: /health, interval: 100ms }'
    await at.control.adopt(readConfig({ ...ORDERS, v1: `http://127.0.0.1:${port}`, v2: 'http://no-such-host.invalid:80', probe }))
    await until('probed', () => at.control.view.status().backends.v1.up)
    const status = at.control.view.status()
    expect(status.backends.v2.up).toBe(false)
    expect(status.problems.join()).toMatch(/no-such-host\.invalid does not resolve/)
    expect(status.problems.join()).toMatch(/compare thread is down/)
    expect(status.threads).toEqual({ data: 2, up: 2, compare: false })
    at.control.neighbours.receive({ kind: 'thread', thread: 'data-1', up: false, why: 'exit 1' })
    expect(at.control.view.status().threads.up).toBe(1)
    expect(at.notices.at(-1)).toMatchObject({ incident: 'thread/data-1', text: 'thread data-1 is down: exit 1' })
  })
})

describe('the group of a route', () => {
  it('is found by route and by group, for removed ones while they are latched, and for nothing else', async () => {
    const at = rigs.start()
    const routes = [{ name: 'a1', more: ', group: a' }, { name: 'a2', more: ', group: a' }, { name: 'b' }, { name: 'c' }]
    await at.control.adopt(readConfig({ routes }))
    submit(at, { ...by, kind: 'rollback', group: 'b' })
    await at.control.adopt(readConfig({ routes: routes.slice(0, 2) }))
    const groups = ['a1', 'a2', 'a', 'b', 'b (removed)', 'c', 'constructor'].map((name) => at.control.view.groupOf(name))
    expect(groups).toEqual(['a', 'a', 'a', 'b', 'b', null, null])
    expect(at.control.view.status().config.notes?.join()).toMatch(/route b is latched: what it matched \(\/b\/\*\*\) stays at v1/)
    const removed = at.control.view.status().routes.find(({ name }) => name === 'b (removed)')
    expect(removed).toMatchObject({ group: 'b', tripped: { cause: 'rollback' }, weight: { configured: 0, effective: 0, heldBy: 'latch' } })
    submit(at, { ...by, kind: 'rearm', group: 'b' })
    await until('the tombstone is gone', () => at.control.view.status().routes.length === 2)
  })
})

describe('a metrics reading', () => {
  it('has every route with its counts, and every thread with its gauges', async () => {
    const at = rigs.start({ threads: 2 })
    await at.control.adopt(readConfig(ORDERS))
    answers(at, 'orders', { total: 3, bad: 1, v1: 2 })
    createGauges(at.memory, 1).set(GAUGE_LOOP_LAG_MS, 7)
    const reading = at.control.view.reading()
    expect(reading).toMatchObject({ killed: false, storeUp: true, inflight: 0, ceiling: { env: null, lowest: 100 } })
    const [orders] = reading.routes
    expect(orders).toMatchObject({ name: 'orders', stage: 'canary', effectiveBps: 1_000, tripped: false })
    expect([orders!.latency(LANE_V2).count, orders!.latency(LANE_V1).count]).toEqual([3, 2])
    const threads = threadReadings(at.memory, (thread) => at.control.neighbours.peers.isUp(thread))
    expect(threads.map(({ name, up, loopLagMs }) => [name, up, loopLagMs])).toEqual([
      ['data-0', true, 0],
      ['data-1', true, 7],
      ['compare', false, 0],
      ['control', true, expect.any(Number)],
    ])
  })
})
