/** SQLite's result codes as problems an operator can act on: https://www.sqlite.org/rescode.html */
import { StoreError } from './store.ts'
import type { StoreProblem, StoreTrouble } from './store.ts'

/** Primary result codes; extended ones carry them in the low byte. */
const TROUBLES: Readonly<Record<number, StoreTrouble>> = {
  3: 'unreadable', // PERM
  5: 'busy', // BUSY
  6: 'busy', // LOCKED
  8: 'read-only', // READONLY
  11: 'corrupt', // CORRUPT
  13: 'full', // FULL
  14: 'unreadable', // CANTOPEN
  23: 'unreadable', // AUTH
  26: 'corrupt', // NOTADB
}

const SYSTEM_TROUBLES: Readonly<Record<string, StoreTrouble>> = { ENOSPC: 'full', EDQUOT: 'full', EROFS: 'read-only' }

const ADVICE: Readonly<Record<StoreTrouble, string>> = {
  corrupt: 'restore it from a backup, or move it (with its -wal and -shm) away to start anew: latches and weights set since are then lost',
  unreadable: 'give the gateway a folder it may read and write (store.path)',
  'read-only': 'make the folder and file writable for the gateway (store.path)',
  full: 'free space on its disk; the gateway tries again by itself',
  busy: 'another process holds it: only one gateway may use this folder',
  newer: 'run the newer version, or move the file away to start anew',
  conflict: 'two gateways share this folder; give each its own store.path',
  closed: 'the gateway is shutting down',
  failed: 'look at the disk and the kernel log; the gateway tries again by itself',
}

export function problem(code: StoreTrouble, file: string, what: string): StoreProblem {
  return { code, message: `${file}: ${what}; ${ADVICE[code]}` }
}

export function storeError(code: StoreTrouble, file: string, what: string): StoreError {
  return new StoreError(problem(code, file, what))
}

/** Any error caught around the database, as a StoreError. */
export function asStoreError(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error
  const what = error instanceof Error ? error.message : String(error)
  return new StoreError(problem(troubleOf(error), file, what), { cause: error })
}

function troubleOf(error: unknown): StoreTrouble {
  if (typeof error !== 'object' || error === null) return 'failed'
  if ('errcode' in error && typeof error.errcode === 'number') return TROUBLES[error.errcode & 0xff] ?? 'failed'
  if (!('code' in error) || typeof error.code !== 'string') return 'failed'
  return SYSTEM_TROUBLES[error.code] ?? (error.code.startsWith('E') && 'syscall' in error ? 'unreadable' : 'failed')
}
