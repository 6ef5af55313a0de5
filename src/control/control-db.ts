/**
 * Opening control.db: the file is either a whole control.db of ours or a problem with a name.
 *
 * A new one is made under another name and moved into place when it is complete. So an empty or half-made
 * file under the real name is damage, and never mistaken for a first start; so is a write-ahead log whose
 * database is gone. `synchronous=FULL`: a commit that returned is on the disk.
 */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { storeError } from './sqlite-problem.ts'

/** 'Bnyn': tells our files from other SQLite files. */
const APPLICATION_ID = 0x426e_796e
const SCHEMA_VERSION = 1
/** Primary result code. */
const SQLITE_READONLY = 8

const SCHEMA = `
  CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL
  ) STRICT;
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    revision INTEGER NOT NULL,
    evidence TEXT
  ) STRICT;
  CREATE INDEX audit_by_time ON audit (at_ms);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`

export interface OpenDb {
  readonly db: DatabaseSync
  /** Why nothing can be written, or null. */
  readonly readOnly: string | null
  /** Which file on the disk this is, whatever its name points to by now. */
  readonly identity: string
}

/** The file that has this name now, or null. */
export function identityOf(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

/** Opens or makes the file; throws StoreError or whatever SQLite or the file system throws. */
export function openControlDb(file: string, busyMs: number): OpenDb {
  if (!existsSync(file)) makeControlDb(file)
  if (statSync(file).size === 0) throw storeError('corrupt', file, 'the file is empty')
  const identity = identityOf(file) ?? ''
  try {
    const db = opened(new DatabaseSync(file, { timeout: busyMs }), file)
    return { db, identity, readOnly: whyReadOnly(db) }
  } catch (error) {
    if (!isReadOnly(error) || hasLog(file)) throw error
    // Even a reader of a WAL file wants to write beside it. After a clean stop the file alone is everything.
    const url = pathToFileURL(file)
    url.search = 'immutable=1'
    return { db: opened(new DatabaseSync(url, { readOnly: true }), file), identity, readOnly: error.message }
  }
}

/** The database, checked; closed when it is not what it should be. */
function opened(db: DatabaseSync, file: string): DatabaseSync {
  try {
    db.exec('PRAGMA synchronous = FULL')
    checkIsOurs(db, file)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function hasLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
}

function isReadOnly(error: unknown): error is Error {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_READONLY
}

function makeControlDb(file: string): void {
  if (existsSync(`${file}-wal`)) throw storeError('corrupt', file, 'the file is gone, but its write-ahead log is still there')
  const folder = dirname(file)
  makeFolder(folder)
  const draft = `${file}.${process.pid}.new`
  rmSync(draft, { force: true })
  try {
    const db = new DatabaseSync(draft)
    db.exec('PRAGMA journal_mode = WAL')
    db.exec(SCHEMA)
    db.close()
    syncPath(draft)
    moveIntoPlace(draft, file)
    syncPath(folder)
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${draft}${suffix}`, { force: true })
  }
}

/** Not mkdir's own `recursive`: where the kernel answers ENOENT for good (/proc), Node 24 never returns from it. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  if (dirname(folder) !== folder) makeFolder(dirname(folder))
  mkdirSync(folder)
}

/** A link, not a rename: it fails where another process was faster, instead of replacing its file. */
function moveIntoPlace(draft: string, file: string): void {
  try {
    linkSync(draft, file)
  } catch {
    // Somebody's file is there, or this file system knows no links.
    if (!existsSync(file)) renameSync(draft, file)
  }
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function checkIsOurs(db: DatabaseSync, file: string): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) throw storeError('corrupt', file, 'this is not a control.db of banyan')
  const version = pragma(db, 'user_version')
  if (version > SCHEMA_VERSION) throw storeError('newer', file, `its schema is version ${version}, this banyan knows ${SCHEMA_VERSION}`)
  const [check] = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})
  if (check !== 'ok') throw storeError('corrupt', file, String(check))
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  const [value] = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})
  return Number(value)
}

/** SQLite opens what it may not write without a word; the first write would tell, and by then it is too late. */
function whyReadOnly(db: DatabaseSync): string | null {
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK')
    return null
  } catch (error) {
    if (isReadOnly(error)) return error.message
    db.close()
    throw error
  }
}
