/**
 * The files a configuration is read from, as bytes and one fingerprint of all of them.
 *
 * A path is a YAML file, or a directory with `gateway.yaml` and, optionally, `v2_traffic_percentage`: a mounted
 * ConfigMap, whose files are symlinks into a directory that is swapped whole. Reading is synchronous: the files
 * are small and the fewer moments between two reads, the less often they belong to different versions.
 */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatSize } from '../core/units.ts'

/** Above this a file is refused unread: no configuration is that long, and a log or a dump is. */
const MAX_BYTES = 1_048_576
const MAX_CEILING_BYTES = 64
const CONFIG_NAME = 'gateway.yaml'
const CEILING_NAME = 'v2_traffic_percentage'

export type FileRead =
  | { readonly kind: 'bytes'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'absent'; readonly name: string; readonly message: string }
  | { readonly kind: 'unreadable'; readonly name: string; readonly message: string }

export interface ConfigFiles {
  readonly config: FileRead
  /** Null when the path is a single file: the ceiling is a matter of directories. */
  readonly ceiling: FileRead | null
  /** The directory whose entries change when a file does. */
  readonly directory: string
  /** Equal as long as the contents are. */
  readonly fingerprint: string
}

/** Never throws. */
export function readConfigFiles(path: string): ConfigFiles {
  const isDirectory = directoryAt(path) ?? path.endsWith('/')
  const config = readBounded(isDirectory ? join(path, CONFIG_NAME) : path, MAX_BYTES, isDirectory ? absentIn(path) : ABSENT)
  const ceiling = isDirectory ? readBounded(join(path, CEILING_NAME), MAX_CEILING_BYTES, ABSENT) : null
  return { config, ceiling, directory: isDirectory ? path : dirname(path), fingerprint: fingerprintOf([config, ceiling]) }
}

/** Null when nothing is there, or it cannot be told. */
function directoryAt(path: string): boolean | null {
  try {
    return statSync(path).isDirectory()
  } catch {
    return null
  }
}

const ABSENT = 'does not exist; give the path of a YAML file, or of a directory with gateway.yaml in it (the command init writes one)'

function absentIn(directory: string): string {
  if (directoryAt(directory) === null) return ABSENT
  return `is not in this directory; put ${CONFIG_NAME} there (the command init writes one), or give the path of a file`
}

function readBounded(name: string, maxBytes: number, absent: string): FileRead {
  const unreadable = (message: string): FileRead => ({ kind: 'unreadable', name, message })
  let handle: number
  try {
    // Non-blocking: opening a pipe would otherwise wait for a writer.
    handle = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsence(error)) return { kind: 'absent', name, message: absent }
    return unreadable(`cannot be opened (${reasonOf(error)}); check its path and permissions`)
  }
  // The size is not said: a file that grows would be news with every byte.
  const tooLarge = `is larger than ${formatSize(maxBytes)} and was not read; is it the right file?`
  try {
    const stat = fstatSync(handle)
    if (!stat.isFile()) return unreadable(`is ${stat.isDirectory() ? 'a directory' : 'no regular file'}; give the path of a YAML file`)
    if (stat.size > maxBytes) return unreadable(tooLarge)
    const bytes = readFileSync(handle)
    return bytes.length > maxBytes ? unreadable(tooLarge) : { kind: 'bytes', name, bytes }
  } catch (error) {
    return unreadable(`cannot be read (${reasonOf(error)}); check the file and its disk`)
  } finally {
    closeSync(handle)
  }
}

function isAbsence(error: unknown): boolean {
  const code = reasonOf(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

function fingerprintOf(reads: readonly (FileRead | null)[]): string {
  const hash = createHash('sha256')
  for (const read of reads) {
    hash.update(read === null ? 'none' : read.kind).update('\0')
    if (read !== null) hash.update(read.kind === 'bytes' ? read.bytes : read.message).update('\0')
  }
  return hash.digest('hex')
}
