/**
 * A config that was read becomes the config in force, or leaves everything as it is.
 *
 * Order is the point: addresses first (they change nothing yet), then the commands (lower at once, raise
 * when saved), then the snapshot. One config at a time; of several that arrive meanwhile only the newest.
 * What could not be saved is tried again as a whole: the commands are found anew from what differs.
 */
import { commandsForConfig } from '../core/control/config-commands.ts'
import { isRefusal } from '../core/control/state.ts'
import type { GatewayConfig } from '../core/model/config.ts'
import type { Ceiling, Command, Refusal } from '../core/model/control.ts'
import type { ConfigInForce } from '../core/model/messages.ts'
import type { ControlLog } from './announce.ts'
import type { Holder } from './holder.ts'
import type { Endpoints } from './resolver.ts'
import { needsRestart, pinned } from './restart-sections.ts'
import { tombstoneNotes } from './routes-in-force.ts'

export interface ReadConfig {
  readonly config: GatewayConfig
  readonly hash: string
  /** What these sources say now; null = nothing. */
  readonly ceiling: Pick<Ceiling, 'env' | 'file'>
}

export interface ReloadOptions {
  readonly holder: Holder
  readonly log: ControlLog
  /** The config of the former control thread, when there was one. */
  readonly inForce: ConfigInForce | null
  readonly now: () => number
  readonly resolve: (config: GatewayConfig) => Promise<Endpoints>
  /** Publishes `inForce()`; resolves with the problem that kept it from doing so. */
  readonly publish: () => Promise<string | null>
  readonly onInForce: (inForce: ConfigInForce) => void
  readonly retryMs?: number
}

export interface ReloadStatus {
  readonly hash: string
  readonly loadedAt: string
  /** Every problem of the newest config when that one is not in force. */
  readonly lastError: readonly string[]
  /** What the last reload did not do, and why: sections that need a restart, refused commands, tombstones. */
  readonly notes: readonly string[]
  /** Why threads work with an older snapshot than the config in force, or null. */
  readonly unpublished: string | null
}

export interface Reload {
  /** Resolves when this config, or a newer one, is in force. */
  adopt(read: ReadConfig): Promise<void>
  /** The newest config is not valid. Its ceilings, where they can be read, are obeyed downwards all the same. */
  reject(problems: readonly string[], ceiling: ReadConfig['ceiling'] | null): void
  inForce(): ConfigInForce | null
  status(): ReloadStatus
  counts(): { readonly applied: number; readonly invalid: number }
  close(): void
}

const ACTOR = 'config'
const RETRY_MS = 1_000

export function createReload(options: ReloadOptions): Reload {
  return new Reloading(options)
}

