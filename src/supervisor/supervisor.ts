/**
 * The main thread's whole work: shared memory, threads, and what holds them together.
 *
 * It handles no request, no config and no state, so that nothing in it can fail while the others run.
 * Until everything listens for the first time, a thread that cannot start ends the start, with its
 * reason: an operator is watching. From then on nothing ends the process but a signal: a dead thread is
 * replaced, and the others go on with what they know.
 *
 *   start    control, compare, data-0 … ; with port 0 data-0 first, whose port the others take
 *   death    what it had in flight is booked as lost, its connections leave the shared count; then its
 *            successor starts, on the same region and with new ports to its peers
 *   drain    everybody is told; the data threads finish; control and compare write out; all end
 */
import type { ListenConfig } from '../core/model/config.ts'
import type { CompareStart, ConfigInForce, ControlStart, DataStart, PeerName, SharedMemory, ToMain } from '../core/model/messages.ts'
import { clearRow, controlRow, GAUGE_HEARTBEAT, readGauge } from '../ledger/gauges.ts'
import { compareRegion } from '../ledger/layout.ts'
import { bookLost } from '../ledger/lost.ts'
import { createDrain } from './drain.ts'
import type { Drain, DrainTimes } from './drain.ts'
import type { Log } from './log.ts'
import { createMemory, withBank } from './memory.ts'
import { createStuckWatch } from './stuck.ts'
import { connect, isData } from './switchboard.ts'
import { SupervisedThread } from './thread.ts'

const LOOK_MS = 1_000
/** The comparer holds answers of any size; past this it dies and is replaced, and nobody else notices. */
const COMPARE_HEAP_MB = 1_024

export interface SupervisorOptions {
  /** The threads' modules. */
  readonly modules: { readonly control: URL; readonly data: URL; readonly compare: URL }
  readonly threads: number
  readonly listen: ListenConfig
  readonly drain: DrainTimes
  readonly control: Pick<ControlStart, 'configPath' | 'env' | 'version'>
  /** Folder of the databases. */
  readonly storePath: string
  readonly log: Log
}

export interface Ready {
  /** Where the data threads listen; 0 with a socket path. */
  readonly port: number
  readonly admin: { readonly host: string; readonly port: number }
}

/** The first start did not succeed; every thread has been ended. */
export interface StartFailure {
  readonly failed: true
  readonly exitCode: number
  readonly problems: readonly string[]
}

export interface Supervisor {
  /** What the threads share now. */
  readonly memory: SharedMemory
  /** Resolves when every data thread and the admin server listen for the first time. */
  start(): Promise<Ready | StartFailure>
  /** Ends the gateway without cutting what is in flight; resolves when every thread is gone. */
  drain(): Promise<void>
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new ThreadSupervisor(options)
}

class ThreadSupervisor implements Supervisor {
  readonly #options: SupervisorOptions
  readonly #threads: readonly SupervisedThread[]
  readonly #drain: Drain
  readonly #started = Promise.withResolvers<Ready | StartFailure>()
  readonly #looking: NodeJS.Timeout
  #memory: SharedMemory
  #port: number | null
  #admin: Ready['admin'] | null = null
  #inForce: ConfigInForce | null = null
  /** Past its first start: from now on deaths are repaired, not reported as failure. */
  #ready = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#memory = createMemory(options.threads)
    this.#port = options.listen.port === 0 ? null : options.listen.port
    this.#threads = this.#createThreads()
    this.#drain = createDrain(this.#threads, options.drain, options.log)
    const watch = createStuckWatch(this.#threads.map(({ name }) => name))
    this.#looking = setInterval(() => {
      for (const { thread, stuck, stillMs } of watch.look(performance.now(), (name) => this.#heartbeat(name)))
        options.log(stuck ? 'error' : 'warn', `${thread} ${stuck ? 'is stuck' : 'moves again'}`, {
          about: thread,
          stillMs: Math.round(stillMs),
        })
    }, LOOK_MS).unref()
  }

  get memory(): SharedMemory {
    return this.#memory
  }

