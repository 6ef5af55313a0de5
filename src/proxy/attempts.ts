/**
 * What comes back for an exchange, and what then: an answer passed on, a retry, v1 in v2's place, an error.
 *
 * Fallback: v2 failed before a byte of its answer was passed on, and the request may be repeated or
 * nothing of it was written. Both fail: v2's complete answer if it has one, else v1's error.
 */
import type { Backend } from '../core/model/config.ts'
import { LANE_V2, OUTCOME_ABORTED, OUTCOME_TIMEOUT, outcomeOfStatus } from '../core/model/observation.ts'
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import type { Upstream, UpstreamFault, UpstreamUser } from '../wire/upstream.ts'
import { Answering } from './answering.ts'
import type { Context, ExchangeLink } from './context.ts'
import { FAILURE } from './failure.ts'
import type { Failure } from './failure.ts'
import { HeldAnswer } from './held-answer.ts'
import { ANSWERING, CONNECTING, NONE, SENT, Sending } from './sending.ts'

export class Attempts extends Sending implements UpstreamUser {
  readonly answer: Answering
  /** v2's own error answer, in case v1 fails too. */
  #held: HeldAnswer | null = null

  constructor(exchange: ExchangeLink, ctx: Context) {
    super(exchange, ctx)
    this.answer = new Answering(exchange, ctx, this)
  }

  protected override get user(): UpstreamUser {
    return this
  }

  begin(backend: Backend, lane: number): void {
    this.#held = null
    this.beginSending()
    this.answer.begin()
    this.attempt(backend, lane)
  }

  /** The deadline of whichever phase is running has passed. */
  onDeadline(): void {
    const { exchange } = this
    if (this.phase === CONNECTING) {
      this.failed(this.ctx.pools[this.backend].cancel(this) ? FAILURE.busy : FAILURE.timeout)
    } else if (this.phase === SENT && !exchange.requestDone && this.conn?.socket.writableNeedDrain !== true) {
      this.abandon()
      exchange.problem('body_timeout')
    } else if (this.phase === SENT) {
      // No answer, or a backend that does not even take the request.
      this.leave()
      this.failed(FAILURE.timeout)
    } else if (this.phase === ANSWERING) {
      // A client that does not read is its own fault, a backend that stopped is the backend's.
      this.#end(this.answer.blocked ? OUTCOME_ABORTED : OUTCOME_TIMEOUT)
      exchange.client.cut()
    }
  }

  onFault(conn: Upstream, fault: UpstreamFault): void {
    const { exchange } = this
    if (conn !== this.conn || !exchange.active) return
    this.conn = null
    if (this.phase === ANSWERING && this.answer.sent) {
      this.#end(FAILURE[fault].outcome)
      exchange.client.cut()
      return
    }
    // Head and fault came in one read: nothing has left yet, so this can still be an honest 502.
    if (this.phase === ANSWERING) this.answer.takeBack()
    const stale = fault === 'reset' && conn.served > 0 && !conn.touched
    if (stale && exchange.idempotent && exchange.body.replayable && this.mayRetry()) this.retry()
    else this.failed(FAILURE[fault])
  }

  /** This backend did not answer: v1 does if it may, else the client is told. */
  protected override failed({ outcome, code }: Failure): void {
    const { exchange } = this
    const moves = this.lane === LANE_V2 && this.mayFallBack(outcome)
    this.record(outcome)
    if (moves) {
      this.fallBack()
      return
    }
    this.phase = NONE
    if (this.#held?.complete === true) {
      this.#held.deliver()
      return
    }
    this.#held?.leave()
    exchange.problem(code, this.backend)
  }

  onAnswerHead(conn: Upstream, head: Head, info: AnswerInfo): void {
    const { exchange } = this
    if (info.status < 200) {
      if (!this.answer.interim(head, info)) this.#malformed(conn)
      return
    }
    const { route } = exchange
    const listed = this.lane === LANE_V2 && route !== null && route.config.fallback.statuses.includes(info.status)
    if (listed && this.repeatable && exchange.requestDone) {
      this.#fallBackFrom(conn, head, info)
      return
    }
    this.phase = ANSWERING
    this.ctx.heldBytes -= exchange.body.release()
    this.answer.head(conn, head, info, this.sentAt)
    this.deadlines.idle(this.exchange)
  }

  #malformed(conn: Upstream): void {
    conn.abandon()
    this.conn = null
    this.failed(FAILURE.malformed)
  }

  #fallBackFrom(conn: Upstream, head: Head, info: AnswerInfo): void {
    const { exchange, ctx } = this
    this.conn = null
    this.#held = new HeldAnswer(exchange, ctx, conn, head, info)
    this.record(outcomeOfStatus(info.status), this.sentAt > 0 ? ctx.clock() - this.sentAt : -1)
    this.fallBack()
  }

  onBody(buf: Buffer, from: number, to: number): void {
    this.answer.body(buf, from, to)
    this.deadlines.idle(this.exchange)
  }

  onReadEnd(): void {
    if (this.ctx.down.length > 0) this.answer.flush(this.conn)
  }

  onCrash(error: unknown): void {
    this.exchange.client.onCrash(error)
  }

  onUpstreamDrain(): void {
    this.exchange.client.resume()
    this.armBodyIdle()
  }

  onClientDrain(): void {
    this.answer.unblock()
    if (this.phase === ANSWERING) this.deadlines.idle(this.exchange)
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
    this.leave()
    this.#held?.leave()
    this.answer.finished(outcome)
    this.record(outcome, this.answer.latencyMs)
    this.phase = NONE
    exchange.end()
  }

  /** The exchange is given up from the client's side. */
  abandon(): void {
    if (this.phase === NONE) return
    this.leave()
    this.#held?.leave()
    this.answer.finished(OUTCOME_ABORTED)
    this.record(OUTCOME_ABORTED)
    this.phase = NONE
  }
}
