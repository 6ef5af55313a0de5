/**
 * The answer of one exchange on its way through: interim answers, head, body, end; and the brake when the
 * client reads slower than the backend sends.
 */
import type { Backend } from '../core/model/config.ts'
import { REPAIRS, outcomeOfStatus } from '../core/model/observation.ts'
import { mayCarryCookie, stickySetCookie } from '../core/split/cookie.ts'
import { decisionText } from '../core/split/decide.ts'
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import { H_CACHE_CONTROL } from '../wire/names.ts'
import { FRAME_CLOSE } from '../wire/request.ts'
import { wantDrain } from '../wire/socket.ts'
import type { Upstream } from '../wire/upstream.ts'
import { framingFor, writeAnswerBody, writeAnswerEnd, writeAnswerHead, writeInterim } from './answer-writer.ts'
import type { AnswerShape } from './answer-writer.ts'
import type { Context, ExchangeLink } from './context.ts'

const CHUNK_SIZE_SPACE = REPAIRS.indexOf('chunk_size_space')
/** More 100s than this is a loop, and more interim bytes than that an attack (HTTP.md). */
const MAX_CONTINUES = 20
const MAX_INTERIM_BYTES = 65_536
/** A scratch this full is sent before the read that fills it ends. */
const FLUSH_BYTES = 65_536

export function shapeOf(exchange: ExchangeLink, backend: Backend, close: boolean, upstreamTls: boolean): AnswerShape {
  const { runtime } = exchange
  return {
    minor: exchange.minor,
    close,
    isHead: exchange.isHead,
    upstreamTls,
    backendLine: runtime.backendLine[backend],
    versionLine: runtime.versionLine[backend],
    backendName: runtime.backendName,
    versionName: runtime.versionName,
    lines: exchange.debug ? `X-Banyan-Decision: ${decisionText(exchange.decision)}\r\n` : '',
  }
}

export class Answering {
  status = 0
  close = false
  latencyMs = -1
  /** Something of the final answer has left: it can only be completed or cut. */
  sent = false
  readonly #exchange: ExchangeLink
  /** Who is being asked right now. */
  readonly #attempt: { readonly backend: Backend }
  readonly #ctx: Context
  #framing = 0
  #continues = 0
  #interimBytes = 0
  /** The connection that is not read because the client has not taken what it was sent; and how much that is. */
  #stopped: Upstream | null = null
  #waiting = 0

  constructor(exchange: ExchangeLink, ctx: Context, attempt: { readonly backend: Backend }) {
    this.#exchange = exchange
    this.#attempt = attempt
    this.#ctx = ctx
  }

  begin(): void {
    this.status = 0
    this.close = false
    this.latencyMs = -1
    this.letGo()
    this.sent = false
    this.#continues = 0
    this.#interimBytes = 0
  }

