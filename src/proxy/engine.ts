/**
 * One data thread's proxy: listener, connections, pools, mirrors, clock. Knows neither metrics nor Redis nor
 * the judge: it reads snapshots and routing words, and writes observations.
 */
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { randomFillSync } from 'node:crypto'
import type { Backend } from '../core/model/config.ts'
import type { SharedMemory } from '../core/model/messages.ts'
import { REJECTIONS } from '../core/model/observation.ts'
import type { PairBatch } from '../core/model/pair.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { canonicalAddress } from '../core/split/address.ts'
import { createRandomHex } from '../core/split/trace.ts'
import {
  GAUGE_CLIENT_CONNECTIONS,
  GAUGE_HELD_BYTES,
  GAUGE_INFLIGHT,
  GAUGE_LOOP_LAG_MS,
  GAUGE_TUNNELS,
  createGauges,
} from '../ledger/gauges.ts'
import { createRecorder } from '../ledger/recorder.ts'
import type { Pool } from '../wire/pool.ts'
import type { ConnectionCounter } from '../wire/endpoint-pool.ts'
import { Scratch } from '../wire/scratch.ts'
import { adopt, adoptTls } from '../wire/socket.ts'
import { Wheel } from '../wire/wheel.ts'
import { AccessLog } from './access-log.ts'
import { Client } from './client.ts'
import { RetryBudget } from './context.ts'
import type { Context } from './context.ts'
import { HeadNotes } from './forward-head.ts'
import { HeadFacts } from './head-facts.ts'
import { Mirrors } from './mirror.ts'
import { alone, createPools, poolLimits } from './pools.ts'
import { problemAnswer } from './problem.ts'
import { createRuntime } from './runtime.ts'
import { createTlsListener } from './tls-listener.ts'
import { Tunnels } from './tunnels.ts'
import { until } from './until.ts'

export interface EngineOptions {
  readonly snapshot: Snapshot
  readonly memory: SharedMemory
  /** This thread's region of the ledger and row of the gauges. */
  readonly region: number
  readonly listen: {
    readonly host: string
    readonly port: number
    readonly socket?: string | null
    readonly reusePort?: boolean
    readonly tls?: { readonly cert: string; readonly key: string } | null
  }
  /** An error of our own; the exchange it happened in has been cut. */
  readonly onError?: (error: unknown) => void
  /** Takes a batch for the compare thread; false when it has no room. */
  readonly pairs?: (batch: PairBatch) => boolean
}

export interface Engine {
  readonly ctx: Context
  listen(): Promise<number>
  setSnapshot(snapshot: Snapshot): void
  setReady(ready: boolean): void
  /** The oldest revision an exchange still holds. */
  oldestRevision(): number
  drain(delayMs: number, graceMs: number): Promise<void>
  close(): Promise<void>
}

const CONNECTIONS = REJECTIONS.indexOf('connections')

export function createEngine(options: EngineOptions): Engine {
  return new DataEngine(options)
}

class DataEngine implements Engine {
  readonly ctx: Context
  readonly #options: EngineOptions
  readonly #mirrorPools: Readonly<Record<Backend, Pool>>
  readonly #wordsSeen: Int32Array
  readonly #perClient = new Map<string, number>()
  #server: Server | null = null
  #tick: NodeJS.Timeout | null = null

  constructor(options: EngineOptions) {
    this.#options = options
    const { memory, region, snapshot } = options
    const wheel = new Wheel(
      () => performance.now(),
      (error) => this.ctx.onError(error),
    )
    const gauges = createGauges(memory, region)
    const words = new Int32Array(memory.words)
    this.#wordsSeen = words.slice()
    const shared = (id: number): ConnectionCounter => ({
      total: () => gauges.connections(id),
      add: (by) => void (by > 0 ? gauges.connected(id) : gauges.disconnected(id)),
    })
    const runtime = createRuntime(snapshot)
    const pools = createPools(wheel, snapshot, shared, false)
    this.#mirrorPools = createPools(wheel, snapshot, alone, true)
    const hex = createRandomHex((pool) => void randomFillSync(pool))
    const ctx: Context = {
      wheel,
      gauges,
      words,
      recorder: createRecorder(memory, region),
      down: new Scratch(),
      up: new Scratch(),
      facts: new HeadFacts(),
      notes: new HeadNotes(),
      pools,
      mirrors: new Mirrors(() => ctx, this.#mirrorPools, options.pairs ?? (() => false)),
      tunnels: new Tunnels(() => ctx),
      accessLog: new AccessLog(),
      clients: new Set(),
      retries: new RetryBudget(),
      randomHex: hex,
      onError: options.onError ?? ((): void => {}),
      clock: () => performance.now(),
      runtime,
      ready: false,
      draining: false,
      port: 0,
      heldBytes: 0,
    }
    this.ctx = ctx
    this.#applyEndpoints(snapshot)
  }

  setSnapshot(snapshot: Snapshot): void {
    this.ctx.runtime = createRuntime(snapshot)
    this.#applyEndpoints(snapshot)
  }

  #applyEndpoints(snapshot: Snapshot): void {
    for (const backend of ['v1', 'v2'] as const) {
      this.ctx.pools[backend].limits = poolLimits(snapshot, backend, false)
      this.#mirrorPools[backend].limits = poolLimits(snapshot, backend, true)
      this.ctx.pools[backend].setEndpoints(snapshot.endpoints[backend])
      this.#mirrorPools[backend].setEndpoints(snapshot.endpoints[backend])
    }
  }

