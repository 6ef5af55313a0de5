/**
 * One request and its answer, as the client sees them.
 *
 * Phases: head → match → decide → limits → send → (fallback) → respond → observe → mirror. The object
 * belongs to its connection and is used again for the next request, so a request allocates next to
 * nothing. It keeps the runtime it began with; the routing words it reads anew whenever it has waited.
 */
import type { Backend } from '../core/model/config.ts'
import { ERRORS } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import { ASSIGNED_BY_BUCKET, ASSIGNED_OTHERWISE, LANE_V1, LANE_V2, counterId } from '../core/model/observation.ts'
import { GATEWAY_SLOT, RULES, backendOf } from '../core/model/routing.ts'
import type { CompiledRoute } from '../core/split/compile.ts'
import { createDecision, decide } from '../core/split/decide.ts'
import type { Decision } from '../core/split/decide.ts'
import { matchRoute } from '../core/split/match.ts'
import { startTraceparent } from '../core/split/trace.ts'
import type { Head } from '../wire/head.ts'
import type { RequestInfo } from '../wire/request.ts'
import { FRAME_CHUNKED, FRAME_LENGTH, FRAME_NONE } from '../wire/request.ts'
import type { Scratch } from '../wire/scratch.ts'
import { Attempts } from './attempts.ts'
import type { ClientLink, Context, ExchangeLink } from './context.ts'
import { isIdempotent, isSafe } from './method.ts'
import { noteLines, writeForwardHead } from './forward-head.ts'
import { answerOwn } from './own-answers.ts'
import { problemAnswer, rejectionOf } from './problem.ts'
import type { ProblemShape } from './problem.ts'
import { RequestBody, writeBody, writeEnd, HIGH_WATER_BYTES } from './request-body.ts'
import type { Runtime } from './runtime.ts'
import { giveHead, takeHead } from './spare-heads.ts'
import type { Pair } from './pair.ts'

const KEYLESS = counterId('keyless')
const NO_KEY = RULES.indexOf('no-key')

export class Exchange implements ExchangeLink {
  readonly client: ClientLink
  readonly ctx: Context
  readonly decision: Decision = createDecision()
  readonly body = new RequestBody()
  readonly attempts: Attempts
  runtime: Runtime
  route: CompiledRoute | null = null
  slot = GATEWAY_SLOT
  assigned = ASSIGNED_OTHERWISE
  method = ''
  isHead = false
  safe = false
  idempotent = false
  minor = 1
  framing = FRAME_NONE
  websocket = false
  https = false
  /** The client's connection ends with this exchange. */
  close = false
  /** All bytes of the request have been read. */
  requestDone = false
  active = false
  /** A trusted peer marked it as a shadow request: neither mirrored nor judged. */
  shadow = false
  requestId = ''
  target = ''
  debug = false
  startedAt = 0
  /** The head a backend gets; kept until the answer begins. */
  head: Scratch | null = null
  pair: Pair | null = null
  logged = false
  #corked = false
  /** An id for a sticky cookie, kept until it is used. */
  #freshId = ''

  constructor(client: ClientLink, ctx: Context) {
    this.client = client
    this.ctx = ctx
    this.runtime = ctx.runtime
    this.attempts = new Attempts(this, ctx)
  }

  start(head: Head, info: RequestInfo): void {
    const { ctx, client } = this
    this.#begin(head, info)
    noteLines(head, ctx.notes, this.runtime, client.peer.trusted)
    ctx.facts.set(head, info, this.method, client.address, this.runtime.trusted, client.peer.trusted)
    const refusal = answerOwn(this, head) ?? this.#admit(info)
    if (refusal !== null) {
      if (refusal !== 'answered') this.problem(refusal)
      return
    }
    const route = matchRoute(this.runtime.routes, ctx.facts)
    if (route === null) {
      this.problem('no_route')
      return
    }
    this.#decide(route)
    const limit = route.config.bodyBytes > 0 ? route.config.bodyBytes : this.runtime.config.limits.bodyBytes
    if (limit > 0 && info.framing === FRAME_LENGTH && info.length > limit) {
      this.problem('body_too_large')
      return
    }
    this.#forward(head, info, route)
  }

