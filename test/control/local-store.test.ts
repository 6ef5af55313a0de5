import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { initialState } from '../../src/core/control/state.ts'
import { until } from '../support/wire/until.ts'
import { failure, filled, step, T0, usePlace } from './store-kit.ts'

const CHILD = fileURLToPath(new URL('commit-forever.ts', import.meta.url))
const place = usePlace()
const running: Pick<Child, 'child' | 'ended'>[] = []

afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
})

describe('a store', () => {
  it('in a new folder, however deep, is a first start', () => {
    const store = place.open(join(place.folder, 'deep', 'er'))
    expect(store.load()).toEqual({ state: null, problem: null })
    expect(store.up()).toBe(true)
    expect(store.audit({ sinceMs: null, limit: 10 })).toEqual([])
    expect(readdirSync(join(place.folder, 'deep', 'er')).filter((name) => name.includes('new'))).toEqual([])
  })

  it('gives back what was committed, after a restart too', () => {
    const store = place.open()
    const state = filled(store, 3)
    expect(store.load()).toEqual({ state, problem: null })
    store.close()
    expect(place.open().load()).toEqual({ state, problem: null })
  })

  it('keeps state and audit line together, newest line first', () => {
    const store = place.open()
    const state = filled(store, 5)
    const all = store.audit({ sinceMs: null, limit: 100 })
    expect(all.map(({ revision }) => revision)).toEqual([5, 4, 3, 2, 1])
    expect(all[0]).toEqual({
      id: 5,
      ...step({ ...state, revision: 4, ceiling: { ...state.ceiling, file: 4 } }, 5, T0 + 5_000, { evidence: { index: 5 } }).entry,
    })
    expect(store.audit({ sinceMs: T0 + 4_000, limit: 100 }).map(({ revision }) => revision)).toEqual([5, 4])
    expect(store.audit({ sinceMs: null, limit: 2 })).toHaveLength(2)
  })

  it('a commit that is tried again after it had worked is not a second one', () => {
    const store = place.open()
    const next = step(initialState(), 5)
    const first = store.commit(next.state, next.entry)
    expect(store.commit(next.state, next.entry)).toEqual(first)
    expect(store.audit({ sinceMs: null, limit: 10 })).toHaveLength(1)
  })

  it('without evidence keeps none', () => {
    const store = place.open()
    const next = step(initialState(), 5)
    store.commit(next.state, next.entry)
    expect(store.audit({ sinceMs: null, limit: 1 })[0]?.evidence).toBeNull()
  })

  it('once closed says so', () => {
    const store = place.open()
    filled(store, 1)
    store.close()
    store.close()
    expect(store.up()).toBe(false)
    expect(failure(() => store.audit({ sinceMs: null, limit: 1 })).code).toBe('closed')
    expect(store.load()).toMatchObject({ state: null, problem: { code: 'closed' } })
  })

  it('writes through: WAL and synchronous=FULL', () => {
    filled(place.open(), 1)
    const db = new DatabaseSync(place.file, { readOnly: true })
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    db.close()
  })
})

describe('two gateways on one folder', () => {
  it('the one that is behind is found out, and loses nothing of the other', () => {
    const first = place.open()
    const second = place.open()
    const state = filled(first, 3)
    const other = step({ ...initialState(), revision: 2 }, 77)
    const error = failure(() => second.commit(other.state, other.entry))
    expect(error.code).toBe('conflict')
    expect(error.message).toContain('revision 3')
    expect(error.message).toContain('store.path')
    expect(first.load().state).toEqual(state)
    expect(first.audit({ sinceMs: null, limit: 10 })).toHaveLength(3)
  })

  it('a held lock is "busy" after the wait, and over when it is free', () => {
    const store = place.open()
    const state = filled(store, 1)
    const other = new DatabaseSync(place.file)
    other.exec('BEGIN IMMEDIATE')
    const next = step(state, 9)
    expect(failure(() => store.commit(next.state, next.entry)).code).toBe('busy')
    expect(store.up()).toBe(false)
    other.exec('ROLLBACK')
    other.close()
    store.commit(next.state, next.entry)
    expect(store.up()).toBe(true)
    expect(store.load().state).toEqual(next.state)
  })
})

describe('gateways that start at once on one empty folder', () => {
  it('make one file; one of them goes on, the others find out', async () => {
    const children = Array.from({ length: 4 }, () => startedChild())
    // One that found out has ended by itself; those still at work have done so many commits.
    const ends = children.map(async ({ child, ended, said }) => {
      await until('twenty commits, or an end', () => child.exitCode !== null || said().length > 20, 30_000)
      child.kill('SIGKILL')
      await ended
    })
    await Promise.all(ends)
    const { state, problem } = place.open().load()
    expect(problem).toBeNull()
    const lines = place.open().audit({ sinceMs: null, limit: 1_000_000 })
    expect(lines.map(({ revision }) => revision)).toEqual(Array.from({ length: lines.length }, (_, index) => lines.length - index))
    expect(state?.revision).toBe(lines.length)
    for (const { errors } of children) expect(errors()).toMatch(/^$|two gateways share this folder|another process holds it/)
  }, 60_000)
})

describe('kill -9 in mid-write', () => {
  it('never loses a committed command, nor leaves state and audit apart', async () => {
    let last = 0
    for (let round = 0; round < 6; round++) {
      last = await killedChild(40 + round * 37)
      const store = place.open()
      const { state, problem } = store.load()
      expect(problem).toBeNull()
      // What was said is there; one more may have been committed and not said any more.
      expect(state?.revision).toBeGreaterThanOrEqual(last)
      expect(state?.revision).toBeLessThanOrEqual(last + 1)
      expect(store.audit({ sinceMs: null, limit: 1_000_000 }).map(({ revision }) => revision)).toEqual(
        Array.from({ length: state?.revision ?? 0 }, (_, index) => (state?.revision ?? 0) - index),
      )
      store.close()
    }
    expect(last).toBeGreaterThan(50)
  }, 60_000)
})

/** Runs the committing child until it has said so many more revisions, kills it, gives the last it said. */
async function killedChild(revisions: number): Promise<number> {
  const { child, ended, said } = startedChild()
  await until(`${revisions} commits`, () => said().length >= revisions || child.exitCode !== null, 30_000)
  child.kill('SIGKILL')
  await ended
  expect(child.signalCode).toBe('SIGKILL')
  return Number(said().at(-1))
}

interface Child {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  /** Revisions it has said, whole lines only. */
  readonly said: () => readonly string[]
  readonly errors: () => string
}

function startedChild(): Child {
  const child = spawn(process.execPath, [CHILD, place.folder], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('latin1')))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('latin1')))
  const ended = once(child, 'close')
  running.push({ child, ended })
  return { child, ended, said: () => out.split('\n').slice(0, -1), errors: () => errors }
}
