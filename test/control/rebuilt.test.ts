import { describe, expect, it } from 'vitest'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CEILING_ZERO, KILLED, LATCHED, weightOf } from '../../src/core/model/routing.ts'
import { readConfig } from '../support/control/rig.ts'
import { by, ORDERS, submit, useRigs } from '../support/control/rigs.ts'
import { until } from '../support/until.ts'

const rigs = useRigs()

describe('a rebuilt control', () => {
  it('finds state, slots and revision, and at no moment lets a word become laxer', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    submit(at, { ...by, kind: 'rollback', group: 'a' })
    submit(at, { ...by, kind: 'weight', group: 'b', weightBps: 100 })
    const slots = at.threads[0]!.snapshot()!.slots
    const words = Object.values(slots).map((slot) => at.word(slot))
    const next = await rigs.crashed(at)
    expect(Object.values(slots).map((slot) => next.word(slot))).toEqual(words)
    await next.control.adopt(readConfig({ routes: [{ name: 'c' }, { name: 'b' }, { name: 'a' }] }))
    await until('the snapshot', () => next.threads[0]!.snapshot())
    expect(next.threads[0]!.snapshot()).toMatchObject({ slots, revision: 2 })
    expect(Object.values(slots).map((slot) => next.word(slot))).toEqual(words)
  })

  it('submits again what was in force but not saved when it died, and has it audited', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    // From here on nothing can be saved.
    at.store.close()
    submit(at, { ...by, kind: 'rollback', group: 'a' })
    submit(at, { ...by, kind: 'weight', group: 'b', weightBps: 100 })
    submit(at, { ...by, kind: 'stage', group: 'c', stage: 'off' })
    expect(at.control.view.status().problems.join()).toMatch(/3 commands are in force but not saved/)
    const next = await rigs.crashed(at)
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
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    at.store.close()
    submit(at, { ...by, kind: 'kill' })
    const next = await rigs.crashed(at)
    expect(next.control.view.status().killed).toBe(true)
    expect(next.word(0) & KILLED).toBe(KILLED)
  })

  it('goes on with the last good config when the file is bad by then, and can be commanded', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    const inForce = at.told.findLast((message) => message.kind === 'config-in-force')!.inForce
    const next = await rigs.crashed(at)
    await next.control.resume(inForce)
    next.control.reject(['the file is gone'], null)
    await until('the snapshot', () => next.threads[0]!.snapshot())
    submit(next, { ...by, kind: 'rollback', group: 'orders' })
    expect(next.word(next.slotOf('orders')) & LATCHED).toBe(LATCHED)
    expect(next.control.view.status().config.lastError).toEqual(['the file is gone'])
  })

  it('does not call threads unready that serve, before it knows better', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    const next = await rigs.crashed(at, { acknowledges: false })
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
    const first = rigs.start()
    await first.control.adopt(readConfig(ORDERS))
    await first.control.close()
    first.store.close()
    for (const file of ['control.db', 'control.db-wal', 'control.db-shm']) writeFileSync(join(first.folder, file), 'not a database at all')
    const at = rigs.start({ folder: first.folder })
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
    const first = rigs.start()
    await first.control.adopt(readConfig({ routes: [{ name: 'a' }, { name: 'b' }] }))
    await first.control.close()
    first.store.close()
    const away = `${first.folder}-away`
    renameSync(first.folder, away)
    writeFileSync(first.folder, 'a file where the folder should be')
    const at = rigs.start({ folder: first.folder })
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