  /** A 1xx answer; false when it makes the whole answer malformed. 101 was never asked for here. */
  interim(head: Head, info: AnswerInfo): boolean {
    this.#interimBytes += head.end - head.start
    if (info.status === 100) this.#continues++
    if (info.status === 101 || this.#continues > MAX_CONTINUES || this.#interimBytes > MAX_INTERIM_BYTES) return false
    // A 1.0 client knows no 1xx (9110 15.2).
    if (this.#exchange.minor === 1) writeInterim(this.#ctx.down, head, info)
    return true
  }

  head(conn: Upstream, head: Head, info: AnswerInfo, sentAt: number): void {
    const exchange = this.#exchange
    this.status = info.status
    this.latencyMs = sentAt > 0 ? this.#ctx.clock() - sentAt : -1
    const base = { minor: exchange.minor, upstreamTls: conn.address.tls }
    this.#framing = framingFor(info, base)
    // An answer before the request's end closes the connection: the rest of the body has no reader.
    this.close = exchange.close || !exchange.requestDone || this.#framing === FRAME_CLOSE || this.#ctx.draining
    this.#repaired(head)
    exchange.pair?.primaryHead(head, info, this.latencyMs)
    const shape = shapeOf(exchange, this.#attempt.backend, this.close, conn.address.tls)
    const cookie = this.#cookie(head)
    writeAnswerHead(this.#ctx.down, head, info, this.#framing, cookie === '' ? shape : { ...shape, lines: shape.lines + cookie })
  }

  #repaired(head: Head): void {
    const { recorder } = this.#ctx
    const backend = this.#attempt.backend === 'v2' ? 1 : 0
    for (let kind = 0, rest = head.repairs; rest !== 0; kind++, rest >>>= 1) if ((rest & 1) === 1) recorder.repaired(backend, kind)
  }

  /** The minted id; never on an answer a shared cache may keep (RFC 9111 section 3.5). */
  #cookie(head: Head): string {
    const exchange = this.#exchange
    const { stickyCookie } = exchange.runtime.config
    const id = exchange.decision.mintCookie
    if (id === null || stickyCookie === null) return ''
    for (let i = 0; i < head.count; i++) if (head.id[i] === H_CACHE_CONTROL && !mayCarryCookie(head.value(i))) return ''
    return `Set-Cookie: ${stickySetCookie(stickyCookie, id, exchange.https)}\r\n`
  }

  body(buf: Buffer, from: number, to: number): void {
    const { down } = this.#ctx
    writeAnswerBody(down, this.#framing, buf, from, to)
    this.#exchange.pair?.primaryBody(buf, from, to)
    if (down.length > FLUSH_BYTES) this.#write()
  }

  /** Forgets a head that has not left yet. */
  takeBack(): void {
    this.#ctx.down.reset()
    this.#exchange.pair?.abandon()
    this.#exchange.pair = null
    this.begin()
  }

  flush(conn: Upstream | null): void {
    if (this.#write() || conn === null || this.#stopped === conn) return
    this.letGo()
    const { socket } = this.#exchange.client
    this.#stopped = conn
    this.#waiting = socket.writableLength
    this.#ctx.heldBytes += this.#waiting
    conn.socket.pause()
    wantDrain(socket)
  }

  get blocked(): boolean {
    return this.#stopped !== null
  }

  /** The client has taken it: the backend is read again. */
  unblock(): void {
    this.#stopped?.socket.resume()
    this.letGo()
  }

  /** Forgets that anything waits. */
  letGo(): void {
    this.#stopped = null
    this.#ctx.heldBytes -= this.#waiting
    this.#waiting = 0
  }

  #write(): boolean {
    const { socket, closed } = this.#exchange.client
    if (closed || socket.destroyed) {
      this.#ctx.down.reset()
      return true
    }
    if (this.status > 0) this.sent = true
    return this.#ctx.down.flush(socket)
  }

  end(conn: Upstream): void {
    if (conn.bodyRepairs !== 0) this.#ctx.recorder.repaired(this.#attempt.backend === 'v2' ? 1 : 0, CHUNK_SIZE_SPACE)
    writeAnswerEnd(this.#ctx.down, this.#framing, conn.body.trailers)
    this.#write()
    this.letGo()
  }

  /** The last word on the primary, for its pair. */
  finished(outcome: number): void {
    this.#exchange.pair?.primaryEnd(this.status > 0 && outcome === outcomeOfStatus(this.status))
  }

  /** One line, whoever answered; status 0 when the client left before anybody did. */
  log(): void {
    const exchange = this.#exchange
    this.#ctx.accessLog.write({
      method: exchange.method,
      target: exchange.target,
      status: this.status,
      route: exchange.route?.config.name ?? '',
      backend: this.#attempt.backend,
      decision: decisionText(exchange.decision),
      requestId: exchange.requestId,
      latencyMs: Math.round(this.latencyMs * 1_000) / 1_000,
      totalMs: Math.round((this.#ctx.clock() - exchange.startedAt) * 1_000) / 1_000,
    })
  }
}
