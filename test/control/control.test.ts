import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { isRefusal } from '../../src/core/control/state.ts'
import type { Command } from '../../src/core/model/control.ts'
import {
  ASSIGNED_BY_BUCKET,
  LANE_FALLBACK,
  LANE_V1,
  LANE_V2,
  OUTCOME_ABORTED,
  OUTCOME_BUSY,
  OUTCOME_REFUSED,
} from '../../src/core/model/observation.ts'
import { CEILING_ZERO, KILLED, LATCHED, LIVE, weightOf } from '../../src/core/model/routing.ts'
import { configText, readConfig, startRig } from '../support/control/rig.ts'
import type { Rig, RigOptions } from '../support/control/rig.ts'
import { until } from '../support/until.ts'

const rigs: Rig[] = []
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const rig of rigs.splice(0).toReversed()) await rig.close()
  for (const close of closing.splice(0)) await close()
})

function rig(options: Partial<RigOptions> = {}): Rig {
  const made = startRig(options)
  rigs.push(made)
  return made
}

async function crashed(old: Rig, changes: Partial<RigOptions> = {}): Promise<Rig> {
  const next = await old.crash(changes)
  rigs.splice(rigs.indexOf(old), 1, next)
  return next
}

const by = { actor: 'tester', reason: 'test' }
const ORDERS = { routes: [{ name: 'orders' }, { name: 'rest', path: '/**', stage: 'off', weight: 0 }] }

function submit(at: Rig, command: Command): void {
  const result = at.control.submit(command)
  if (isRefusal(result)) throw new Error(result.message)
}

/** `bad` of `total` v2 answers in this moment, the bad ones refused. */
function answers(at: Rig, route: string, { total, bad, v1 = 0 }: { total: number; bad: number; v1?: number }): void {
  const recorder = at.threads[0]!.recorder
  const slot = at.slotOf(route)
  const one = (lane: number, outcome: number): void => {
    recorder.started(slot, lane)
    recorder.finished(slot, lane, ASSIGNED_BY_BUCKET, outcome, 5, 5)
  }
  for (let index = 0; index < total; index++) one(LANE_V2, index < bad ? OUTCOME_REFUSED : 1)
  for (let index = 0; index < v1; index++) one(LANE_V1, 1)
}

