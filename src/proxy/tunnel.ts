/**
 * One upgrade on its way to be a tunnel, or a tunnel: its deadlines, its one line in the ledger, its end.
 *
 * It is open only after the backend's 101. Any other answer is relayed and ends the connection; no answer at
 * all is a 502 or 504 of our own. Whatever is broken off later is cut, so that it cannot look complete.
 */
import type { ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../core/errors.ts'
import type { Backend } from '../core/model/config.ts'
import { LANE_V1, LANE_V2, OUTCOME_ABORTED, OUTCOME_TIMEOUT, counterId, outcomeOfStatus } from '../core/model/observation.ts'
import type { ResolvedEndpoint } from '../core/model/snapshot.ts'
import type { CompiledRoute } from '../core/split/compile.ts'
import { createDecision } from '../core/split/decide.ts'
import type { Decision } from '../core/split/decide.ts'
import { WheelEntry } from '../wire/wheel.ts'
import type { Timed } from '../wire/wheel.ts'
import type { ClientLink, Context, ExchangeLink } from './context.ts'
import { FAILURE } from './failure.ts'
import { problemAnswer } from './problem.ts'
import type { AddedLine } from './tunnel-answer.ts'
import { TunnelSocket } from './tunnel-socket.ts'

const TUNNELS = counterId('tunnels')
const CLOSE_SPREAD_MS = 5_000

/** What a tunnel goes through; `answering`: an answer that is no 101 is being relayed. */
type Phase = 'connecting' | 'waiting' | 'answering' | 'open'

export class Tunnel implements Timed {
  deadline = 0
  readonly entry: WheelEntry = new WheelEntry(this)
  readonly stream: TunnelSocket
  readonly client: ClientLink
  readonly backend: Backend
  readonly route: CompiledRoute
  readonly decision: Decision
  readonly endpoint: ResolvedEndpoint
  /** As the client sent it; the backend gets it byte for byte. */
  readonly target: string
  /** What every answer of the gateway carries. */
  readonly added: readonly AddedLine[]
  request: ClientRequest | null = null
  /** The backend's side, once open. */
  upstream: Duplex | null = null
  closing = false
  #phase: Phase = 'connecting'
  #recorded = false
  #latencyMs = -1
  readonly #lane: number
  readonly #assigned: number
  readonly #startedAt: number
  readonly #revision: number
  readonly #ctx: Context

  constructor(ctx: Context, exchange: ExchangeLink, to: Pick<Tunnel, 'route' | 'backend' | 'endpoint' | 'target' | 'added'>) {
    this.#ctx = ctx
    this.client = exchange.client
    this.backend = to.backend
    this.route = to.route
    this.endpoint = to.endpoint
    this.target = to.target
    this.added = to.added
    this.decision = Object.assign(createDecision(), exchange.decision)
    this.#lane = to.backend === 'v2' ? LANE_V2 : LANE_V1
    this.#assigned = exchange.assigned
    this.#startedAt = exchange.startedAt
    this.#revision = exchange.runtime.snapshot.revision
    this.stream = new TunnelSocket(this.client, () => this.touch())
    ctx.recorder.started(this.route.slot, this.#lane)
    this.#arm(this.route.config.timeouts.connectMs)
  }

  /** While it still counts in its route's slot, or looks at its word. */
  get holdsRevision(): number {
    return this.#recorded && this.backend === 'v1' ? Infinity : this.#revision
  }

  /** 0 = no deadline. */
  #arm(ms: number): void {
    const { wheel } = this.#ctx
    if (ms > 0) wheel.arm(this.entry, wheel.now + ms)
    else wheel.disarm(this.entry)
  }

  /** The backend has taken the connection; now it has to answer. */
  connected(): void {
    if (this.#phase !== 'connecting') return
    this.#phase = 'waiting'
    this.#arm(this.route.config.timeouts.firstByteMs)
  }

  opened(upstream: Duplex): void {
    this.#phase = 'open'
    this.upstream = upstream
    this.#ctx.recorder.count(this.route.slot, TUNNELS)
    this.#latencyMs = this.#ctx.clock() - this.#startedAt
    this.record(outcomeOfStatus(101))
    this.touch()
  }

  answering(): void {
    this.#phase = 'answering'
    this.stream.answered = true
    this.#latencyMs = this.#ctx.clock() - this.#startedAt
    this.touch()
  }

  /** Bytes passed, either way. */
  touch(): void {
    const { tunnelMs, idleMs } = this.route.config.timeouts
    if (this.#phase === 'open' && !this.closing) this.#arm(tunnelMs)
    else if (this.#phase === 'answering') this.#arm(idleMs)
  }

  /** No connection or no answer in time, an idle tunnel, or one that a rollback takes away. */
  onDeadline(): void {
    if (this.#phase === 'open') this.stream.destroy()
    else if (this.#phase === 'answering') this.cut(OUTCOME_TIMEOUT)
    else this.request?.destroy(Object.assign(new Error('no answer to the upgrade'), { code: 'ETIMEDOUT' }))
  }

  /** v2 was taken away: an open tunnel ends soon, not all at once; one that waits is told to come again. */
  rolledBack(): void {
    if (this.closing || this.#phase === 'answering') return
    this.closing = true
    if (this.#phase === 'open') {
      this.#arm(Math.random() * (CLOSE_SPREAD_MS - 500) + 1)
      return
    }
    this.#refuse(OUTCOME_ABORTED, 'no_backend')
    this.request?.destroy()
  }

  /** What http-proxy-3 reports. It ends the stream after this. */
  failed(error: NodeJS.ErrnoException): void {
    if (this.#phase === 'open' || this.#phase === 'answering') {
      this.cut(FAILURE.reset.outcome)
      return
    }
    if (this.#recorded || this.stream.destroyed) return
    const { outcome, code } = this.#failureOf(error)
    this.#refuse(outcome, code)
  }

  #failureOf({ code = '' }: NodeJS.ErrnoException): (typeof FAILURE)['reset'] {
    if (code === 'ETIMEDOUT') return FAILURE.timeout
    if (code.startsWith('HPE_')) return FAILURE.malformed
    return this.#phase === 'connecting' ? FAILURE.refused : FAILURE.reset
  }

  #refuse(outcome: number, code: ErrorCode): void {
    this.record(outcome)
    const lines = this.#ctx.runtime.backendLine[this.backend]
    this.stream.answered = true
    this.stream.end(problemAnswer(code, { head: false, close: true, lines }))
  }

  cut(outcome: number): void {
    this.record(outcome)
    this.client.cut()
  }

  /** The stream is closed, by whichever side. */
  closed(): void {
    this.#ctx.wheel.remove(this.entry)
    // The client left before there was an answer.
    this.record(OUTCOME_ABORTED)
    if (this.#phase !== 'open') this.request?.destroy()
    else if (this.upstream?.readableEnded === false) this.upstream.destroy()
  }

  /** Once: an upgrade is one exchange, however it ends. */
  record(outcome: number): void {
    if (this.#recorded) return
    this.#recorded = true
    this.#ctx.recorder.finished(this.route.slot, this.#lane, this.#assigned, outcome, this.#latencyMs, -1)
  }
}
