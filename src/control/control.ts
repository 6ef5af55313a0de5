/**
 * Control's parts joined: config → commands → state → words → snapshot; ledger → judge → commands.
 *
 * What belongs to other parts of the gateway (store, log, alerts, main) arrives as an argument, so the loop
 * runs in a test as it runs in its thread.
 */
import { ceilingBps } from '../core/control/effective.ts'
import { groupOf, isRefusal, unrouted } from '../core/control/state.ts'
import type { ConfigInForce, ControlStart, ToMain } from '../core/model/messages.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import { controlRow, createGauges, GAUGE_LOOP_LAG_MS } from '../ledger/gauges.ts'
import type { Gauges } from '../ledger/gauges.ts'
import { createReader } from '../ledger/reader.ts'
import type { Reader } from '../ledger/reader.ts'
import { announce } from './announce.ts'
import type { AlertSink, ControlLog } from './announce.ts'
import { createBackends } from './backends.ts'
import type { Backends } from './backends.ts'
import { createExplainer } from './explaining.ts'
import type { Explainer } from './explaining.ts'
import type { Change, Holder } from './holder.ts'
import { createJudging } from './judging.ts'
import type { Judging, Trip } from './judging.ts'
import { createNeighbours } from './neighbours.ts'
import type { Neighbours } from './neighbours.ts'
import { openState } from './open-state.ts'
import type { OpenState } from './open-state.ts'
import { createPublisher } from './publisher.ts'
import type { Publisher } from './publisher.ts'
import { createRecent } from './recent.ts'
import type { Recent } from './recent.ts'
import { createReload } from './reload.ts'
import type { ReadConfig, Reload } from './reload.ts'
import { createRollbacks, latchesSet } from './rollbacks.ts'
import { publishedPart } from './routes-in-force.ts'
import type { ControlStore } from './store.ts'
import { createTicker } from './ticker.ts'
import type { Ticker } from './ticker.ts'
import { createView } from './view.ts'
import type { ParsedConfig, View } from './view.ts'

export interface ControlOptions {
  readonly start: ControlStart
  readonly store: ControlStore
  readonly log: ControlLog
  readonly alerts: AlertSink
  readonly tell: (message: ToMain) => void
  /** Finished log lines of other threads. */
  readonly onLog: (lines: readonly string[], dropped: number) => void
  /** From a command that latches to the last routing word. */
  readonly onRollback: (tookMs: number) => void
  readonly onStop: () => void
  readonly parse: (text: string) => ParsedConfig
  readonly now: () => number
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: () => number
  readonly intervals?: Intervals
}

/** For tests that cannot wait; milliseconds. */
interface Intervals {
  readonly judgeMs?: number
  readonly resolveMs?: number
  readonly recoverMs?: number
  readonly askTimeoutMs?: number
}

export interface Control {
  readonly neighbours: Neighbours
  readonly view: View
  readonly explain: Explainer
  readonly submit: Holder['submit']
  adopt(read: ReadConfig): Promise<void>
  reject: Reload['reject']
  /** Goes on with a former control thread's config, when this one's file is bad. */
  resume(inForce: ConfigInForce): Promise<void>
  judgeLagMs(): number
  /** Stops everything and saves what waits. The store stays the caller's. */
  close(): Promise<void>
}

const JUDGE_MS = 100

export function createControl(options: ControlOptions): Control {
  return new ControlLoop(options)
}

class ControlLoop implements Control {
  readonly neighbours: Neighbours
  readonly view: View
  readonly explain: Explainer
  readonly submit: Holder['submit']
  readonly #options: ControlOptions
  readonly #state: OpenState
  readonly #rollbacks = createRollbacks()
  readonly #backends: Backends
  readonly #publisher: Publisher
  readonly #judging: Judging
  readonly #reload: Reload
  readonly #ticker: Ticker
  readonly #gauges: Gauges
  #lastRead: ReadConfig | null = null

