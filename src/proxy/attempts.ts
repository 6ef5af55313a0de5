/**
 * Getting an exchange answered: a connection, the request on it, the answer back; once more where that is
 * allowed, and from v1 where v2 failed.
 *
 * Retry (HTTP.md): one, same backend, fresh connection; after a failed connect for any method, after a
 * reused connection that died without a byte only for a repeatable request. Fallback: v2 failed before a
 * byte of its answer was passed on, and the request may be repeated or nothing of it was written.
 */
import type { Backend } from '../core/model/config.ts'
import type { ErrorCode } from '../core/errors.ts'
import {
  LANE_FALLBACK,
  LANE_V1,
  LANE_V2,
  OUTCOME_ABORTED,
  OUTCOME_BUSY,
  OUTCOME_MALFORMED,
  OUTCOME_REFUSED,
  OUTCOME_RESET,
  OUTCOME_TIMEOUT,
  counterId,
  outcomeOfStatus,
} from '../core/model/observation.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import { mayStillUseV2 } from '../core/split/decide.ts'
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import { send } from '../wire/scratch.ts'
import type { ConnectFault, Upstream, UpstreamFault, UpstreamUser } from '../wire/upstream.ts'
import { Answering } from './answering.ts'
import type { Context } from './context.ts'
import type { Exchange } from './exchange.ts'
import { HeldAnswer } from './held-answer.ts'

const FALLBACKS = counterId('fallbacks')
const RETRIES = counterId('retries')

const NONE = 0
const CONNECTING = 1
const SENT = 2
const ANSWERING = 3

export class Attempts implements UpstreamUser {
  readonly exchange: Exchange
  readonly ctx: Context
  readonly answer: Answering
  backend: Backend = 'v1'
  lane = LANE_V1
  /** The connection the request is on. */
  conn: Upstream | null = null
  phase = NONE
  /** Clock time the whole request was out; 0 = not yet. */
  sentAt = 0
  #retried = false
  #written = false
  #totalDeadline = 0
  /** v2's own error answer, in case v1 fails too. */
  #held: HeldAnswer | null = null

  constructor(exchange: Exchange, ctx: Context) {
    this.exchange = exchange
    this.ctx = ctx
    this.answer = new Answering(exchange, ctx)
  }

  get answering(): boolean {
    return this.phase === ANSWERING
  }

  /** Where body bytes go right now; null while there is no connection. */
  get sending(): Upstream | null {
    return this.phase >= SENT ? this.conn : null
  }

  begin(backend: Backend, lane: number): void {
    const total = this.exchange.route?.config.timeouts.totalMs ?? 0
    this.#totalDeadline = total > 0 ? this.ctx.wheel.now + total : Infinity
    this.#held = null
    this.#written = false
    this.answer.begin()
    this.#attempt(backend, lane)
  }

