/**
 * An engine between two recording backends, and what must hold after every test on it: nothing in flight,
 * nothing held, nothing filed, no error of our own, no request the strict reader refuses, no write seen twice.
 */
import { afterEach, expect } from 'vitest'
import type { Backend, GatewayConfig, RouteConfig } from '../../../src/core/model/config.ts'
import type { SharedMemory } from '../../../src/core/model/messages.ts'
import { ASSIGNED_BY_BUCKET, ASSIGNED_OTHERWISE, LANES, OUTCOMES } from '../../../src/core/model/observation.ts'
import type { Counter, Lane, Outcome } from '../../../src/core/model/observation.ts'
import type { PairBatch, PairMeta } from '../../../src/core/model/pair.ts'
import { GATEWAY_SLOT, MAX_ENDPOINTS, MAX_ROUTES, packWord } from '../../../src/core/model/routing.ts'
import type { WordParts } from '../../../src/core/model/routing.ts'
import type { ResolvedEndpoint, Snapshot } from '../../../src/core/model/snapshot.ts'
import { GAUGE_HEARTBEAT, gaugesBytes } from '../../../src/ledger/gauges.ts'
import { bankBytes } from '../../../src/ledger/layout.ts'
import { createReader } from '../../../src/ledger/reader.ts'
import { counterOf, finishedOf, laneId, outcomeOf } from '../../../src/ledger/totals.ts'
import type { Context } from '../../../src/proxy/context.ts'
import { createEngine } from '../../../src/proxy/engine.ts'
import type { Engine, EngineOptions } from '../../../src/proxy/engine.ts'
import type { WheelEntry } from '../../../src/wire/wheel.ts'
import { RawBackend, type Script } from '../wire/backend.ts'
import { RawClient, type ClientOptions } from '../wire/client.ts'
import { gatewayConfig, mergeInto, resolved, routeConfig, type Partially } from '../wire/config.ts'
import { value, type Message } from '../wire/message.ts'
import { turnOfLoop, until } from '../wire/until.ts'
import { answerAs } from './scripts.ts'

export interface StageOptions {
  /** What the backends do; by default each says its name. `'refuses'`: nothing listens there. */
  readonly v1?: Script | 'refuses'
  readonly v2?: Script | 'refuses'
  /** Endpoints instead of the recording backends. */
  readonly endpoints?: Partial<Record<Backend, readonly ResolvedEndpoint[]>>
  readonly config?: Partially<GatewayConfig>
  /** One route for everything, changed as given; or several, in order. */
  readonly route?: Partially<RouteConfig>
  readonly routes?: readonly Partially<RouteConfig>[]
  readonly word?: Partial<WordParts>
  readonly listen?: Partial<EngineOptions['listen']>
  /** Whether the compare thread takes batches; default yes. */
  readonly taken?: boolean
}

const OFF: WordParts = { weightBps: 0, stage: 'off', latched: false, killed: false, ceilingZero: false, live: true, mirrorsOff: false }
/** Words most tests want. */
export const COMPLETE: Partial<WordParts> = { stage: 'complete', weightBps: 10_000 }
export const SHADOW: Partial<WordParts> = { stage: 'shadow' }

/** Nothing listens on port 1 of loopback. */
const REFUSED = 1

export class Stage {
  readonly v1: RawBackend
  readonly v2: RawBackend
  readonly engine: Engine
  readonly memory: SharedMemory
  readonly errors: unknown[]
  readonly batches: PairBatch[]
  readonly port: number
  /** Errors of our own this test provokes. */
  expectedErrors = 0
  readonly #clients: RawClient[] = []
  readonly #filed: ReadonlySet<WheelEntry>
  readonly #routes: number

  private constructor(parts: Pick<Stage, 'v1' | 'v2' | 'engine' | 'memory' | 'errors' | 'batches' | 'port'>, routes: number) {
    this.v1 = parts.v1
    this.v2 = parts.v2
    this.engine = parts.engine
    this.memory = parts.memory
    this.errors = parts.errors
    this.batches = parts.batches
    this.port = parts.port
    this.#routes = routes
    this.#filed = watchWheel(parts.engine.ctx)
  }