describe('a config in force', () => {
  it('is words first, then a snapshot, then readiness once a thread acknowledged and listens', async () => {
    const at = rig()
    expect(at.control.neighbours.ready().ready).toBe(false)
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    expect([weightOf(at.word(at.slotOf('orders'))), at.word(at.slotOf('orders')) & LIVE]).toEqual([1_000, LIVE])
    expect(at.control.neighbours.ready().why).toEqual(['no data thread listens yet'])
    at.control.neighbours.receive({ kind: 'data-port', port: 1 })
    await until('ready', () => at.control.neighbours.ready().ready)
    await until('told', () => at.threads[0]!.received.some((message) => message.kind === 'readiness' && message.ready))
    expect(at.told.map(({ kind }) => kind)).toEqual(['config-in-force', 'drain-times'])
    at.control.neighbours.receive({ kind: 'drain', delayMs: 1, graceMs: 1 })
    expect(at.control.neighbours.ready()).toEqual({ ready: false, why: ['the gateway is draining'] })
  })

  it('changes what the file changed and keeps what the operator set', async () => {
    const at = rig()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }] }))
    submit(at, { ...by, kind: 'weight', group: 'a', weightBps: 200 })
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b', weight: 30 }] }))
    await until('both', () => weightOf(at.word(at.slotOf('b'))) === 3_000)
    expect(weightOf(at.word(at.slotOf('a')))).toBe(200)
  })

  it('does not lift a latch, says so, and the note names what to do', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    await at.control.adopt(readConfig({ routes: [{ name: 'orders', weight: 50 }] }))
    await until('published', () => at.threads[0]!.snapshot()?.config.routes.length === 1)
    expect(at.word(at.slotOf('orders')) & LATCHED).toBe(LATCHED)
    expect(at.control.view.status().config.notes?.join()).toMatch(/rearm orders/)
  })

  it('that is not valid changes nothing but is counted, logged and shown whole; the next good one ends it', async () => {
    const at = rig()
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
    const at = rig()
    await at.control.adopt(readConfig(ORDERS, { env: null, file: 5 }))
    expect(weightOf(at.word(at.slotOf('orders')))).toBe(500)
    at.control.reject(['broken'], { env: null, file: 50 })
    expect(weightOf(at.word(1))).toBe(500)
    at.control.reject(['broken'], { env: null, file: 0 })
    expect(at.word(1) & KILLED).toBe(KILLED)
  })

  it('names the sections that need a restart and publishes the values that are in use', async () => {
    const at = rig()
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
    const at = rig()
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => at.control.adopt(readConfig({ routes: [{ name: 'a', weight: index + 1 }] }))),
    )
    expect(weightOf(at.word(at.slotOf('a')))).toBe(5_000)
    expect(at.control.view.status().routes[0]?.weight).toMatchObject({ configured: 50, wanted: 50, effective: 50, heldBy: 'none' })
  })

  it('asks main for memory for more routes than a bank holds, and counts in it', async () => {
    const at = rig()
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

describe('the judge', () => {
  it('takes a dead v2 to zero, latched, audited, alerted with its detection time, and it stays so', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    const began = performance.now()
    await until('the trip', () => {
      answers(at, 'orders', { total: 2, bad: 2, v1: 10 })
      return (at.word(at.slotOf('orders')) & LATCHED) !== 0
    })
    const took = performance.now() - began
    expect(took).toBeGreaterThan(900)
    expect(took).toBeLessThan(2_500)
    expect(weightOf(at.word(at.slotOf('orders')))).toBe(0)

    const [entry] = at.store.audit({ sinceMs: null, limit: 1 })
    expect(entry).toMatchObject({ kind: 'trip', actor: 'judge', subject: 'orders' })
    expect(entry?.reason).toMatch(/^v2 failed \d+ of \d+ requests/)
    expect(entry?.evidence?.['detectedMs']).toBeLessThan(2_500)
    const alert = at.notices.find(({ incident }) => incident.startsWith('latch/orders/'))
    expect(alert).toMatchObject({ severity: 'critical', event: 'opened' })
    expect(alert?.text).toMatch(/detected [\d.]+ ms after the first bad answer; zero in every thread within [\d.]+ ms/)
    const [status] = at.control.view.status().routes
    expect(status).toMatchObject({ tripped: { cause: 'errors', epoch: 1 }, weight: { effective: 0, heldBy: 'latch' } })
    expect(at.control.view.reading().routes[0]?.rollbacks).toMatchObject({ errors: 1 })
    expect(at.rollbacks.length).toBe(1)

    const again = await crashed(at)
    await again.control.adopt(readConfig(ORDERS))
    expect(again.word(again.slotOf('orders')) & LATCHED).toBe(LATCHED)
  })

  it('counts a fallback as the v2 failure it was, and neither clients that left nor our own full pool', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    const slot = at.slotOf('orders')
    const { recorder } = at.threads[0]!
    for (let index = 0; index < 500; index++)
      recorder.finished(slot, LANE_V2, ASSIGNED_BY_BUCKET, index % 2 ? OUTCOME_ABORTED : OUTCOME_BUSY, -1, -1)
    answers(at, 'orders', { total: 40, bad: 0 })
    await until('judged', () => at.control.view.status().routes[0]?.verdict.numbers['total'] === 40, 3_000)
    expect(at.control.view.status().routes[0]?.verdict).toMatchObject({ kind: 'healthy', numbers: { bad: 0, total: 40 } })
    recorder.finished(slot, LANE_V2, ASSIGNED_BY_BUCKET, OUTCOME_REFUSED, -1, -1)
    recorder.finished(slot, LANE_FALLBACK, ASSIGNED_BY_BUCKET, 1, 3, 3)
    await until('counted', () => at.control.view.status().routes[0]?.verdict.numbers['bad'] === 1, 3_000)
    expect(at.control.view.status().routes[0]?.verdict.numbers['total']).toBe(41)
  })

  it('does not judge again what a former control thread has seen', async () => {
    const at = rig({ intervals: { judgeMs: 1e6 } })
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    answers(at, 'orders', { total: 1_000, bad: 1_000 })
    const next = await crashed(at, { intervals: { judgeMs: 5 } })
    await next.control.adopt(readConfig(ORDERS))
    await until('judged', () => next.control.view.status().routes[0]?.verdict.reason !== 'not judged yet')
    expect(next.control.view.status().routes[0]).toMatchObject({
      verdict: { kind: 'insufficient' },
      failures: { v2: 1_000 },
      tripped: null,
    })
  })

  it('withholds a trip while v1 is seen to be dead, says so loudly, and obeys a person all the same', async () => {
    const at = rig({ intervals: { judgeMs: 5 } })
    await at.control.adopt(readConfig({ ...ORDERS, probe: ', probe: { path: /health, interval: 100ms }' }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    // Longer ago than a good answer of v1 may be.
    at.clock.offset = 20_000
    await until('probed', () => at.control.view.status().backends.v1.why?.includes('ECONNREFUSED'))
    await until('withheld', () => {
      answers(at, 'orders', { total: 5, bad: 5 })
      return at.notices.find(({ incident }) => incident === 'cannot-roll-back/orders')
    })
    expect(at.notices.find(({ incident }) => incident === 'cannot-roll-back/orders')).toMatchObject({ severity: 'critical' })
    expect(at.word(at.slotOf('orders')) & LATCHED).toBe(0)
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    expect(at.word(at.slotOf('orders')) & LATCHED).toBe(LATCHED)
  })
})

describe('a rebuilt control', () => {
  it('finds state, slots and revision, and at no moment lets a word become laxer', async () => {
    const at = rig()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    submit(at, { ...by, kind: 'rollback', group: 'a' })
    submit(at, { ...by, kind: 'weight', group: 'b', weightBps: 100 })
    const slots = at.threads[0]!.snapshot()!.slots
    const words = Object.values(slots).map(at.word)
    const next = await crashed(at)
    expect(Object.values(slots).map(next.word)).toEqual(words)
    await next.control.adopt(readConfig({ routes: [{ name: 'c' }, { name: 'b' }, { name: 'a' }] }))
    await until('the snapshot', () => next.threads[0]!.snapshot())
    expect(next.threads[0]!.snapshot()).toMatchObject({ slots, revision: 2 })
    expect(Object.values(slots).map(next.word)).toEqual(words)
  })

  it('submits again what was in force but not saved when it died, and has it audited', async () => {
    const at = rig()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    // From here on nothing can be saved.
    at.store.close()
    submit(at, { ...by, kind: 'rollback', group: 'a' })
    submit(at, { ...by, kind: 'weight', group: 'b', weightBps: 100 })
    submit(at, { ...by, kind: 'stage', group: 'c', stage: 'off' })
    expect(at.control.view.status().problems.join()).toMatch(/3 commands are in force but not saved/)
    const next = await crashed(at)
    const kinds = next.store.audit({ sinceMs: null, limit: 10 }).map(({ kind, subject, actor }) => [kind, subject, actor])
    expect(kinds.slice(0, 3).toReversed()).toEqual([
      ['rollback', 'a', 'control'],
      ['weight', 'b', 'control'],
      ['stage', 'c', 'control'],
    ])
    await next.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }))
    await until('the snapshot', () => next.threads[0]!.snapshot())
    expect(next.word(next.slotOf('a')) & LATCHED).toBe(LATCHED)
    expect(weightOf(next.word(next.slotOf('b')))).toBe(100)
    expect(weightOf(next.word(next.slotOf('c')))).toBe(0)
  })

  it('submits an unsaved kill again', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    at.store.close()
    submit(at, { ...by, kind: 'kill' })
    const next = await crashed(at)
    expect(next.control.view.status().killed).toBe(true)
    expect(next.word(0) & KILLED).toBe(KILLED)
  })

  it('goes on with the last good config when the file is bad by then, and can be commanded', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    const inForce = at.told.findLast((message) => message.kind === 'config-in-force')!.inForce
    const next = await crashed(at)
    await next.control.resume(inForce)
    next.control.reject(['the file is gone'], null)
    await until('the snapshot', () => next.threads[0]!.snapshot())
    submit(next, { ...by, kind: 'rollback', group: 'orders' })
    expect(next.word(next.slotOf('orders')) & LATCHED).toBe(LATCHED)
    expect(next.control.view.status().config.lastError).toEqual(['the file is gone'])
  })

  it('does not call threads unready that serve, before it knows better', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    const next = await crashed(at, { acknowledges: false })
    await next.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => next.threads[0]!.snapshot())
    expect(next.control.neighbours.ready().ready).toBe(false)
    next.threads[0]!.acknowledge()
    await until('told', () => next.threads[0]!.received.some(({ kind }) => kind === 'readiness'))
    const told = next.threads[0]!.received.filter(({ kind }) => kind === 'readiness')
    expect(told).toEqual([{ kind: 'readiness', ready: true }])
  })
})

