/** Stores in folders of their own, steps to commit, and children that may die or be refused the disk. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach } from 'vitest'
import { createLocalStore } from '../../src/control/local-store.ts'
import { StoreError } from '../../src/control/store.ts'
import type { ControlStore } from '../../src/control/store.ts'
import { apply } from '../../src/core/control/apply.ts'
import { initialState, isRefusal } from '../../src/core/control/state.ts'
import type { AuditEntry, Command, ControlState } from '../../src/core/model/control.ts'

export const T0 = Date.UTC(2026, 0, 5, 12)

export interface Place {
  folder: string
  file: string
  /** Closed after the test. */
  open(where?: string): ControlStore
  /** Closes all opened so far, as a stop of the gateway would. */
  stop(): void
}

/** A fresh folder before each test, everything closed and gone after it. */
export function usePlace(): Place {
  const opened: ControlStore[] = []
  const place: Place = {
    folder: '',
    file: '',
    open: (where = place.folder) => {
      const store = createLocalStore({ folder: where, busyMs: 50 })
      opened.push(store)
      return store
    },
    stop: () => {
      for (const store of opened.splice(0)) store.close()
    },
  }
  beforeEach(() => {
    place.folder = mkdtempSync(join(tmpdir(), 'banyan-store-'))
    place.file = join(place.folder, 'control.db')
  })
  afterEach(() => {
    place.stop()
    chmodSync(place.folder, 0o700)
    rmSync(place.folder, { recursive: true, force: true })
  })
  return place
}

export interface Step {
  readonly state: ControlState
  readonly entry: Omit<AuditEntry, 'id'>
}

export function step(state: ControlState, percent: number, at = T0, more: Partial<Command> = {}): Step {
  const command: Command = { kind: 'ceiling', source: 'file', percent, actor: 'tester', reason: `to ${percent}`, ...more } as Command
  const result = apply(state, command, at)
  if (isRefusal(result)) throw new Error(result.message)
  return result
}

/** Commits so many steps, a second apart; the last state. */
export function filled(store: ControlStore, steps: number): ControlState {
  let state = store.load().state ?? initialState()
  for (let index = 1; index <= steps; index++) {
    const next = step(state, index, T0 + index * 1_000, { evidence: { index } })
    store.commit(next.state, next.entry)
    state = next.state
  }
  return state
}

export function failure(action: () => unknown): StoreError {
  try {
    action()
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  throw new Error('it did not fail')
}

export function sql(file: string, text: string): void {
  const db = new DatabaseSync(file)
  db.exec(text)
  db.close()
}

/** Runs a few lines with `store`, `entry` and `report` in a process of its own. */
export function inChild(folder: string, lines: string, { shell = '', prelude = '' } = {}): unknown {
  const source = `
    const { createLocalStore } = await import(${JSON.stringify(new URL('../../src/control/local-store.ts', import.meta.url).href)})
    ${prelude}
    const store = createLocalStore({ folder: ${JSON.stringify(folder)}, busyMs: 50 })
    const entry = { at: '2026-01-05T12:00:00.000Z', actor: 'a', reason: '', kind: 'kill', subject: '*', before: '', after: '', revision: 1, evidence: null }
    const report = (value) => console.log(JSON.stringify(value))
    ${lines}`
  const scripts = mkdtempSync(join(tmpdir(), 'banyan-child-'))
  const script = join(scripts, 'child.mjs')
  writeFileSync(script, source)
  const run = spawnSync('sh', ['-c', `${shell} exec "$0" "$1"`, process.execPath, script], { encoding: 'utf8' })
  rmSync(scripts, { recursive: true })
  if (run.status !== 0) throw new Error(`the child failed: ${run.stderr}`)
  return JSON.parse(run.stdout)
}

/** Root may write everywhere: there the child becomes nobody, after it has loaded what it needs. */
export function asNobody(folder: string, prepare: () => void, lines: string): unknown {
  const root = process.getuid?.() === 0
  if (root) for (const name of ['', ...readdirSync(folder)]) chownSync(join(folder, name), 65_534, 65_534)
  prepare()
  return inChild(folder, lines, { prelude: root ? 'process.setgid(65534); process.setuid(65534)' : '' })
}