class Reloading implements Reload {
  readonly #options: ReloadOptions
  readonly #counts = { applied: 0, invalid: 0 }
  #inForce: ConfigInForce | null
  #status: ReloadStatus
  #waiting: ReadConfig | null = null
  #working: Promise<void> | null = null
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: ReloadOptions) {
    this.#options = options
    this.#inForce = options.inForce
    this.#status = { hash: options.inForce?.hash ?? '', loadedAt: '', lastError: [], notes: [], unpublished: null }
  }

  adopt(read: ReadConfig): Promise<void> {
    clearTimeout(this.#retry)
    this.#waiting = read
    this.#working ??= this.#work().catch((error: unknown) => this.#failed(error))
    return this.#working
  }

  reject(problems: readonly string[], ceiling: ReadConfig['ceiling'] | null): void {
    const { holder } = this.#options
    for (const command of ceiling === null ? [] : ceilings(holder, ceiling)) if (holder.lowers(command)) holder.submit(command)
    this.#counts.invalid++
    this.#status = { ...this.#status, lastError: problems }
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    this.#options.log.error({ problems }, `the new config is not valid and changes nothing; ${count}, first: ${problems[0] ?? ''}`)
  }

  inForce(): ConfigInForce | null {
    return this.#inForce
  }

  status(): ReloadStatus {
    return this.#status
  }

  counts(): { readonly applied: number; readonly invalid: number } {
    return this.#counts
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting; next !== null; next = this.#waiting) {
      this.#waiting = null
      const done = lowerFirst(this.#options.holder, next)
      await this.#options.resolve(next.config)
      if (this.#closed) return
      // A newer one came while names were asked for: this one never was in force.
      if (this.#waiting === null) await this.#bringIntoForce(next, done)
    }
    // Not in a `finally`: between the loop's end and that, another config could come and find nobody.
    this.#working = null
  }

  async #bringIntoForce(read: ReadConfig, done: Set<string>): Promise<void> {
    const { holder, log, now } = this.#options
    const { refusals, unsaved } = submitAll(holder, read, done)
    const restarts = needsRestart(read.config, this.#inForce?.config ?? null)
    const notes = [...restarts, ...refusals, ...tombstoneNotes(holder.state())]
    this.#inForce = { config: pinned(read.config, this.#inForce?.config ?? null), hash: read.hash }
    this.#counts.applied++
    this.#status = { hash: read.hash, loadedAt: new Date(now()).toISOString(), lastError: [], notes, unpublished: null }
    log.info({ config: { hash: read.hash, routes: read.config.routes.length } }, 'the config is in force')
    for (const note of notes) log.warn({ config: { hash: read.hash } }, note)
    this.#options.onInForce(this.#inForce)
    await this.#publish()
    if (unsaved) this.#saveLater(read, done)
  }

  async #publish(): Promise<void> {
    const unpublished = await this.#options.publish()
    this.#status = { ...this.#status, unpublished }
    if (unpublished !== null) this.#options.log.error({}, unpublished)
  }

  /** The config is in force but for raises that could not be saved: they are found anew from what differs. */
  #saveLater(read: ReadConfig, done: Set<string>): void {
    if (this.#closed || this.#waiting !== null) return
    this.#retry = setTimeout(() => {
      const { refusals, unsaved } = submitAll(this.#options.holder, read, done)
      if (unsaved) return this.#saveLater(read, done)
      this.#status = { ...this.#status, notes: refusals }
      void this.#publish()
    }, this.#options.retryMs ?? RETRY_MS)
  }

  /** A bug of ours must not be the end of all reloads. */
  #failed(error: unknown): void {
    this.#working = null
    const why = error instanceof Error ? error.message : String(error)
    this.#status = { ...this.#status, lastError: [`bringing the config into force failed: ${why}`] }
    this.#options.log.error({ err: error }, 'bringing the config into force failed')
  }
}

/** What lowers does not wait for a name server. Returns what was done, so that nothing is done twice. */
function lowerFirst(holder: Holder, read: ReadConfig): Set<string> {
  const done = new Set<string>()
  for (const command of [...ceilings(holder, read.ceiling), ...commandsForConfig(holder.state(), read.config, read.hash, ACTOR)]) {
    // `configure` belongs to the moment of the snapshot: it starts new routes and ends old ones.
    if (command.kind === 'configure' || !holder.lowers(command)) continue
    holder.submit(command)
    done.add(JSON.stringify(command))
  }
  return done
}

function submitAll(
  holder: Holder,
  read: ReadConfig,
  done: Set<string>,
): { readonly refusals: readonly string[]; readonly unsaved: boolean } {
  const refusals: Refusal[] = []
  const unsaved = (): boolean => refusals.some(({ code }) => code === 'not-saved')
  const submit = (commands: readonly Command[]): void => {
    for (const command of commands) {
      // The state must not say "applied" of what is still to be saved: it would not be found again.
      if (done.has(JSON.stringify(command)) || (command.kind === 'configure' && unsaved())) continue
      const result = holder.submit(command)
      if (isRefusal(result)) refusals.push(result)
      else done.add(JSON.stringify(command))
    }
  }
  // Ceilings first: at the very first start 0 is where the operator begins, not a plug that was pulled.
  submit(ceilings(holder, read.ceiling))
  submit(commandsForConfig(holder.state(), read.config, read.hash, ACTOR))
  return { refusals: refusals.map(({ message }) => message), unsaved: unsaved() }
}

function ceilings(holder: Holder, ceiling: ReadConfig['ceiling']): readonly Command[] {
  return (['env', 'file'] as const)
    .filter((source) => ceiling[source] !== holder.state().ceiling[source])
    .map((source) => {
      const percent = ceiling[source]
      return { kind: 'ceiling', source, percent, actor: ACTOR, reason: `${source} says ${percent === null ? 'nothing' : `${percent} %`}` }
    })
}