describe('a store', () => {
  it('that cannot be read keeps v2 at zero for everybody, says so, and the gateway serves', async () => {
    const first = rig()
    await first.control.adopt(readConfig(ORDERS))
    await first.control.close()
    first.store.close()
    for (const file of ['control.db', 'control.db-wal', 'control.db-shm']) writeFileSync(join(first.folder, file), 'not a database at all')
    const at = rig({ folder: first.folder })
    await at.control.adopt(readConfig(ORDERS))
    at.control.neighbours.receive({ kind: 'data-port', port: 1 })
    await until('ready', () => at.control.neighbours.ready().ready)
    expect(at.word(at.slotOf('orders')) & CEILING_ZERO).toBe(CEILING_ZERO)
    expect(weightOf(at.word(at.slotOf('orders')))).toBe(0)
    const status = at.control.view.status()
    expect(status).toMatchObject({ degraded: true, store: { up: false }, routes: [{ weight: { effective: 0, heldBy: 'unknown' } }, {}] })
    expect(status.problems.join()).toMatch(/the control state is unknown, v2 stays at 0: .*control\.db/)
    expect(at.notices.find(({ incident }) => incident === 'store')).toMatchObject({ severity: 'critical' })
    expect(at.control.submit({ ...by, kind: 'weight', group: 'orders', weightBps: 5_000 })).toMatchObject({ code: 'state-unknown' })
  })

  it('that becomes readable is adopted, with what was lowered meanwhile', async () => {
    const first = rig()
    await first.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }] }))
    await first.control.close()
    first.store.close()
    const away = `${first.folder}-away`
    renameSync(first.folder, away)
    writeFileSync(first.folder, 'a file where the folder should be')
    const at = rig({ folder: first.folder })
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    submit(at, { ...by, kind: 'rollback', group: 'a' })
    expect(weightOf(at.word(at.slotOf('b')))).toBe(0)
    rmSync(first.folder)
    renameSync(away, first.folder)
    await until('v2 is back', () => weightOf(at.word(at.slotOf('b'))) === 1_000)
    expect(at.word(at.slotOf('a')) & LATCHED).toBe(LATCHED)
    expect(at.store.audit({ sinceMs: null, limit: 10 }).map(({ kind }) => kind)).toContain('rollback')
    expect(at.notices.at(-1)).toMatchObject({ incident: 'store', event: 'resolved' })
  })
})

