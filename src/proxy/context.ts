/**
 * What every connection of one data thread shares. Built by the engine, read everywhere in `src/proxy`.
 */
import type { Recorder } from '../ledger/recorder.ts'
import type { Gauges } from '../ledger/gauges.ts'
import type { Backend } from '../core/model/config.ts'
import type { Pool } from '../wire/pool.ts'
import type { Scratch } from '../wire/scratch.ts'
import type { Wheel } from '../wire/wheel.ts'
import type { AccessLog } from './access-log.ts'
import type { Client } from './client.ts'
import type { HeadFacts } from './head-facts.ts'
import type { HeadNotes } from './forward-head.ts'
import type { Mirrors } from './mirror.ts'
import type { Runtime } from './runtime.ts'
import type { Tunnels } from './tunnel.ts'

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
  readonly mirrors: Mirrors
  readonly tunnels: Tunnels
  readonly accessLog: AccessLog
  readonly clients: Set<Client>
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
