/**
 * What the parts of a data thread know of one another: the narrow side of connection, exchange, mirrors and
 * tunnels, and the context they all share. The classes behind it import this file, never one another.
 */
import type { Socket } from 'node:net'
import type { ErrorCode } from '../core/errors.ts'
import type { CompiledRoute } from '../core/split/compile.ts'
import type { Decision } from '../core/split/decide.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { Gauges } from '../ledger/gauges.ts'
import type { Backend } from '../core/model/config.ts'
import type { Pool } from '../wire/pool.ts'
import type { Scratch } from '../wire/scratch.ts'
import type { Wheel, WheelEntry } from '../wire/wheel.ts'
import type { AccessLog } from './access-log.ts'
import type { HeadFacts } from './head-facts.ts'
import type { HeadNotes, Peer } from './forward-head.ts'
import type { Pair } from './pair.ts'
import type { ProblemShape } from './problem.ts'
import type { RequestBody } from './request-body.ts'
import type { Runtime } from './runtime.ts'
import type { TunnelSocket } from './tunnel-socket.ts'

/** A client's connection, as its exchange sees it. */
export interface ClientLink {
  readonly socket: Socket
  /** Canonical text; empty on a Unix socket. */
  readonly address: string
  readonly peer: Peer
  /** The connection's place on the wheel. */
  readonly entry: WheelEntry
  readonly closed: boolean
  readonly idle: boolean
  /** The exchange that runs, or null. */
  readonly exchange: ExchangeLink | null
  pause(): void
  resume(): void
  /** An error of our own in what this connection carries. */
  onCrash(error: unknown): void
  /** The exchange is over and its answer written. `close`: the connection carries no other. */
  exchangeEnded(close: boolean): void
  /** Cut, so that the client can tell its answer is not complete. */
  cut(): void
  /** No more answers: FIN behind what is written, then a bounded read. */
  finish(): void
  /** From here on the bytes are the tunnel's. */
  tunnel(stream: TunnelSocket): void
}

/** A request and its answer, as those who work on it see it. */
export interface ExchangeLink {
  readonly client: ClientLink
  readonly ctx: Context
  readonly runtime: Runtime
  readonly decision: Decision
  readonly body: RequestBody
  readonly route: CompiledRoute | null
  readonly slot: number
  readonly assigned: number
  readonly method: string
  readonly target: string
  readonly requestId: string
  readonly isHead: boolean
  readonly safe: boolean
  readonly idempotent: boolean
  /** Minor version of the client's HTTP/1. */
  readonly minor: number
  readonly framing: number
  readonly websocket: boolean
  /** The client came over TLS, by our knowledge or a trusted proxy's word. */
  readonly https: boolean
  readonly close: boolean
  readonly requestDone: boolean
  readonly active: boolean
  readonly startedAt: number
  /** The head a backend gets; null once the exchange is over. */
  readonly head: Scratch | null
  /** A trusted peer marked it as a shadow request. */
  shadow: boolean
  /** The debug header came with its secret. */
  debug: boolean
  pair: Pair | null
  onRolledBack(): void
  /** The gateway's own answer with this error; the exchange is over. */
  problem(code: ErrorCode, backend?: Backend | null): void
  /** A whole answer of our own; the exchange is over. */
  answerLocally(status: number, bytes: string): void
  /** What an answer of our own must look like now. */
  shape(): ProblemShape
  end(): void
}

export interface MirrorGate {
  /** A pair for this request, or null when it is not to be mirrored. */
  consider(exchange: ExchangeLink, route: CompiledRoute, primary: Backend): Pair | null
  flush(): void
  /** The oldest revision a mirror still counts under; `newest` when there is none older. */
  oldestRevision(newest: number): number
}

export interface TunnelGate {
  readonly size: number
  /** Turns the exchange into a tunnel. `forwarded`: the finished head without its upgrade lines. */
  open(exchange: ExchangeLink, backend: Backend, forwarded: Buffer): void
  onRolledBack(): void
  /** The oldest revision a tunnel still counts under, or looks at the words of; `newest` when there is none older. */
  oldestRevision(newest: number): number
  close(): void
}

export interface Context {
  readonly wheel: Wheel
  readonly recorder: Recorder
  readonly gauges: Gauges
  /** The routing words. */
  readonly words: Int32Array
  /** Towards clients: filled during one upstream read, flushed at its end. */
  readonly down: Scratch
  /** Towards backends: filled and flushed within one call. */
  readonly up: Scratch
  readonly facts: HeadFacts
  readonly notes: HeadNotes
  readonly pools: Readonly<Record<Backend, Pool>>
  readonly mirrors: MirrorGate
  readonly tunnels: TunnelGate
  readonly accessLog: AccessLog
  readonly clients: Set<ClientLink>
  readonly retries: RetryBudget
  /** Hex digits that do not repeat. */
  readonly randomHex: (digits: number) => string
  /** An error of our own. The exchange has been cut already; this counts and logs it. */
  readonly onError: (error: unknown) => void
  /** Precise milliseconds, for latencies. */
  readonly clock: () => number
  /** The current one; an exchange keeps the one it began with. */
  runtime: Runtime
  /** Readiness on the data port. */
  ready: boolean
  draining: boolean
  /** The port of this listener. */
  port: number
  /** Bytes held for bodies, pairs and waiting requests. */
  heldBytes: number
}

/** Retries may not be more than a tenth of the requests (plus a few, so that a quiet gateway may retry at all). */
export class RetryBudget {
  #tokens = 10

  request(): void {
    if (this.#tokens < 100) this.#tokens += 0.1
  }

  take(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