describe('explain', () => {
  it('answers for the routes in force, from the words in force', async () => {
    const at = rig()
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
    const at = rig()
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
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    expect(at.control.view.plan('routes: 7')).toMatchObject({ problems: expect.arrayContaining([expect.stringContaining('plan.yaml')]) })
  })

  it('says how many requests a second v1 would get back', async () => {
    const at = rig({ intervals: { judgeMs: 5 } })
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
        new Promise((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
    )
    const { port } = server.address() as AddressInfo
    const at = rig({ threads: 2 })
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

describe('rearm with another salt', () => {
  it('reaches the data threads as a snapshot', async () => {
    const at = rig()
    await at.control.adopt(readConfig(ORDERS))
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    submit(at, { ...by, kind: 'rearm', group: 'orders', resalt: true })
    await until('the salt', () => at.threads[0]!.snapshot()?.resalts['orders'])
    expect(at.notices.at(-1)).toMatchObject({ event: 'resolved', incident: 'latch/orders/1' })
  })
})

describe('from a command to zero in every word', () => {
  it('takes less than a millisecond in the median, on disk or not', async () => {
    const at = rig()
    await at.control.adopt(readConfig({ routes: Array.from({ length: 60 }, (_, index) => ({ name: `r${index}` })) }))
    for (let round = 0; round < 50; round++) {
      submit(at, { ...by, kind: 'rollback', group: 'r7' })
      submit(at, { ...by, kind: 'rearm', group: 'r7' })
    }
    const median = at.rollbacks.toSorted((a, b) => a - b)[25]!
    expect(median).toBeLessThan(5)
  })
})