  start(): Promise<Ready | StartFailure> {
    for (const thread of this.#threads) if (this.#mayStart(thread.name)) thread.start()
    return this.#started.promise
  }

  async drain(): Promise<void> {
    clearInterval(this.#looking)
    // Nothing listens yet, so there is nothing to finish.
    if (this.#ready) await this.#drain.run()
    else await this.#stopAll()
  }

  #createThreads(): SupervisedThread[] {
    const { modules, threads, control, storePath } = this.#options
    const events = {
      started: (thread: SupervisedThread) => this.#introduce(thread),
      // The others say themselves when they listen.
      online: (thread: SupervisedThread) => (thread.name === 'compare' ? this.#isUp(thread) : undefined),
      message: (thread: SupervisedThread, message: ToMain) => this.#receive(thread, message),
      died: (thread: SupervisedThread, why: string | null, delayMs: number | null) => this.#died(thread, why, delayMs),
    }
    const controlData = (): ControlStart => ({
      ...control,
      memory: this.#memory,
      dataPort: this.#port,
      inForce: this.#inForce,
    })
    const compareData = (): CompareStart => ({ memory: this.#memory, storePath })
    const dataData = (index: number) => (): DataStart => {
      const { listen } = this.#options
      return { index, memory: this.#memory, listen: { ...listen, port: this.#port ?? listen.port } }
    }
    const resourceLimits = { maxOldGenerationSizeMb: COMPARE_HEAP_MB }
    return [
      new SupervisedThread({ name: 'control', module: modules.control, workerData: controlData }, events),
      new SupervisedThread({ name: 'compare', module: modules.compare, workerData: compareData, resourceLimits }, events),
      ...Array.from(
        { length: threads },
        (_, index) => new SupervisedThread({ name: `data-${index}`, module: modules.data, workerData: dataData(index) }, events),
      ),
    ]
  }

  /** With port 0 the kernel chooses for data-0; the others wait for its choice. */
  #mayStart(name: PeerName): boolean {
    return !isData(name) || name === 'data-0' || this.#port !== null
  }

  /** A thread has started: it gets its ports, and hears who is there. */
  #introduce(thread: SupervisedThread): void {
    connect(thread, this.#threads)
    for (const other of this.#threads) {
      if (other !== thread && other.up) thread.post({ kind: 'thread', thread: other.name, up: true, why: 'running' })
    }
  }

  #receive(thread: SupervisedThread, message: ToMain): void {
    switch (message.kind) {
      case 'listening':
        return this.#listening(thread, message.port)
      case 'admin-listening':
        this.#admin = { host: message.host, port: message.port }
        return this.#isUp(thread)
      case 'need-bank':
        return this.#giveBank(thread, message.bank)
      case 'config-in-force':
        this.#inForce = message.inForce
        return
      case 'drain-times':
        return this.#drain.setTimes(message)
      case 'drained':
        return this.#drain.drained(thread)
      case 'unusable':
        return thread.replace(message.why)
      case 'refused-to-start':
        return this.#refused(thread, message.exitCode, message.problems)
      default:
        message satisfies never
    }
  }

  #listening(thread: SupervisedThread, port: number): void {
    if (this.#port === null) {
      this.#port = port
      for (const waiting of this.#threads) waiting.start()
    }
    for (const other of this.#threads) if (!isData(other.name)) other.post({ kind: 'data-port', port: this.#port })
    this.#isUp(thread)
  }

  #isUp(thread: SupervisedThread): void {
    if (thread.up) return
    thread.up = true
    this.#tellOthers(thread, true, 'started')
    if (this.#ready) this.#options.log('info', `${thread.name} is back`, { about: thread.name })
    const working = this.#threads.every(({ name, up }) => up || name === 'compare')
    if (this.#ready || !working || this.#admin === null) return
    this.#ready = true
    this.#started.resolve({ port: this.#port ?? 0, admin: this.#admin })
  }

  #giveBank(thread: SupervisedThread, bank: number): void {
    const before = this.#memory.banks.length
    this.#memory = withBank(this.#memory, bank)
    this.#memory.banks.forEach((memory, index) => {
      if (index >= before) for (const each of this.#threads) each.post({ kind: 'bank', bank: index, memory })
      else if (index === bank) thread.post({ kind: 'bank', bank, memory })
    })
  }

  #refused(thread: SupervisedThread, exitCode: number, problems: readonly string[]): void {
    if (!this.#ready) return this.#failStart(exitCode, problems)
    this.#options.log('error', `${thread.name} refuses to start; the data threads go on with what they know`, {
      about: thread.name,
      problems,
    })
    thread.replace(problems.join('; '))
  }

  #died(thread: SupervisedThread, why: string | null, delayMs: number | null): void {
    const row = this.#rowOf(thread.name)
    const lost = thread.name === 'control' ? 0 : bookLost(this.#memory, row)
    clearRow(this.#memory, row)
    this.#drain.drained(thread)
    if (why === null) return
    this.#tellOthers(thread, false, why)
    // Without the comparer the gateway serves all the same; without another thread it never began.
    if (!this.#ready && !thread.retired && thread.name !== 'compare') return this.#failStart(1, [`${thread.name} could not start: ${why}`])
    this.#options.log('error', `${thread.name} died`, { about: thread.name, why, lost, restartInMs: delayMs })
  }

  #tellOthers(thread: SupervisedThread, up: boolean, why: string): void {
    for (const other of this.#threads) if (other !== thread) other.post({ kind: 'thread', thread: thread.name, up, why })
  }

  #failStart(exitCode: number, problems: readonly string[]): void {
    clearInterval(this.#looking)
    void this.#stopAll().then(() => this.#started.resolve({ failed: true, exitCode, problems }))
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()))
  }

  /** Index of the thread's gauges; for those that count, of their region too. */
  #rowOf(name: PeerName): number {
    if (name === 'control') return controlRow(this.#memory)
    if (name === 'compare') return compareRegion(this.#memory)
    return Number(name.slice('data-'.length))
  }

  #heartbeat(name: PeerName): number | null {
    const running = this.#threads.some((thread) => thread.name === name && thread.running)
    return running ? readGauge(this.#memory, this.#rowOf(name), GAUGE_HEARTBEAT) : null
  }
}
