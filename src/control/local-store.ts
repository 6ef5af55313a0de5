/**
 * Control state in one SQLite file, `control.db`, in a folder of this gateway alone.
 *
 * State and audit line are one transaction, so neither is ever without the other. The state's text carries a
 * digest: SQLite has no page checksums, and a flipped bit in a weight would otherwise be a valid weight.
 * Revisions only grow: a second gateway on the same folder is found out instead of overwriting the first.
 */
import { createHash } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { join } from 'node:path'
import { decodeState, encodeState } from '../core/control/codec.ts'
import type { AuditEntry, ControlState } from '../core/model/control.ts'
import { identityOf, openControlDb } from './control-db.ts'
import type { OpenDb } from './control-db.ts'
import { asStoreError, problem, storeError } from './sqlite-problem.ts'
import type { ControlStore, Loaded, StoreTrouble } from './store.ts'

export interface LocalStoreOptions {
  readonly folder: string
  /** How long to wait for another process's lock. Control waits with it, so short. */
  readonly busyMs?: number
}

const BUSY_MS = 1_000
const REOPEN: readonly StoreTrouble[] = ['corrupt', 'unreadable', 'read-only', 'failed']

type Row = Readonly<Record<string, SQLOutputValue>>

export function createLocalStore(options: LocalStoreOptions): ControlStore {
  return new LocalStore(options)
}

class LocalStore implements ControlStore {
  readonly kind = 'local'
  readonly #file: string
  readonly #busyMs: number
  #open: OpenDb | null = null
  /** What is stored has been read and makes sense; until then nothing may replace it. */
  #known = false
  #up = false
  #closed = false

  constructor({ folder, busyMs }: LocalStoreOptions) {
    this.#file = join(folder, 'control.db')
    this.#busyMs = busyMs ?? BUSY_MS
  }

  up(): boolean {
    return this.#up
  }

  load(): Loaded {
    try {
      return this.#asked(({ db, readOnly }) => {
        const state = this.#read(db)
        if (readOnly === null) return { state, problem: null }
        this.#up = false
        return { state, problem: problem('read-only', this.#file, readOnly) }
      })
    } catch (error) {
      return { state: null, problem: asStoreError(error, this.#file) }
    }
  }

  commit(state: ControlState, entry: Omit<AuditEntry, 'id'>): AuditEntry {
    return this.#asked(({ db }) => {
      if (!this.#known) this.#read(db)
      db.exec('BEGIN IMMEDIATE')
      try {
        const id = this.#saved(db, state, entry) ?? insertEntry(db, entry)
        db.exec('COMMIT')
        return { id, ...entry }
      } catch (error) {
        // Some errors (a full disk) have rolled back already.
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    })
  }

  audit({ sinceMs, limit }: { readonly sinceMs: number | null; readonly limit: number }): readonly AuditEntry[] {
    return this.#asked(({ db }) =>
      db
        .prepare('SELECT * FROM audit WHERE at_ms >= ? ORDER BY id DESC LIMIT ?')
        .all(sinceMs ?? Number.MIN_SAFE_INTEGER, limit)
        .map((row) => entryOf(row)),
    )
  }

  close(): void {
    this.#closed = true
    this.#up = false
    this.#drop()
  }

  /** Opens when needed, tells `up`, and turns every error into a StoreError. */
  #asked<T>(work: (open: OpenDb) => T): T {
    try {
      if (this.#closed) throw storeError('closed', this.#file, 'the store is closed')
      // Deleted or replaced under us: what we write to the old file would be gone with the next start.
      if (this.#open !== null && identityOf(this.#file) !== this.#open.identity) this.#drop()
      this.#open ??= openControlDb(this.#file, this.#busyMs)
      this.#up = true
      return work(this.#open)
    } catch (error) {
      this.#up = false
      const known = asStoreError(error, this.#file)
      // What a new look at the file may cure: a disk that was mounted anew, a backup that was put back.
      if (REOPEN.includes(known.code)) this.#drop()
      throw known
    }
  }

  #drop(): void {
    const open = this.#open
    this.#open = null
    this.#known = false
    open?.db.close()
  }

  #read(db: DatabaseSync): ControlState | null {
    const state = readState(db, this.#file)
    this.#known = true
    return state
  }

  /** Writes the state. Null: done, the audit line is missing yet; an id: this very commit was saved before. */
  #saved(db: DatabaseSync, state: ControlState, entry: Omit<AuditEntry, 'id'>): number | null {
    const body = encodeState(state)
    const { changes } = db
      .prepare(
        `INSERT INTO state (one, revision, body, digest) VALUES (1, ?, ?, ?)
         ON CONFLICT (one) DO UPDATE SET revision = excluded.revision, body = excluded.body, digest = excluded.digest
         WHERE excluded.revision > state.revision`,
      )
      .run(state.revision, body, digestOf(body))
    if (changes === 1) return null
    // A retry of a commit whose success was not heard of.
    const known = db.prepare('SELECT revision, body FROM state').get()
    const line = db.prepare('SELECT id FROM audit WHERE revision = ? ORDER BY id DESC').get(entry.revision)
    if (known?.['body'] === body && line !== undefined) return Number(line['id'])
    throw storeError(
      'conflict',
      this.#file,
      `revision ${state.revision} was to be saved, but ${String(known?.['revision'])} is there already`,
    )
  }
}

function readState(db: DatabaseSync, file: string): ControlState | null {
  const row = db.prepare('SELECT revision, body, digest FROM state').get()
  if (row === undefined) {
    // Both are written together: lines without a state mean the state was lost.
    if (db.prepare('SELECT 1 FROM audit LIMIT 1').get() === undefined) return null
    throw storeError('corrupt', file, 'the audit log has entries, but there is no state')
  }
  const body = String(row['body'])
  if (digestOf(body) !== row['digest']) throw storeError('corrupt', file, 'the state does not match its digest')
  const decoded = decodeState(body)
  if (decoded.state === null) throw storeError('corrupt', file, decoded.problem)
  return decoded.state
}

function insertEntry(db: DatabaseSync, entry: Omit<AuditEntry, 'id'>): number {
  const { at, actor, reason, kind, subject, before, after, revision, evidence } = entry
  const { lastInsertRowid } = db
    .prepare(
      `INSERT INTO audit (at_ms, at, actor, reason, kind, subject, before, after, revision, evidence)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(Date.parse(at), at, actor, reason, kind, subject, before, after, revision, evidence === null ? null : JSON.stringify(evidence))
  return Number(lastInsertRowid)
}

function entryOf(row: Row): AuditEntry {
  const text = (name: string): string => String(row[name])
  return {
    id: Number(row['id']),
    at: text('at'),
    actor: text('actor'),
    reason: text('reason'),
    // Written by insertEntry from the same union; an older line may name a kind this version has dropped.
    kind: text('kind') as AuditEntry['kind'],
    subject: text('subject'),
    before: text('before'),
    after: text('after'),
    revision: Number(row['revision']),
    evidence: row['evidence'] === null ? null : (JSON.parse(text('evidence')) as AuditEntry['evidence']),
  }
}

function digestOf(body: string): string {
  return createHash('sha256').update(body, 'utf8').digest('hex')
}