  static async open(options: StageOptions = {}): Promise<Stage> {
    const v1 = new RawBackend()
    const v2 = new RawBackend()
    v1.script = options.v1 === undefined || options.v1 === 'refuses' ? answerAs('v1') : options.v1
    v2.script = options.v2 === undefined || options.v2 === 'refuses' ? answerAs('v2') : options.v2
    const port1 = await v1.listen()
    const port2 = await v2.listen()
    const routes = (options.routes ?? [options.route]).map((over) => routeConfig(over))
    const config = mergeInto(gatewayConfig(routes, [port1], [port2]), options.config)
    const memory = createMemory()
    const endpoints = {
      v1: options.endpoints?.v1 ?? resolved([options.v1 === 'refuses' ? REFUSED : port1], 0),
      v2: options.endpoints?.v2 ?? resolved([options.v2 === 'refuses' ? REFUSED : port2], 10),
    }
    const slots = Object.fromEntries(routes.map((route, index) => [route.name, index + 1]))
    const snapshot: Snapshot = { revision: 1, config, slots, resalts: {}, endpoints }
    const errors: unknown[] = []
    const batches: PairBatch[] = []
    const engine = createEngine({
      snapshot,
      memory,
      region: 0,
      listen: { host: '127.0.0.1', port: 0, ...options.listen },
      onError: (error) => void errors.push(error),
      pairs: (batch) => (options.taken ?? true) && batches.push(batch) > 0,
    })
    const port = await engine.listen()
    const stage = new Stage({ v1, v2, engine, memory, errors, batches, port }, routes.length)
    for (let slot = 1; slot <= routes.length; slot++) stage.setWord(options.word ?? {}, slot)
    return stage
  }

  get ctx(): Context {
    return this.engine.ctx
  }

  get snapshot(): Snapshot {
    return this.ctx.runtime.snapshot
  }

  /** Sets a route's word: the parts not given are those of stage off, weight 0, live. */
  setWord(parts: Partial<WordParts>, slot = 1): void {
    Atomics.store(this.ctx.words, slot, packWord({ ...OFF, ...parts }))
  }

  setGatewayWord(parts: Partial<WordParts>): void {
    this.setWord({ live: false, ...parts }, GATEWAY_SLOT)
  }

  /** Publishes the snapshot changed as given, under the next revision. */
  publish(over: Partial<Snapshot>): void {
    this.engine.setSnapshot({ ...this.snapshot, ...over, revision: this.snapshot.revision + 1 })
  }

  client(options: Partial<ClientOptions> = {}): RawClient {
    const client = new RawClient({ port: this.port, ...options })
    this.#clients.push(client)
    return client
  }

  /** Sends one request on a connection of its own and returns the answer. */
  async ask(bytes: string, options: Partial<ClientOptions> = {}): Promise<Message> {
    const client = this.client({ methods: [bytes.slice(0, bytes.indexOf(' '))], ...options })
    await client.send(bytes)
    return client.answer(1, 10_000)
  }

  lane(lane: Lane, slot = 1): Record<Outcome | 'started' | 'finished', number> {
    const totals = createReader(this.memory).slot(slot)
    const id = laneId(lane)
    const outcomes = OUTCOMES.map((outcome, index) => [outcome, outcomeOf(totals, id, index)] as const)
    return { ...Object.fromEntries(outcomes), started: totals.started[id] ?? 0, finished: finishedOf(totals, id) } as Record<
      Outcome | 'started' | 'finished',
      number
    >
  }