  setReady(ready: boolean): void {
    this.ctx.ready = ready
  }

  oldestRevision(): number {
    let oldest = this.ctx.runtime.snapshot.revision
    for (const client of this.ctx.clients) {
      const revision = client.exchange?.runtime.snapshot.revision ?? oldest
      if (revision < oldest) oldest = revision
    }
    return this.ctx.tunnels.oldestRevision(this.ctx.mirrors.oldestRevision(oldest))
  }

  listen(): Promise<number> {
    const { listen } = this.#options
    const server = listen.tls
      ? createTlsListener(listen.tls, (socket) => this.#acceptTls(socket), this.ctx.onError)
      : createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket))
    this.#server = server
    this.ctx.wheel.start()
    this.#tick = setInterval(() => this.#onTick(), 100)
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      const where = listen.socket ? { path: listen.socket } : { host: listen.host, port: listen.port, reusePort: listen.reusePort ?? false }
      server.listen({ ...where, backlog: 4_096 }, () => {
        const address = server.address()
        this.ctx.port = typeof address === 'object' && address !== null ? address.port : 0
        resolve(this.ctx.port)
      })
    })
  }

  #accept(accepted: Socket): void {
    if (this.#admits(accepted)) adopt(accepted, (socket) => this.#client(socket))
  }

  #acceptTls(accepted: TLSSocket): void {
    if (this.#admits(accepted)) adoptTls(accepted, (socket) => this.#client(socket))
  }

  #client(socket: Socket): Client {
    const client = new Client(socket, this.ctx)
    const { perClient } = this.ctx.runtime.config.limits
    if (perClient > 0) {
      const { address } = client
      this.#perClient.set(address, (this.#perClient.get(address) ?? 0) + 1)
      socket.once('close', () => {
        const left = (this.#perClient.get(address) ?? 1) - 1
        if (left > 0) this.#perClient.set(address, left)
        else this.#perClient.delete(address)
      })
    }
    return client
  }

  /** Within `limits.connections` (shared by the threads) and `limits.perClient`; else a 503 and the end. */
  #admits(socket: Socket): boolean {
    const { limits } = this.ctx.runtime.config
    const cap = limits.connections > 0 ? Math.ceil(limits.connections / this.#options.memory.threads) : Infinity
    const full = this.ctx.clients.size >= cap
    // As the client will be counted: one that came to a dual-stack listener has its IPv4 address in IPv6's form.
    const address = canonicalAddress(socket.remoteAddress ?? '') ?? ''
    const greedy = limits.perClient > 0 && (this.#perClient.get(address) ?? 0) >= limits.perClient
    if (!full && !greedy) return true
    this.ctx.recorder.rejected(CONNECTIONS)
    socket.on('error', () => {})
    socket.end(problemAnswer('connections', { head: false, close: true, lines: '' }), 'latin1', () => socket.destroy())
    return false
  }

  #onTick(): void {
    const { ctx } = this
    ctx.gauges.beat()
    ctx.gauges.set(GAUGE_LOOP_LAG_MS, Math.round(ctx.wheel.lagMs))
    ctx.gauges.set(GAUGE_CLIENT_CONNECTIONS, ctx.clients.size)
    ctx.gauges.set(GAUGE_HELD_BYTES, Math.min(ctx.heldBytes, 2_147_483_647))
    ctx.gauges.set(GAUGE_TUNNELS, ctx.tunnels.size)
    ctx.gauges.set(GAUGE_INFLIGHT, this.#inFlight())
    ctx.mirrors.flush()
    this.#obeyWords()
  }

  #inFlight(): number {
    let busy = 0
    for (const client of this.ctx.clients) if (client.exchange !== null) busy++
    return busy
  }

  /** Where v2 was taken away, what waits for it moves on and its tunnels end. */
  #obeyWords(): void {
    const { words, clients, tunnels } = this.ctx
    let changed = false
    for (let slot = 0; slot < words.length; slot++) {
      const word = Atomics.load(words, slot)
      if (word === this.#wordsSeen[slot]) continue
      this.#wordsSeen[slot] = word
      changed = true
    }
    if (!changed) return
    for (const client of clients) {
      try {
        client.exchange?.onRolledBack()
      } catch (error) {
        client.onCrash(error)
      }
    }
    tunnels.onRolledBack()
  }

  async drain(delayMs: number, graceMs: number): Promise<void> {
    const { ctx } = this
    ctx.draining = true
    const started = performance.now()
    await until(() => false, delayMs)
    this.#server?.close()
    const over = (): boolean => {
      // Again and again: an answer that had begun without `Connection: close` leaves its connection idle later.
      for (const client of ctx.clients) if (client.idle) client.finish()
      return ctx.clients.size === 0 && ctx.tunnels.size === 0
    }
    await until(over, graceMs - (performance.now() - started))
  }

  async close(): Promise<void> {
    this.#server?.close()
    this.#server = null
    if (this.#tick !== null) clearInterval(this.#tick)
    this.ctx.tunnels.close()
    for (const client of Array.from(this.ctx.clients)) client.cut()
    for (const backend of ['v1', 'v2'] as const) {
      this.ctx.pools[backend].close(true)
      this.#mirrorPools[backend].close(true)
    }
    this.ctx.wheel.stop()
    await until(() => true, 0)
  }
}
