import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { asStoreError } from '../../src/control/sqlite-problem.ts'
import { StoreError } from '../../src/control/store.ts'
import { initialState } from '../../src/core/control/state.ts'
import { asNobody, failure, filled, inChild, sql, step, usePlace } from './store-kit.ts'

const place = usePlace()

describe('a damaged control.db is a problem, never an empty state', () => {
  const damages: Readonly<Record<string, () => void>> = {
    'no database at all': () => writeFileSync(place.file, 'weights and latches '.repeat(500)),
    'an empty file': () => writeFileSync(place.file, ''),
    'cut in the middle': () => truncateSync(place.file, 5_000),
    'overwritten pages': () => {
      const bytes = readFileSync(place.file)
      bytes.fill(0xa5, 4_096)
      writeFileSync(place.file, bytes)
    },
    "somebody else's database": () => {
      rmSync(place.file)
      sql(place.file, 'CREATE TABLE notes (text)')
    },
    'the state gone, the audit log there': () => sql(place.file, 'DELETE FROM state'),
    'a flipped digit in a weight': () => sql(place.file, `UPDATE state SET body = replace(body, '"file":3', '"file":8')`),
    'a table gone': () => sql(place.file, 'DROP TABLE state'),
    'the file gone, its log still there': () => {
      rmSync(place.file)
      writeFileSync(`${place.file}-wal`, 'frames')
    },
  }

  for (const [name, damage] of Object.entries(damages)) {
    it(name, () => {
      const before = place.open()
      filled(before, 3)
      before.close()
      damage()
      const store = place.open()
      const { state, problem } = store.load()
      expect(state).toBeNull()
      expect(['corrupt', 'failed']).toContain(problem?.code)
      expect(problem?.message).toContain(place.file)
      expect(store.up()).toBe(false)
      // Nor may a commit paper over it: not even one of a later revision.
      const next = step({ ...initialState(), revision: 50 }, 10)
      expect(() => store.commit(next.state, next.entry)).toThrow(StoreError)
      expect(() => place.open().commit(next.state, next.entry)).toThrow(StoreError)
    })
  }

  it('a state with a right digest and a wrong shape says where it is wrong', () => {
    const before = place.open()
    filled(before, 1)
    before.close()
    // sha256 of the text below.
    sql(place.file, `UPDATE state SET body = '{"revision":-1}', digest = '${digestOf('{"revision":-1}')}'`)
    expect(place.open().load().problem?.message).toContain('state.revision: expected a whole number')
  })

  it('a file of a newer banyan is left alone', () => {
    const before = place.open()
    filled(before, 1)
    before.close()
    sql(place.file, 'PRAGMA user_version = 2')
    expect(place.open().load()).toMatchObject({ state: null, problem: { code: 'newer' } })
  })

  it('that is repaired is read again without a restart', () => {
    const before = place.open()
    const state = filled(before, 3)
    before.close()
    const backup = join(place.folder, 'backup')
    copyFileSync(place.file, backup)
    writeFileSync(place.file, 'x'.repeat(9_000))
    const store = place.open()
    expect(store.load().problem?.code).toBe('corrupt')
    copyFileSync(backup, place.file)
    expect(store.load()).toEqual({ state, problem: null })
  })
})

describe('a file that vanishes under a running gateway', () => {
  it('is made anew with the next commit, from the state in memory', () => {
    const store = place.open()
    const state = filled(store, 2)
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${place.file}${suffix}`, { force: true })
    const next = step(state, 9)
    store.commit(next.state, next.entry)
    store.close()
    expect(place.open().load()).toEqual({ state: next.state, problem: null })
  })

  it('a restored older backup does not win over what is newer', () => {
    const store = place.open()
    filled(store, 2)
    store.close()
    const backup = join(place.folder, 'backup')
    copyFileSync(place.file, backup)
    const again = place.open()
    const state = filled(again, 3)
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${place.file}${suffix}`, { force: true })
    copyFileSync(backup, place.file)
    const next = step(state, 9)
    again.commit(next.state, next.entry)
    expect(place.open().load().state).toEqual(next.state)
  })
})

describe('a folder that cannot be used', () => {
  it.each([
    ['a file where the folder should be', () => join(place.file, 'sub'), () => writeFileSync(place.file, 'x')],
    ['a place where nobody may make folders', () => '/proc/banyan', () => undefined],
    ['a folder where the file should be', () => place.folder, () => mkdirSync(place.file)],
  ])('%s is "unreadable" with what to do', (_name, where, prepare) => {
    prepare()
    const store = place.open(where())
    const { state, problem } = store.load()
    expect(state).toBeNull()
    expect(problem?.code).toBe('unreadable')
    expect(problem?.message).toContain('store.path')
    expect(store.up()).toBe(false)
  })
})

describe('a disk that does not take it', () => {
  it('read-only: the state is known, and that it cannot be saved is said', () => {
    const before = place.open()
    const state = filled(before, 3)
    before.close()
    const report = asNobody(
      place.folder,
      () => {
        chmodSync(place.file, 0o444)
        chmodSync(place.folder, 0o555)
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
    const { revision, code, up } = inChild(place.folder, script, { shell: 'ulimit -f 400;' }) as {
      revision: number
      code: string
      up: boolean
    }
    expect(revision).toBeGreaterThan(5)
    expect(['full', 'failed']).toContain(code)
    expect(up).toBe(false)
    const store = place.open()
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
    expect(asStoreError(error, place.file)).toMatchObject({ code, cause: error })
  })
})

function digestOf(body: string): string {
  return createHash('sha256').update(body, 'utf8').digest('hex')
}

function tryOr(action: () => void): void {
  try {
    action()
  } catch (error) {
    throw asStoreError(error, place.file)
  }
}
