/**
 * Getting the request onto a connection: acquire, wait, send, and once more on a fresh one where that is
 * allowed.
 *
 * Retry (HTTP.md): one, same backend, fresh connection; after a failed connect for any method, after a
 * reused connection that died without a byte only for a repeatable request (`Attempts` sees that).
 */
import type { Backend } from '../core/model/config.ts'
import { LANE_FALLBACK, LANE_V1, LANE_V2, OUTCOME_ABORTED, OUTCOME_TIMEOUT, counterId } from '../core/model/observation.ts'
import { send } from '../wire/scratch.ts'
import type { ConnectFault, Upstream, UpstreamUser } from '../wire/upstream.ts'
import type { Context, ExchangeLink } from './context.ts'
import { Deadlines } from './deadlines.ts'
import { FAILURE } from './failure.ts'
import type { Failure } from './failure.ts'
import { fallsBackOn, stillOnV2 } from './fallback.ts'

const FALLBACKS = counterId('fallbacks')
const RETRIES = counterId('retries')

export const NONE = 0
export const CONNECTING = 1
export const SENT = 2
export const ANSWERING = 3

export abstract class Sending {
  readonly exchange: ExchangeLink
  readonly ctx: Context
  readonly deadlines: Deadlines
  backend: Backend = 'v1'
  lane = LANE_V1
  /** The connection the request is on. */
  conn: Upstream | null = null
  phase = NONE
  /** Clock time the whole request was out; 0 = not yet. */
  sentAt = 0
  #retried = false
  #written = false

  constructor(exchange: ExchangeLink, ctx: Context) {
    this.exchange = exchange
    this.ctx = ctx
    this.deadlines = new Deadlines(ctx.wheel)
  }

  /** Who is told what comes of it: this object, as the pool and the connection know it. */
  protected abstract get user(): UpstreamUser
  /** No answer from this backend. */
  protected abstract failed(failure: Failure): void

  protected beginSending(): void {
    this.#written = false
    this.deadlines.begin(this.exchange)
  }

  get answering(): boolean {
    return this.phase === ANSWERING
  }

  /** Where body bytes go right now; null while there is no connection. */
  get sending(): Upstream | null {
    return this.phase >= SENT ? this.conn : null
  }

  protected attempt(backend: Backend, lane: number): void {
    this.backend = backend
    this.lane = lane
    this.#retried = false
    this.sentAt = 0
    // Two answers of v1 say nothing about v2.
    if (lane === LANE_FALLBACK) this.exchange.pair?.primaryFailed()
    this.ctx.recorder.started(this.exchange.slot, lane)
    this.#acquire(false)
  }

  #acquire(fresh: boolean): void {
    const { exchange, ctx } = this
    const pool = ctx.pools[this.backend]
    this.phase = CONNECTING
    this.conn = null
    if (!pool.hasEndpoints) {
      this.failed(FAILURE.none)
      return
    }
    this.deadlines.connect(exchange)
    if (fresh) this.#take(pool.acquire(this.user, 0))
    else if (exchange.idempotent) this.#take(pool.acquire(this.user, Infinity))
    else pool.acquireOnce(this.user)
  }

  #take(conn: Upstream | null): void {
    if (conn !== null) this.#send(conn)
  }

  onConnected(conn: Upstream): void {
    if (this.phase !== CONNECTING || !this.exchange.active) {
      this.ctx.pools[this.backend].release(conn)
      return
    }
    // It has waited: a rollback in the meantime counts.
    if (this.lane === LANE_V2 && !stillOnV2(this.exchange, this.ctx)) {
      this.ctx.pools.v2.release(conn)
      this.#moveToV1()
      return
    }
    this.#send(conn)
  }

  /** v1 answers in v2's place. */
  protected fallBack(): void {
    this.ctx.recorder.count(this.exchange.slot, FALLBACKS)
    this.attempt('v1', LANE_FALLBACK)
  }

  /** A rollback reached a request that v2 has not answered: v1 serves it, and nobody is blamed. */
  #moveToV1(): void {
    this.record(OUTCOME_ABORTED)
    this.fallBack()
  }

  /** Called when the routing words took v2 away: repeatable requests that wait for v2 go to v1 at once. */
  onRolledBack(): void {
    if (this.lane !== LANE_V2 || (this.phase !== SENT && this.phase !== CONNECTING) || stillOnV2(this.exchange, this.ctx)) return
    if (this.phase === SENT && !this.repeatable) return
    this.leave()
    this.#moveToV1()
  }

  #send(conn: Upstream): void {
    const { exchange, ctx } = this
    const { head } = exchange
    this.conn = conn
    this.phase = SENT
    this.#written = true
    conn.begin(this.user, exchange.isHead)
    const body = exchange.body.heldBytes > 0 || exchange.framing !== 0
    if (body) conn.socket.cork()
    if (head !== null) send(conn.socket, head.buf.subarray(0, head.length))
    if (body) {
      exchange.body.replay(conn, ctx.up)
      ctx.heldBytes -= exchange.body.sent()
      conn.socket.uncork()
      exchange.client.resume()
    }
    if (exchange.requestDone) this.requestComplete()
    else this.armBodyIdle()
  }

  /** The request's last byte is out: from now the backend is on the clock. */
  requestComplete(): void {
    if (this.phase !== SENT) return
    this.sentAt = this.ctx.clock()
    this.deadlines.awaitAnswer(this.exchange, this.mayFallBack(OUTCOME_TIMEOUT))
  }

  armBodyIdle(): void {
    if (this.phase === SENT) this.deadlines.idle(this.exchange)
  }

  onUnavailable(fault: ConnectFault): void {
    if (this.phase !== CONNECTING || !this.exchange.active) return
    if (fault !== 'busy' && this.mayRetry()) this.retry()
    else this.failed(FAILURE[fault])
  }

  protected mayRetry(): boolean {
    if (this.#retried || (this.lane === LANE_V2 && !stillOnV2(this.exchange, this.ctx))) return false
    return this.ctx.retries.take()
  }

  protected retry(): void {
    this.#retried = true
    this.ctx.recorder.count(this.exchange.slot, RETRIES)
    this.#acquire(true)
  }

  protected mayFallBack(outcome: number): boolean {
    const { exchange } = this
    const { route } = exchange
    if (this.lane !== LANE_V2 || route === null) return false
    return (!this.#written || this.repeatable) && fallsBackOn(route.config.fallback, outcome)
  }

  /** Safe, and every byte of it still held. */
  protected get repeatable(): boolean {
    return this.exchange.safe && this.exchange.body.replayable
  }

  /** Leaves the connection or the wait for one. */
  protected leave(): void {
    if (this.phase === CONNECTING) this.ctx.pools[this.backend].cancel(this.user)
    this.conn?.abandon()
    this.conn = null
  }

  protected record(outcome: number, latencyMs = -1): void {
    const { exchange, ctx } = this
    const total = ctx.clock() - exchange.startedAt
    ctx.recorder.finished(exchange.slot, this.lane, exchange.assigned, outcome, latencyMs, total)
  }
}
