/**
 * Starts the engine in this process, without the rest of the gateway: a config, a snapshot, the shared
 * memory it counts in, and one slot per route whose word the test may set.
 */
import type { GatewayConfig, RouteConfig } from '../../../src/core/model/config.ts'
import type { SharedMemory } from '../../../src/core/model/messages.ts'
import type { PairBatch } from '../../../src/core/model/pair.ts'
import { MAX_ENDPOINTS, MAX_ROUTES, packWord, type WordParts } from '../../../src/core/model/routing.ts'
import type { Snapshot } from '../../../src/core/model/snapshot.ts'
import { gaugesBytes } from '../../../src/ledger/gauges.ts'
import { bankBytes } from '../../../src/ledger/layout.ts'
import { createReader, type Reader } from '../../../src/ledger/reader.ts'
import { createEngine, type Engine } from '../../../src/proxy/engine.ts'
import { gatewayConfig, mergeInto, resolved, routeConfig, type Partially } from './config.ts'
import { watchDials, type Dials } from './dials.ts'

export interface StartOptions {
  /** Ports of the backends on 127.0.0.1. v2 defaults to a port where nothing listens. */
  readonly v1: number | readonly number[]
  readonly v2?: number | readonly number[]
  readonly config?: Partially<GatewayConfig>
  /** One route for everything, changed as given; or several routes in order. */
  readonly route?: Partially<RouteConfig>
  readonly routes?: readonly Partially<RouteConfig>[]
  readonly word?: Partial<WordParts>
  readonly tls?: TlsFiles
  readonly listenHost?: string
}

export interface TestEngine {
  readonly port: number
  readonly engine: Engine
  readonly config: GatewayConfig
  readonly memory: SharedMemory
  readonly ledger: Reader
  /** The engine's own errors. There must be none: `close` fails when there was one. */
  readonly errors: unknown[]
  readonly pairs: PairBatch[]
  /** Every connect of this process since the start (or the last `dials.clear()`). */
  readonly dials: Dials
  /** Sets the word of a route (slot 1 is the first): the parts not given are those of stage off, weight 0. */
  setWord(parts: Partial<WordParts>, slot?: number): void
  /** Publishes the config changed as given, under the next revision. */
  reconfigure(over: Partially<GatewayConfig>): void
  close(): Promise<void>
}

const OFF: WordParts = { weightBps: 0, stage: 'off', latched: false, killed: false, ceilingZero: false, live: true, mirrorsOff: false }

/** Where to listen over TLS: paths of PEM files. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** Nothing listens on port 1 of loopback: a connect is refused at once. */
export const REFUSED = 1

export async function startEngine(options: StartOptions): Promise<TestEngine> {
  const v1 = [options.v1].flat()
  const v2 = [options.v2 ?? REFUSED].flat()
  const routes = (options.routes ?? [options.route]).map((over) => routeConfig(over))
  const config = mergeInto(gatewayConfig(routes, v1, v2), options.config)
  const memory = createMemory()
  const words = new Int32Array(memory.words)
  const setWord = (parts: Partial<WordParts>, slot = 1): void => void Atomics.store(words, slot, packWord({ ...OFF, ...parts }))
  routes.forEach((_, index) => setWord(options.word ?? {}, index + 1))
  const slots = Object.fromEntries(routes.map((route, index) => [route.name, index + 1]))
  const snapshot: Snapshot = { revision: 1, config, slots, resalts: {}, endpoints: { v1: resolved(v1, 0), v2: resolved(v2, v1.length) } }
  const errors: unknown[] = []
  const pairs: PairBatch[] = []
  const engine = createEngine({
    snapshot,
    memory,
    region: 0,
    listen: { host: options.listenHost ?? '127.0.0.1', port: 0, tls: options.tls ?? null },
    onError: (error) => void errors.push(error),
    pairs: (batch) => pairs.push(batch) > 0,
  })
  const port = await engine.listen()
  const dials = watchDials()
  let current = snapshot
  return {
    port,
    engine,
    config,
    memory,
    ledger: createReader(memory),
    errors,
    pairs,
    dials,
    setWord,
    reconfigure: (over) => {
      current = { ...current, revision: current.revision + 1, config: mergeInto(current.config, over) }
      engine.setSnapshot(current)
    },
    close: async () => {
      dials.stop()
      await engine.close()
      if (errors.length > 0) throw new AggregateError(errors, `the engine made ${errors.length} errors of its own`)
    },
  }
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
