import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLocalStore } from '../../src/control/local-store.ts'
import { asStoreError } from '../../src/control/sqlite-problem.ts'
import { StoreError } from '../../src/control/store.ts'
import type { ControlStore } from '../../src/control/store.ts'
import { apply } from '../../src/core/control/apply.ts'
import { initialState, isRefusal } from '../../src/core/control/state.ts'
import type { AuditEntry, Command, ControlState } from '../../src/core/model/control.ts'

const T0 = Date.UTC(2026, 0, 5, 12)
const CHILD = fileURLToPath(new URL('commit-forever.ts', import.meta.url))

let folder = ''
let file = ''
const opened: ControlStore[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-store-'))
  file = join(folder, 'control.db')
})

afterEach(() => {
  for (const store of opened.splice(0)) store.close()
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true, force: true })
})

function open(where = folder): ControlStore {
  const store = createLocalStore({ folder: where, busyMs: 50 })
  opened.push(store)
  return store
}

interface Step {
  readonly state: ControlState
  readonly entry: Omit<AuditEntry, 'id'>
}

function step(state: ControlState, percent: number, at = T0, more: Partial<Command> = {}): Step {
  const command: Command = { kind: 'ceiling', source: 'file', percent, actor: 'tester', reason: `to ${percent}`, ...more } as Command
  const result = apply(state, command, at)
  if (isRefusal(result)) throw new Error(result.message)
  return result
}

/** Commits so many steps, a second apart; the last state. */
function filled(store: ControlStore, steps: number): ControlState {
  let state = store.load().state ?? initialState()
  for (let index = 1; index <= steps; index++) {
    const next = step(state, index, T0 + index * 1_000, { evidence: { index } })
    store.commit(next.state, next.entry)
    state = next.state
  }
  return state
}