  /** What a lane counted, zeros left out. */
  counted(lane: Lane, slot = 1): Partial<Record<Outcome | 'started' | 'finished', number>> {
    const { started: _started, finished: _finished, ...outcomes } = this.lane(lane, slot)
    return Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0))
  }

  /** Finished exchanges of a lane that the bucket rule decided, or anything else. */
  finished(lane: Lane, by: 'bucket' | 'otherwise', slot = 1): number {
    return finishedOf(createReader(this.memory).slot(slot), laneId(lane), by === 'bucket' ? ASSIGNED_BY_BUCKET : ASSIGNED_OTHERWISE)
  }

  counter(name: Counter, slot = 1): number {
    return counterOf(createReader(this.memory).slot(slot), name)
  }

  get pairs(): PairMeta[] {
    return this.batches.flatMap((batch) => batch.pairs)
  }

  /** The engine has looked at its words, and at what else its tick looks at, `count` times more. */
  async ticks(count = 2): Promise<void> {
    const from = this.ctx.gauges.get(GAUGE_HEARTBEAT)
    await until(`${count} ticks`, () => this.ctx.gauges.get(GAUGE_HEARTBEAT) >= from + count)
  }

  /** Everything that was started has finished, and nothing is held. */
  async quiet(deadlineMs = 8_000): Promise<void> {
    await until(
      () => `quiet: ${this.#unfinished().join(', ')}; held ${this.ctx.heldBytes}, tunnels ${this.ctx.tunnels.size}`,
      () => this.#unfinished().length === 0 && this.ctx.heldBytes === 0 && this.ctx.tunnels.size === 0,
      deadlineMs,
    )
  }

  #unfinished(): string[] {
    const out: string[] = []
    for (let slot = 0; slot <= this.#routes; slot++) {
      for (const name of LANES) {
        const { started, finished } = this.lane(name, slot)
        if (started !== finished) out.push(`slot ${slot} ${name} started ${started} finished ${finished}`)
      }
    }
    return out
  }

  /** Ends everything and holds the invariants against what is left. */
  async close(): Promise<void> {
    try {
      // RST: after a FIN a client may still wait for its answer.
      for (const client of this.#clients) client.rst()
      await until(
        () => `${this.ctx.clients.size} clients gone`,
        () => this.ctx.clients.size === 0,
      )
      await this.quiet()
    } finally {
      await this.engine.close()
      await this.v1.close()
      await this.v2.close()
    }
    for (let turn = 0; turn < 3; turn++) await turnOfLoop()
    this.#expectNothingLeft()
  }

  #expectNothingLeft(): void {
    expect(this.errors.length, String(this.errors.map(String))).toBe(this.expectedErrors)
    expect([...this.v1.faults, ...this.v2.faults], 'what the engine sent, read strictly').toEqual([])
    expect([...this.#filed].filter((entry) => entry.tick !== -1).length, 'entries left on the wheel').toBe(0)
    const open = new Int32Array(this.memory.connections).filter((count) => count !== 0)
    expect([...open], 'open upstream connections counted').toEqual([])
    expect(twice([...this.v1.requests, ...this.v2.requests]), 'writes seen twice').toEqual([])
  }
}

/** Primary requests marked `x-once` that reached a backend more than once. */
function twice(requests: readonly Message[]): string[] {
  const seen = new Map<string, number>()
  for (const request of requests) {
    const id = value(request, 'x-once')
    if (id === null || value(request, 'x-banyan-shadow') !== null) continue
    seen.set(id, (seen.get(id) ?? 0) + 1)
  }
  return [...seen].filter(([, count]) => count > 1).map(([id, count]) => `${id}: ${count}`)
}

/** Every entry ever filed on the wheel. */
function watchWheel({ wheel }: Context): ReadonlySet<WheelEntry> {
  const entries = new Set<WheelEntry>()
  const arm = wheel.arm.bind(wheel)
  wheel.arm = (entry, deadline): void => {
    entries.add(entry)
    arm(entry, deadline)
  }
  return entries
}

function createMemory(): SharedMemory {
  return {
    words: new SharedArrayBuffer(MAX_ROUTES * Int32Array.BYTES_PER_ELEMENT),
    connections: new SharedArrayBuffer(MAX_ENDPOINTS * Int32Array.BYTES_PER_ELEMENT),
    gauges: new SharedArrayBuffer(gaugesBytes(1)),
    notes: new SharedArrayBuffer(0),
    banks: [new SharedArrayBuffer(bankBytes(1))],
    threads: 1,
  }
}

/** Opens stages for the tests of one file; each is closed, and held to the invariants, after its test. */
export function stages(): (options?: StageOptions) => Promise<Stage> {
  const open: Stage[] = []
  afterEach(async () => {
    for (const stage of open.splice(0)) await stage.close()
  })
  return async (options) => {
    const stage = await Stage.open(options)
    open.push(stage)
    return stage
  }
}