  #attempt(backend: Backend, lane: number): void {
    this.backend = backend
    this.lane = lane
    this.#retried = false
    this.sentAt = 0
    this.ctx.recorder.started(this.exchange.slot, lane)
    this.#acquire(false)
  }

  #acquire(fresh: boolean): void {
    const { exchange, ctx } = this
    const pool = ctx.pools[this.backend]
    this.phase = CONNECTING
    this.conn = null
    if (!pool.hasEndpoints) {
      this.#failed(OUTCOME_REFUSED, 'no_backend')
      return
    }
    this.#arm(exchange.route?.config.timeouts.connectMs ?? 1_000)
    if (fresh) this.#take(pool.acquire(this, 0))
    else if (exchange.idempotent) this.#take(pool.acquire(this, Infinity))
    else pool.acquireOnce(this)
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
    if (this.lane === LANE_V2 && !this.#mayUseV2()) {
      this.ctx.pools.v2.release(conn)
      this.#moveToV1()
      return
    }
    this.#send(conn)
  }

  #mayUseV2(): boolean {
    const { exchange, ctx } = this
    const { route } = exchange
    if (route === null) return false
    return mayStillUseV2(route, exchange.decision, Atomics.load(ctx.words, route.slot), Atomics.load(ctx.words, GATEWAY_SLOT))
  }

  /** A rollback reached a request that v2 has not answered: v1 serves it, and nobody is blamed. */
  #moveToV1(): void {
    this.#record(OUTCOME_ABORTED)
    this.#attempt('v1', LANE_FALLBACK)
  }

  /** Called when the routing words took v2 away: repeatable requests that wait for v2 go to v1 at once. */
  onRolledBack(): void {
    if (this.lane !== LANE_V2 || (this.phase !== SENT && this.phase !== CONNECTING) || this.#mayUseV2()) return
    if (this.phase === SENT && !(this.exchange.safe && this.exchange.body.replayable)) return
    this.#leave()
    this.#moveToV1()
  }

  #send(conn: Upstream): void {
    const { exchange, ctx } = this
    const { head } = exchange
    this.conn = conn
    this.phase = SENT
    this.#written = true
    conn.begin(this, exchange.isHead)
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
    const { route } = this.exchange
    const first = route?.config.timeouts.firstByteMs ?? 0
    const after = route?.config.fallback.afterMs ?? 0
    const waits = this.#mayFallBack(OUTCOME_TIMEOUT) && after > 0 ? Math.min(after, first === 0 ? Infinity : first) : first
    this.#arm(waits)
  }

  armBodyIdle(): void {
    if (this.phase === SENT) this.#arm(this.exchange.route?.config.timeouts.idleMs ?? 0)
  }

  /** 0 = no deadline but the total one. */
  #arm(ms: number): void {
    const { wheel } = this.ctx
    const { entry } = this.exchange.client
    const at = Math.min(ms > 0 ? wheel.now + ms : Infinity, this.#totalDeadline)
    if (at === Infinity) wheel.disarm(entry)
    else wheel.arm(entry, at)
  }

  armIdle(): void {
    this.#arm(this.exchange.route?.config.timeouts.idleMs ?? 0)
  }

  onDeadline(_now: number): void {
    const { exchange } = this
    if (this.phase === CONNECTING) {
      const queued = this.ctx.pools[this.backend].cancel(this)
      if (queued) this.#failed(OUTCOME_BUSY, 'upstream_busy')
      else this.#failed(OUTCOME_TIMEOUT, 'upstream_timeout')
    } else if (this.phase === SENT && !exchange.requestDone) {
      this.abandon()
      exchange.problem('body_timeout')
    } else if (this.phase === SENT) {
      this.#leave()
      this.#failed(OUTCOME_TIMEOUT, 'upstream_timeout')
    } else if (this.phase === ANSWERING) {
      // A client that does not read is its own fault, a backend that stopped is the backend's.
      this.#end(this.answer.blocked ? OUTCOME_ABORTED : OUTCOME_TIMEOUT)
      exchange.client.cut()
    }
  }

  onUnavailable(fault: ConnectFault): void {
    if (this.phase !== CONNECTING || !this.exchange.active) return
    if (fault === 'busy') {
      this.#failed(OUTCOME_BUSY, 'upstream_busy')
      return
    }
    if (this.#mayRetry()) {
      this.#retry()
      return
    }
    this.#failed(fault === 'timeout' ? OUTCOME_TIMEOUT : OUTCOME_REFUSED, fault === 'timeout' ? 'upstream_timeout' : 'upstream_refused')
  }

  #mayRetry(): boolean {
    if (this.#retried || (this.lane === LANE_V2 && !this.#mayUseV2())) return false
    return this.ctx.retries.take()
  }

  #retry(): void {
    this.#retried = true
    this.ctx.recorder.count(this.exchange.slot, RETRIES)
    this.#acquire(true)
  }

  onFault(conn: Upstream, fault: UpstreamFault): void {
    const { exchange } = this
    if (conn !== this.conn || !exchange.active) return
    this.conn = null
    if (this.phase === ANSWERING && this.answer.sent) {
      this.#end(fault === 'reset' ? OUTCOME_RESET : OUTCOME_MALFORMED)
      exchange.client.cut()
      return
    }
    // Head and fault came in one read: nothing has left yet, so this can still be an honest 502.
    if (this.phase === ANSWERING) this.answer.takeBack()
    const stale = fault === 'reset' && conn.served > 0 && !conn.touched
    if (stale && exchange.idempotent && exchange.body.replayable && this.#mayRetry()) {
      this.#retry()
      return
    }
    this.#failed(fault === 'reset' ? OUTCOME_RESET : OUTCOME_MALFORMED, fault === 'reset' ? 'upstream_reset' : 'upstream_malformed')
  }

  /** This backend did not answer: v1 does if it may, else the client is told. */
  #failed(outcome: number, code: ErrorCode): void {
    const { exchange } = this
    const moves = this.lane === LANE_V2 && this.#mayFallBack(outcome)
    this.#record(outcome)
    if (moves) {
      this.ctx.recorder.count(exchange.slot, FALLBACKS)
      this.#attempt('v1', LANE_FALLBACK)
      return
    }
    this.phase = NONE
    if (this.#held?.complete === true) {
      this.#held.deliver()
      return
    }
    exchange.problem(code, this.backend)
  }

  #mayFallBack(outcome: number): boolean {
    const { exchange } = this
    const { route } = exchange
    if (this.lane !== LANE_V2 || route === null) return false
    const { fallback } = route.config
    const repeatable = !this.#written || (exchange.safe && exchange.body.replayable)
    if (!repeatable) return false
    if (outcome === OUTCOME_TIMEOUT) return fallback.timeout
    if (outcome === OUTCOME_MALFORMED) return fallback.connect || fallback.statuses.includes(502)
    return fallback.connect
  }

  onAnswerHead(conn: Upstream, head: Head, info: AnswerInfo): void {
    const { exchange } = this
    if (info.status < 200) {
      if (!this.answer.interim(head, info)) this.#malformed(conn)
      return
    }
    const { route } = exchange
    const listed = this.lane === LANE_V2 && route !== null && route.config.fallback.statuses.includes(info.status)
    if (listed && exchange.safe && exchange.body.replayable && exchange.requestDone) {
      this.#fallBackFrom(conn, head, info)
      return
    }
    this.phase = ANSWERING
    this.ctx.heldBytes -= exchange.body.release()
    this.answer.head(conn, head, info, this.sentAt)
    this.armIdle()
  }

  #malformed(conn: Upstream): void {
    conn.abandon()
    this.conn = null
    this.#failed(OUTCOME_MALFORMED, 'upstream_malformed')
  }

  #fallBackFrom(conn: Upstream, head: Head, info: AnswerInfo): void {
    const { exchange, ctx } = this
    this.conn = null
    this.#held = new HeldAnswer(exchange, ctx, conn, head, info)
    this.#record(outcomeOfStatus(info.status), this.sentAt > 0 ? ctx.clock() - this.sentAt : -1)
    ctx.recorder.count(exchange.slot, FALLBACKS)
    exchange.pair?.primaryFailed()
    this.#attempt('v1', LANE_FALLBACK)
  }

  onBody(buf: Buffer, from: number, to: number): void {
    this.answer.body(buf, from, to)
    this.armIdle()
  }

  onReadEnd(): void {
    if (this.ctx.down.length > 0) this.answer.flush(this.conn)
  }

  onUpstreamDrain(): void {
    this.exchange.client.resume()
    this.armBodyIdle()
  }

  onClientDrain(): void {
    if (this.phase !== ANSWERING) return
    this.answer.unblock(this.conn)
    this.armIdle()
  }

  onAnswerEnd(conn: Upstream): void {
    const { exchange, ctx } = this
    this.answer.end(conn)
    const { close } = this.answer
    const reusable = exchange.requestDone && conn.info.reusable
    this.conn = null
    this.#end(outcomeOfStatus(this.answer.status))
    if (reusable) ctx.pools[this.backend].release(conn)
    else conn.abandon()
    exchange.client.exchangeEnded(close)
  }

  /** The exchange ends here, whatever becomes of the connection. */
  #end(outcome: number): void {
    const { exchange } = this
    this.#leave()
    this.answer.finished(outcome)
    this.#record(outcome, this.answer.latencyMs)
    this.phase = NONE
    exchange.end()
  }

  /** Leaves the connection or the wait for one. */
  #leave(): void {
    if (this.phase === CONNECTING) this.ctx.pools[this.backend].cancel(this)
    this.conn?.abandon()
    this.conn = null
  }

  /** The exchange is given up from the client's side. */
  abandon(): void {
    if (this.phase === NONE) return
    this.#leave()
    this.answer.finished(OUTCOME_ABORTED)
    this.#record(OUTCOME_ABORTED)
    this.phase = NONE
  }

  #record(outcome: number, latencyMs = -1): void {
    const { exchange, ctx } = this
    const total = ctx.clock() - exchange.startedAt
    ctx.recorder.finished(exchange.slot, this.lane, exchange.assigned, outcome, latencyMs, total)
  }
}