function failure(action: () => unknown): StoreError {
  try {
    action()
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('a store', () => {
  it('in a new folder, however deep, is a first start', () => {
    const store = open(join(folder, 'deep', 'er'))
    expect(store.load()).toEqual({ state: null, problem: null })
    expect(store.up()).toBe(true)
    expect(store.audit({ sinceMs: null, limit: 10 })).toEqual([])
    expect(readdirSync(join(folder, 'deep', 'er')).filter((name) => name.includes('new'))).toEqual([])
  })

  it('gives back what was committed, after a restart too', () => {
    const store = open()
    const state = filled(store, 3)
    expect(store.load()).toEqual({ state, problem: null })
    store.close()
    expect(open().load()).toEqual({ state, problem: null })
  })

  it('keeps state and audit line together, newest line first', () => {
    const store = open()
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
    const store = open()
    const next = step(initialState(), 5)
    const first = store.commit(next.state, next.entry)
    expect(store.commit(next.state, next.entry)).toEqual(first)
    expect(store.audit({ sinceMs: null, limit: 10 })).toHaveLength(1)
  })

  it('without evidence keeps none', () => {
    const store = open()
    const next = step(initialState(), 5)
    store.commit(next.state, next.entry)
    expect(store.audit({ sinceMs: null, limit: 1 })[0]?.evidence).toBeNull()
  })

  it('once closed says so', () => {
    const store = open()
    filled(store, 1)
    store.close()
    store.close()
    expect(store.up()).toBe(false)
    expect(failure(() => store.audit({ sinceMs: null, limit: 1 })).code).toBe('closed')
    expect(store.load()).toMatchObject({ state: null, problem: { code: 'closed' } })
  })

  it('writes through: WAL and synchronous=FULL', () => {
    filled(open(), 1)
    const db = new DatabaseSync(file, { readOnly: true })
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    db.close()
  })
})

describe('two gateways on one folder', () => {
  it('the one that is behind is found out, and loses nothing of the other', () => {
    const first = open()
    const second = open()
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
    const store = open()
    const state = filled(store, 1)
    const other = new DatabaseSync(file)
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

describe('a damaged control.db is a problem, never an empty state', () => {
  const damages: Readonly<Record<string, () => void>> = {
    'no database at all': () => writeFileSync(file, 'weights and latches '.repeat(500)),
    'an empty file': () => writeFileSync(file, ''),
    'cut in the middle': () => truncateSync(file, 5_000),
    'overwritten pages': () => {
      const bytes = readFileSync(file)
      bytes.fill(0xa5, 4_096)
      writeFileSync(file, bytes)
    },
    "somebody else's database": () => {
      rmSync(file)
      sql('CREATE TABLE notes (text)')
    },
    'the state gone, the audit log there': () => sql('DELETE FROM state'),
    'a flipped digit in a weight': () => sql(`UPDATE state SET body = replace(body, '"file":3', '"file":8')`),
    'a table gone': () => sql('DROP TABLE state'),
    'the file gone, its log still there': () => {
      rmSync(file)
      writeFileSync(`${file}-wal`, 'frames')
    },
  }

  for (const [name, damage] of Object.entries(damages)) {
    it(name, () => {
      const before = open()
      filled(before, 3)
      before.close()
      damage()
      const store = open()
      const { state, problem } = store.load()
      expect(state).toBeNull()
      expect(['corrupt', 'failed']).toContain(problem?.code)
      expect(problem?.message).toContain(file)
      expect(store.up()).toBe(false)
      // Nor may a commit paper over it: not even one of a later revision.
      const next = step({ ...initialState(), revision: 50 }, 10)
      expect(() => store.commit(next.state, next.entry)).toThrow(StoreError)
      expect(() => open().commit(next.state, next.entry)).toThrow(StoreError)
    })
  }

  it('a state with a right digest and a wrong shape says where it is wrong', () => {
    const before = open()
    filled(before, 1)
    before.close()
    // sha256 of the text below.
    sql(`UPDATE state SET body = '{"revision":-1}', digest = '${digestOf('{"revision":-1}')}'`)
    expect(open().load().problem?.message).toContain('state.revision: expected a whole number')
  })

  it('a file of a newer banyan is left alone', () => {
    const before = open()
    filled(before, 1)
    before.close()
    sql('PRAGMA user_version = 2')
    expect(open().load()).toMatchObject({ state: null, problem: { code: 'newer' } })
  })

  it('that is repaired is read again without a restart', () => {
    const before = open()
    const state = filled(before, 3)
    before.close()
    const backup = join(folder, 'backup')
    copyFileSync(file, backup)
    writeFileSync(file, 'x'.repeat(9_000))
    const store = open()
    expect(store.load().problem?.code).toBe('corrupt')
    copyFileSync(backup, file)
    expect(store.load()).toEqual({ state, problem: null })
  })
})

describe('a file that vanishes under a running gateway', () => {
  it('is made anew with the next commit, from the state in memory', () => {
    const store = open()
    const state = filled(store, 2)
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
    const next = step(state, 9)
    store.commit(next.state, next.entry)
    store.close()
    expect(open().load()).toEqual({ state: next.state, problem: null })
  })

  it('a restored older backup does not win over what is newer', () => {
    const store = open()
    filled(store, 2)
    store.close()
    const backup = join(folder, 'backup')
    copyFileSync(file, backup)
    const again = open()
    const state = filled(again, 3)
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
    copyFileSync(backup, file)
    const next = step(state, 9)
    again.commit(next.state, next.entry)
    expect(open().load().state).toEqual(next.state)
  })
})

describe('a folder that cannot be used', () => {
  it.each([
    ['a file where the folder should be', () => join(file, 'sub'), () => writeFileSync(file, 'x')],
    ['a place where nobody may make folders', () => '/proc/banyan', () => undefined],
    ['a folder where the file should be', () => folder, () => mkdirSync(file)],
  ])('%s is "unreadable" with what to do', (_name, where, prepare) => {
    prepare()
    const store = open(where())
    const { state, problem } = store.load()
    expect(state).toBeNull()
    expect(problem?.code).toBe('unreadable')
    expect(problem?.message).toContain('store.path')
    expect(store.up()).toBe(false)
  })
})

describe('a disk that does not take it', () => {
  it('read-only: the state is known, and that it cannot be saved is said', () => {
    const before = open()
    const state = filled(before, 3)
    before.close()
    const report = asNobody(
      () => {
        chmodSync(file, 0o444)
        chmodSync(folder, 0o555)
      },
      `const { state, problem } = store.load()
       const up = store.up()
       let code = null
       try { store.commit({ ...state, revision: state.revision + 1 }, entry) } catch (error) { code = error.code }
       report({ state, problem, up, code })`,
    )
    expect(report).toMatchObject({ problem: { code: 'read-only' }, up: false, code: 'read-only', state })
  })

  it('full: nothing is lost, nothing half-written, and the next commit works when there is room', () => {
    // A limit on file size stands for the disk's end; it binds the child alone.
    const script = `
      const rich = (state) => ({ ...state, revision: state.revision + 1, ceiling: { env: null, file: 1, redis: null } })
      let state = store.load().state ?? { revision: 0, groups: {}, killed: null, ceiling: { env: null, file: 1, redis: null }, applied: null }
      let code = null
      for (let index = 0; index < 1000 && code === null; index++) {
        try { store.commit(rich(state), { ...entry, revision: state.revision + 1, reason: 'x'.repeat(5000) }); state = rich(state) } catch (error) { code = error.code }
      }
      report({ revision: state.revision, code, up: store.up() })`
    const { revision, code, up } = inChild(script, 'ulimit -f 400;') as { revision: number; code: string; up: boolean }
    expect(revision).toBeGreaterThan(5)
    expect(['full', 'failed']).toContain(code)
    expect(up).toBe(false)
    const store = open()
    const { state, problem } = store.load()
    expect(problem).toBeNull()
    expect(state?.revision).toBe(revision)
    expect(store.audit({ sinceMs: null, limit: 10_000 })).toHaveLength(revision)
    const next = step(state ?? initialState(), 3)
    store.commit(next.state, next.entry)
    expect(store.load().state).toEqual(next.state)
  })

  it('SQLITE_FULL by its own name is "full"', () => {
    const db = new DatabaseSync(':memory:')
    db.exec('CREATE TABLE t (a); PRAGMA max_page_count = 3')
    const fill = (): void => {
      for (let index = 0; index < 100; index++) db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(2_000))
    }
    expect(failure(() => tryOr(fill)).code).toBe('full')
    db.close()
  })

  it.each([
    [Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'open' }), 'full'],
    [Object.assign(new Error('read-only file system'), { code: 'EROFS', syscall: 'mkdir' }), 'read-only'],
    [Object.assign(new Error('denied'), { code: 'EACCES', syscall: 'open' }), 'unreadable'],
    [Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 778 }), 'failed'],
    [new Error('odd'), 'failed'],
    ['thrown text', 'failed'],
  ])('%s is named', (error, code) => {
    expect(asStoreError(error, file)).toMatchObject({ code, cause: error })
  })
})

describe('kill -9 in mid-write', () => {
  it('never loses a committed command, nor leaves state and audit apart', async () => {
    let last = 0
    for (let round = 0; round < 6; round++) {
      last = await killedChild(40 + round * 37)
      const store = open()
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
  const child = spawn(process.execPath, [CHILD, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1')
    lines = said.split('\n').length - 1
    if (lines >= revisions) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return Number(said.split('\n').at(-2))
}

function digestOf(body: string): string {
  const found = spawnSync(process.execPath, ['-p', `require('crypto').createHash('sha256').update(${JSON.stringify(body)}).digest('hex')`])
  return found.stdout.toString().trim()
}

function sql(text: string): void {
  const db = new DatabaseSync(file)
  db.exec(text)
  db.close()
}

function tryOr(action: () => void): void {
  try {
    action()
  } catch (error) {
    throw asStoreError(error, file)
  }
}

/** Runs a few lines with `store`, `entry` and `report` in a process of its own. */
function inChild(lines: string, shell = '', prelude = ''): unknown {
  const source = `
    ${prelude}
    const { createLocalStore } = await import(${JSON.stringify(new URL('../../src/control/local-store.ts', import.meta.url).href)})
    const store = createLocalStore({ folder: ${JSON.stringify(folder)}, busyMs: 50 })
    const entry = { at: '2026-01-05T12:00:00.000Z', actor: 'a', reason: '', kind: 'kill', subject: '*', before: '', after: '', revision: 1, evidence: null }
    const report = (value) => console.log(JSON.stringify(value))
    ${lines}`
  const script = join(tmpdir(), `banyan-store-${process.pid}.mjs`)
  writeFileSync(script, source, { mode: 0o644 })
  const run = spawnSync('sh', ['-c', `${shell} exec "$0" "$1"`, process.execPath, script], { encoding: 'utf8' })
  rmSync(script)
  if (run.status !== 0) throw new Error(`the child failed: ${run.stderr}`)
  return JSON.parse(run.stdout)
}

/** Root may write everywhere: there the child becomes nobody, after it has loaded what it needs. */
function asNobody(prepare: () => void, lines: string): unknown {
  const root = process.getuid?.() === 0
  if (root) for (const name of ['', ...readdirSync(folder)]) chownSync(join(folder, name), 65_534, 65_534)
  prepare()
  return inChild(`${root ? 'process.setgid(65534); process.setuid(65534)' : ''}\n${lines}`)
}