  #begin(head: Head, info: RequestInfo): void {
    const { ctx } = this
    this.runtime = ctx.runtime
    this.active = true
    this.route = null
    this.slot = GATEWAY_SLOT
    this.startedAt = ctx.clock()
    this.method = head.buf.toString('latin1', head.start, head.methodEnd)
    this.isHead = this.method === 'HEAD'
    this.safe = isSafe(this.method)
    this.idempotent = isIdempotent(this.method)
    this.minor = info.minor
    this.framing = info.framing
    this.websocket = info.websocket
    this.close = info.close || ctx.draining
    this.pair = null
    this.debug = false
    this.#corked = false
    this.body.begin(info.framing, info.length, this.idempotent, this.runtime.holdBytes)
    this.requestDone = this.body.done
    ctx.retries.request()
  }

  shape(): ProblemShape {
    return { head: this.isHead, close: this.close || !this.requestDone || this.ctx.draining, lines: '' }
  }

  #admit(info: RequestInfo): ErrorCode | null {
    const { ctx } = this
    const { buffersBytes } = this.runtime.config.limits
    if (buffersBytes > 0 && ctx.heldBytes > buffersBytes) {
      this.close = true
      return 'buffers'
    }
    return info.websocket && ctx.draining ? 'draining' : null
  }

  #decide(route: CompiledRoute): void {
    const { ctx } = this
    this.route = route
    this.slot = route.slot
    if (this.runtime.config.stickyCookie !== null && this.#freshId === '') this.#freshId = ctx.randomHex(32)
    decide(route, Atomics.load(ctx.words, route.slot), Atomics.load(ctx.words, GATEWAY_SLOT), ctx.facts, this.decision, this.#freshId)
    if (this.decision.mintCookie !== null) {
      this.#freshId = ''
      this.https = this.client.peer.tls || (this.client.peer.trusted && ctx.facts.header('x-forwarded-proto') === 'https')
    }
    this.assigned = this.decision.byBucket && !this.shadow ? ASSIGNED_BY_BUCKET : ASSIGNED_OTHERWISE
    if (this.decision.code >>> 1 === NO_KEY) ctx.recorder.count(this.slot, KEYLESS)
  }

  #forward(head: Head, info: RequestInfo, route: CompiledRoute): void {
    const { ctx, runtime, client } = this
    const { notes } = ctx
    const backend = backendOf(this.decision.code)
    this.requestId = notes.requestId >= 0 ? head.value(notes.requestId) : runtime.config.requestId.generate ? ctx.randomHex(32) : ''
    this.logged = !this.websocket && ctx.accessLog.wants(runtime.config.accessLog.sample)
    this.pair = ctx.mirrors.consider(this, route, backend)
    // The target outlives the head only where somebody will ask for it.
    if (this.logged || this.pair !== null || info.absolute) this.target = ctx.facts.target
    const out = takeHead()
    writeForwardHead(out, {
      head,
      info,
      notes,
      runtime,
      peer: client.peer,
      requestId: notes.requestId >= 0 ? '' : this.requestId,
      traceparent: notes.traceparent >= 0 ? '' : startTraceparent(ctx.randomHex),
      authority: runtime.authority[backend],
      forceName: route.force?.header ?? '',
      target: this.target,
    })
    this.head = out
    if (info.websocket) {
      ctx.tunnels.open(this, backend, out.buf.subarray(0, out.length))
      return
    }
    this.pair?.request(out.buf.subarray(0, out.length), info.expectContinue, info.framing === FRAME_CHUNKED)
    this.attempts.begin(backend, backend === 'v2' ? LANE_V2 : LANE_V1)
    if (this.requestDone) this.pair?.requestComplete()
  }

  /** Body bytes; returns the position after those that belong to this request. */
  onRequestBytes(buf: Buffer, from: number, to: number): number {
    const next = this.body.reader.consume(buf, from, to, this)
    if (!this.active) return to
    if (this.body.reader.bad) {
      this.#giveUp('bad_request')
      return to
    }
    if (this.body.done) this.#bodyDone()
    else if (!this.attempts.answering) this.attempts.armBodyIdle()
    return next
  }

  onBody(buf: Buffer, from: number, to: number): void {
    const conn = this.attempts.sending
    const limit = this.route?.config.bodyBytes ?? 0
    const max = limit > 0 ? limit : this.runtime.config.limits.bodyBytes
    if (max > 0 && this.body.bytes + to - from > max) {
      this.#giveUp('body_too_large')
      return
    }
    this.ctx.heldBytes += this.body.hold(buf, from, to, conn !== null)
    this.pair?.requestBytes(buf, from, to)
    if (conn === null) {
      if (this.body.full) this.client.pause()
      return
    }
    if (!this.#corked) {
      this.#corked = true
      conn.socket.cork()
    }
    writeBody(conn, this.ctx.up, this.framing, buf, from, to, true)
    if (conn.socket.writableLength > HIGH_WATER_BYTES) this.client.pause()
  }

  #bodyDone(): void {
    this.requestDone = true
    const conn = this.attempts.sending
    if (conn !== null) writeEnd(conn, this.ctx.up, this.body.reader)
    this.attempts.requestComplete()
    this.pair?.requestComplete()
  }

  /** The request turned out wrong while it streamed. An answer that has begun can only be cut. */
  #giveUp(code: ErrorCode): void {
    const { answering } = this.attempts
    this.attempts.abandon()
    if (answering) this.client.cut()
    else this.problem(code)
  }

  /** All that one read of the client brought has been told. */
  afterRead(): void {
    if (!this.#corked) return
    this.#corked = false
    this.attempts.sending?.socket.uncork()
  }

  onRolledBack(): void {
    this.attempts.onRolledBack()
  }

  onClientDrain(): void {
    if (this.active) this.attempts.onClientDrain()
  }

  onClientGone(): void {
    if (!this.active) return
    this.attempts.abandon()
    this.end()
  }

  onDeadline(): void {
    if (this.active) this.attempts.onDeadline()
  }

  /** The gateway's own answer with this error; the exchange is over. */
  problem(code: ErrorCode, backend: Backend | null = null): void {
    const rejection = rejectionOf(code)
    if (rejection >= 0) this.ctx.recorder.rejected(rejection)
    if (code === 'bad_request' || code === 'body_too_large') this.close = true
    const lines = backend === null ? '' : this.runtime.backendLine[backend]
    this.answerLocally(ERRORS[code].status, problemAnswer(code, { ...this.shape(), lines }))
  }

  answerLocally(status: number, bytes: string): void {
    const { close } = this.shape()
    this.attempts.answer.status = status
    // Interim answers of the backend may still wait to be written.
    if (this.ctx.down.length > 0) this.ctx.down.flush(this.client.socket)
    this.client.socket.write(bytes, 'latin1')
    this.pair?.abandon()
    this.end()
    this.client.exchangeEnded(close)
  }

  /** Lets go of everything this exchange held. */
  end(): void {
    this.active = false
    if (this.logged) this.attempts.answer.log()
    this.logged = false
    this.afterRead()
    this.ctx.heldBytes -= this.body.release()
    this.attempts.answer.letGo()
    if (this.head !== null) giveHead(this.head)
    this.head = null
    this.pair?.exchangeEnded()
    this.pair = null
  }
}