  constructor(options: ControlOptions) {
    const { start, now, monotonic, alerts, intervals } = options
    this.#options = options
    const reader = createReader(start.memory)
    const recent = createRecent(now)
    this.#state = this.#open()
    const { holder, notes } = this.#state
    this.submit = (command, how) => holder.submit(command, how)
    this.#backends = createBackends({ ids: notes.endpoints, now, onChange: () => void this.#publish(), resolveMs: intervals?.resolveMs })
    this.neighbours = this.#meetNeighbours(reader)
    this.#publisher = this.#createPublisher()
    this.#judging = createJudging({
      reader,
      recent,
      alerts,
      now,
      mayTrip: (group) => mayTrip(holder, group),
      v1Down: (lastGoodMs) => this.#backends.v1Down(lastGoodMs),
      onTrip: (trip) => this.#trip(trip),
    })
    this.#reload = this.#createReload()
    this.explain = createExplainer(() => this.#publisher.current()?.snapshot ?? null, start.memory.words)
    this.view = this.#createView(reader, recent)
    this.#gauges = createGauges(start.memory, controlRow(start.memory))
    this.#ticker = createTicker(intervals?.judgeMs ?? JUDGE_MS, monotonic, () => this.#tick())
  }

  adopt(read: ReadConfig): Promise<void> {
    this.#lastRead = read
    return this.#reload.adopt(read)
  }

  reject(...newest: Parameters<Reload['reject']>): void {
    this.#reload.reject(...newest)
  }

  resume({ config, hash }: ConfigInForce): Promise<void> {
    // What the ceilings' sources said last is in the state; they are not asked, for nobody could read them.
    return this.adopt({ config, hash, ceiling: this.#state.holder.state().ceiling })
  }

  judgeLagMs(): number {
    return this.#ticker.lagMs()
  }

  async close(): Promise<void> {
    this.#ticker.close()
    this.#reload.close()
    this.neighbours.close()
    this.#state.close()
    await this.#backends.close()
  }

  #open(): OpenState {
    const { start, store, log, alerts, now, monotonic, intervals } = this.#options
    return openState({
      memory: start.memory,
      store,
      log,
      alerts,
      now,
      monotonic,
      onChange: (change) => this.#changed(change),
      onRecovered: () => void (this.#lastRead === null ? null : this.#reload.adopt(this.#lastRead)),
      recoverMs: intervals?.recoverMs,
    })
  }

  #meetNeighbours(reader: Reader): Neighbours {
    const { start, alerts, tell, onLog, onStop, intervals } = this.#options
    return createNeighbours({
      start,
      rebuilt: this.#state.notes.lives > 1,
      reader,
      alerts,
      tell,
      onLog,
      onStop,
      configInForce: () => this.#publisher.current() !== null,
      onAck: () => {
        this.#publisher.acknowledged()
        this.neighbours.passOnReadiness()
      },
      askTimeoutMs: intervals?.askTimeoutMs,
    })
  }

  #createPublisher(): Publisher {
    const { notes, board } = this.#state
    const { peers, banks } = this.neighbours
    return createPublisher({
      notes,
      board,
      peers,
      banks: () => banks.count(),
      needBank: (bank) => banks.need(bank),
      onReused: (slots) => this.#judging.reused(slots),
      onPublished: ({ snapshot, inForce }) => {
        const judged = snapshot.config.routes.filter((route) => !inForce.tombstones.has(route.name))
        this.#judging.use(judged.map((route) => ({ route, slot: snapshot.slots[route.name] ?? GATEWAY_SLOT })))
      },
    })
  }

  #createReload(): Reload {
    const { start, log, now, tell } = this.#options
    return createReload({
      holder: this.#state.holder,
      log,
      inForce: start.inForce,
      now,
      resolve: (config) => this.#backends.use(config.backends),
      publish: () => this.#publish(),
      onInForce: (inForce) => {
        tell({ kind: 'config-in-force', inForce })
        tell({ kind: 'drain-times', ...inForce.config.drain })
      },
    })
  }

  #createView(reader: Reader, recent: Recent): View {
    const { start, now, store, parse } = this.#options
    return createView({
      version: start.version,
      configPath: start.configPath,
      now,
      holder: this.#state.holder,
      saver: this.#state.saver,
      store,
      reload: this.#reload,
      publisher: this.#publisher,
      judging: this.#judging,
      recent,
      rollbacks: this.#rollbacks,
      reader,
      probe: (backend) => this.#backends.probe(backend),
      unresolved: () => this.#backends.unresolved(),
      threads: () => this.neighbours.threads(),
      parse,
    })
  }

  async #publish(): Promise<string | null> {
    const inForce = this.#reload.inForce()
    if (inForce === null) return null
    return this.#publisher.publish(() => ({
      config: (this.#reload.inForce() ?? inForce).config,
      state: this.#state.holder.state(),
      endpoints: this.#backends.endpoints(),
    }))
  }

  #tick(): void {
    this.#judging.tick()
    this.neighbours.passOnReadiness()
    this.#gauges.beat()
    this.#gauges.set(GAUGE_LOOP_LAG_MS, Math.round(this.#ticker.lagMs()))
  }

  #trip({ route, verdict, detectedMs }: Trip): void {
    const result = this.submit({
      kind: 'trip',
      group: route.group,
      cause: 'errors',
      actor: 'judge',
      reason: verdict.reason,
      evidence: { route: route.name, detectedMs, ...verdict.numbers },
    })
    if (isRefusal(result)) this.#options.log.error({ route: route.name }, `the judge's trip was refused: ${result.message}`)
  }

  #changed(change: Change): void {
    const { log, alerts, onRollback } = this.#options
    announce(change, log, alerts)
    const latched = latchesSet(change)
    for (const set of latched) this.#rollbacks.count(set)
    if (latched.length > 0) onRollback(change.tookMs)
    // A reload publishes by itself, and by then with its own routes.
    const published = change.command.kind !== 'configure' && publishedPart(change.before) !== publishedPart(change.after)
    if (published) void this.#publish()
  }
}

/** Users get v2 and nothing holds it at zero. */
function mayTrip(holder: Holder, name: string): boolean {
  const state = holder.state()
  const group = groupOf(state, name)
  if (group === null || holder.unknown() !== null || state.killed !== null || ceilingBps(state) === 0) return false
  return group.latch === null && group.removedAt === null && !unrouted(group.stage)
}
