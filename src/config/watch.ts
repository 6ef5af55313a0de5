/**
 * Follows the files of a configuration and says what they hold whenever that changes.
 *
 * `fs.watch` on a file goes deaf after a ConfigMap's first update (the symlink it followed points elsewhere), so
 * the directory is watched, for speed, and a fingerprint of the contents is polled, for certainty. What was read
 * is believed once it reads the same a moment later: a file caught half-written may well be valid YAML with
 * half the routes. The last good configuration stays with the caller; this only reports.
 */
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { readConfigFiles } from './files.ts'
import type { ConfigFiles } from './files.ts'
import { interpret } from './load.ts'
import type { LoadResult } from './load.ts'
import type { Env } from './problem.ts'

export interface WatchOptions {
  /** At most 1,000. */
  readonly pollMs?: number
  /** Fingerprint of what the caller knows already; without it, of what the files hold now. */
  readonly seen?: string
}

export interface ConfigWatch {
  /** No call of `onChange` comes after it, and no handle stays. */
  close(): void
}

const POLL_MS = 500
const MAX_POLL_MS = 1_000
/** How long a content must stay the same: editors and `cp` write within milliseconds. */
const SETTLE_MS = 80
/** A faulty one gets longer: nothing waits for it, and it is often the first half of a good one. */
const SETTLE_FAULTY_MS = 300
/** After an event of the directory: the write it tells of is under way. */
const EVENT_MS = 20
/** A file that never comes to rest is believed after this, when it is valid. */
const RESTLESS_MS = 1_200

/** `onChange` is called once for each content that differs from the one before, valid or not. */
export function watchConfig(path: string, env: Env, onChange: (result: LoadResult) => void, options: WatchOptions = {}): ConfigWatch {
  return new Watching(path, env, onChange, options)
}

interface Candidate {
  readonly result: LoadResult
  readonly since: number
}

class Watching implements ConfigWatch {
  readonly #path: string
  readonly #env: Env
  readonly #onChange: (result: LoadResult) => void
  readonly #poll: NodeJS.Timeout
  #next: NodeJS.Timeout | undefined
  #watcher: FSWatcher | null = null
  #watched = ''
  #reported: string
  #candidate: Candidate | null = null
  #restlessSince = 0

  constructor(path: string, env: Env, onChange: (result: LoadResult) => void, options: WatchOptions) {
    this.#path = path
    this.#env = env
    this.#onChange = onChange
    const files = readConfigFiles(path)
    this.#reported = options.seen ?? files.fingerprint
    this.#listen(files.directory)
    this.#poll = setInterval(() => this.#look(), Math.min(options.pollMs ?? POLL_MS, MAX_POLL_MS))
    // What changed between the caller's reading and this is a change too.
    if (files.fingerprint !== this.#reported) this.#lookAfter(0)
  }

  close(): void {
    clearInterval(this.#poll)
    clearTimeout(this.#next)
    this.#watcher?.close()
    this.#watcher = null
  }

  #look(): void {
    clearTimeout(this.#next)
    this.#next = undefined
    const files = readConfigFiles(this.#path)
    if (this.#watcher === null || files.directory !== this.#watched) this.#listen(files.directory)
    if (files.fingerprint === this.#reported) {
      this.#candidate = null
    } else this.#consider(files)
  }

  #consider(files: ConfigFiles): void {
    const now = performance.now()
    if (this.#candidate === null) this.#restlessSince = now
    if (this.#candidate?.result.fingerprint !== files.fingerprint) this.#candidate = { result: interpret(files, this.#env), since: now }
    const { result, since } = this.#candidate
    const settleMs = result.ok ? SETTLE_MS : SETTLE_FAULTY_MS
    const isRestless = result.ok && now - this.#restlessSince >= RESTLESS_MS
    if (now - since < settleMs && !isRestless) return this.#lookAfter(settleMs - (now - since))
    this.#reported = files.fingerprint
    this.#candidate = null
    this.#onChange(result)
  }

  #lookAfter(ms: number): void {
    clearTimeout(this.#next)
    this.#next = setTimeout(() => this.#look(), ms)
  }

  /** Without a directory to watch the poll alone must do; the next one tries again. */
  #listen(directory: string): void {
    this.#watcher?.close()
    this.#watcher = null
    this.#watched = directory
    try {
      const watcher = watch(directory, () => this.#lookSoon())
      this.#watcher = watcher
      watcher.on('error', () => {
        watcher.close()
        if (this.#watcher === watcher) this.#watcher = null
      })
    } catch {
      this.#watcher = null
    }
  }

  /** One save is several events, and a look that is due anyway sees them all. */
  #lookSoon(): void {
    if (this.#next === undefined) this.#lookAfter(EVENT_MS)
  }
}
