/**
 * One thread of the gateway over its lives: started, watched, replaced when it dies.
 *
 * `died` is called after the worker is gone and before its successor exists. That is the only moment
 * at which its region of the ledger has no writer, so whatever must be put in order is done there.
 */
import { Worker } from 'node:worker_threads'
import type { MessagePort, ResourceLimits } from 'node:worker_threads'
import type { FromMain, PeerName, ToMain } from '../core/model/messages.ts'
import { createBackoff } from './backoff.ts'

export interface ThreadSpec {
  readonly name: PeerName
  readonly module: URL
  readonly resourceLimits?: ResourceLimits
  /** Asked at every start: memory may have grown and ports become known since the last one. */
  readonly workerData: () => unknown
}

export interface ThreadEvents {
  /** The worker exists; what is posted now waits until it listens. */
  started(thread: SupervisedThread): void
  /** The worker runs its module. */
  online(thread: SupervisedThread): void
  message(thread: SupervisedThread, message: ToMain): void
  /** `why`: null when it was stopped. `delayMs`: until the successor starts; null when there will be none. */
  died(thread: SupervisedThread, why: string | null, delayMs: number | null): void
}

export class SupervisedThread {
  readonly name: PeerName
  /** It has said that it works (listens, or runs). Set by the supervisor, cleared by death. */
  up = false
  readonly #spec: ThreadSpec
  readonly #events: ThreadEvents
  readonly #backoff = createBackoff()
  #worker: Worker | null = null
  #timer: NodeJS.Timeout | null = null
  #startedAt = 0
  #why: string | null = null
  #retired = false
  #stopped = false

  constructor(spec: ThreadSpec, events: ThreadEvents) {
    this.name = spec.name
    this.#spec = spec
    this.#events = events
  }

  get running(): boolean {
    return this.#worker !== null
  }

  /** A successor will come: the thread has not been retired. */
  get retired(): boolean {
    return this.#retired
  }

  start(): void {
    if (this.#retired || this.#worker !== null) return
    this.#timer = null
    this.#why = null
    this.#startedAt = performance.now()
    const { name, module, resourceLimits } = this.#spec
    const worker = new Worker(module, { name, workerData: this.#spec.workerData(), ...(resourceLimits && { resourceLimits }) })
    this.#worker = worker
    worker.on('online', () => this.#events.online(this))
    worker.on('message', (message: ToMain) => this.#events.message(this, message))
    worker.on('error', (error: unknown) => (this.#why ??= describe(error)))
    worker.on('messageerror', (error) => (this.#why ??= `a message could not be read: ${describe(error)}`))
    worker.on('exit', (code) => this.#exited(code))
    this.#events.started(this)
  }

  /** Nothing while the thread is down: its successor learns all it needs when it starts. */
  post(message: FromMain, transfer: readonly MessagePort[] = []): void {
    this.#worker?.postMessage(message, transfer)
  }

  /** Ends the worker at once; a successor follows. */
  replace(why: string): void {
    this.#why ??= why
    void this.#worker?.terminate()
  }

  /** No successor from now on; what runs goes on. */
  retire(): void {
    this.#retired = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** Ends the thread for good; resolves when it is gone. */
  async stop(): Promise<void> {
    this.retire()
    this.#stopped = true
    await this.#worker?.terminate()
  }

  #exited(code: number): void {
    this.#worker = null
    this.up = false
    const delayMs = this.#retired ? null : this.#backoff.afterDeath(performance.now() - this.#startedAt)
    this.#events.died(this, this.#stopped ? null : (this.#why ?? `exited with code ${code}`), delayMs)
    // The event may have retired it, as a start that failed does.
    if (delayMs === null || this.#retired) return
    if (delayMs === 0) this.start()
    else this.#timer = setTimeout(() => this.start(), delayMs)
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
