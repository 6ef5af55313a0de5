/**
 * v2's complete error answer, kept while v1 is asked: delivered only when v1 fails too.
 */
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import { FRAME_NONE } from '../wire/request.ts'
import { Scratch } from '../wire/scratch.ts'
import type { Upstream, UpstreamUser } from '../wire/upstream.ts'
import { writeAnswerHead } from './answer-writer.ts'
import { shapeOf } from './answering.ts'
import type { Context, ExchangeLink } from './context.ts'

export class HeldAnswer implements UpstreamUser {
  complete = false
  readonly #exchange: ExchangeLink
  readonly #ctx: Context
  readonly #head = new Scratch(4_096)
  readonly #status: number
  readonly #bodyless: boolean
  /** Content-Length of an answer to HEAD. */
  readonly #told: number
  readonly #isHead: boolean
  #body: Buffer[] = []
  /** Bytes of the body that came, and those kept of it. */
  #bytes = 0
  #held = 0
  #conn: Upstream | null

  constructor(exchange: ExchangeLink, ctx: Context, conn: Upstream, head: Head, info: AnswerInfo) {
    this.#exchange = exchange
    this.#ctx = ctx
    this.#isHead = exchange.isHead
    this.#status = info.status
    this.#bodyless = info.framing === FRAME_NONE
    this.#told = info.length
    // The body is written with its length once it is here whole.
    writeAnswerHead(this.#head, head, { status: info.status, length: -1 }, FRAME_NONE, shapeOf(exchange, 'v2', exchange.close, false))
    this.#head.length -= 2
    conn.user = this
    this.#conn = conn
  }

  onBody(buf: Buffer, from: number, to: number): void {
    this.#bytes += to - from
    if (this.#bytes > this.#exchange.runtime.holdBytes) {
      this.#letGo()
      return
    }
    this.#body.push(Buffer.from(buf.subarray(from, to)))
    this.#held += to - from
    this.#ctx.heldBytes += to - from
  }

  #letGo(): void {
    this.#ctx.heldBytes -= this.#held
    this.#held = 0
    this.#body = []
  }

  /** Nobody needs it any more. */
  leave(): void {
    this.#conn?.abandon()
    this.#conn = null
    this.#letGo()
  }

  onAnswerEnd(conn: Upstream): void {
    this.#conn = null
    this.complete = this.#bytes <= this.#exchange.runtime.holdBytes
    if (conn.info.reusable) this.#ctx.pools.v2.release(conn)
    else conn.abandon()
  }

  /** Writes it to the client: both backends failed. */
  deliver(): void {
    const out = this.#head
    const length = this.#isHead ? this.#told : this.#bodyless ? -1 : this.#bytes
    if (length >= 0 && this.#status !== 204 && this.#status !== 304) out.text(`Content-Length: ${length}\r\n`)
    out.crlf()
    if (!this.#isHead) for (const chunk of this.#body) out.bytes(chunk)
    this.#letGo()
    this.#exchange.answerLocally(this.#status, out.buf.toString('latin1', 0, out.length))
  }

  onFault(): void {
    this.#conn = null
    this.complete = false
  }

  onCrash(error: unknown): void {
    this.complete = false
    this.#ctx.onError(error)
  }

  onConnected(): void {}
  onUnavailable(): void {}
  onAnswerHead(): void {}
  onReadEnd(): void {}
  onUpstreamDrain(): void {}
}
