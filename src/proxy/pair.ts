/**
 * Two answers to one request side by side: the client's and the mirror's.
 *
 * The side whose body begins first is kept; the other is compared with it chunk by chunk as it streams
 * past, and kept only from where it differs. So two equal answers, the usual case, end here: no copy of
 * the second, no message. What differs is handed on once, whole (`toMeta`).
 */
import type { Backend } from '../core/model/config.ts'
import type { AnswerMeta } from '../core/model/pair.ts'
import type { CompiledRoute } from '../core/split/compile.ts'
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import { mirrorHead } from './forward-head.ts'

/** One side. Bytes below `equalTo` are those of the other side's `chunks`. */
export class Side {
  status = 0
  headers: Record<string, string> = {}
  latencyMs = -1
  chunks: Buffer[] = []
  /** Bytes kept in `chunks`. */
  kept = 0
  /** Bytes of the body so far. */
  length = 0
  /** Prefix known to equal the kept side's. */
  equalTo = 0
  ended = false
  complete = false
}

/** What a pair needs of the one who runs mirrors. */
export interface PairOwner {
  launch(pair: Pair): void
  finished(pair: Pair): void
  held(bytes: number): void
}

/** The request a pair is about. */
export type PairOf = Pick<Pair, 'method' | 'target' | 'requestId' | 'revision' | 'primaryBackend' | 'conditional'>

export class Pair {
  readonly route: CompiledRoute
  readonly method: string
  readonly target: string
  readonly requestId: string
  /** Of the snapshot the request began with. */
  readonly revision: number
  /** Who serves the client. */
  readonly primaryBackend: Backend
  /** The request has `If-*` or `Range`: its answers hang on validators of one backend, so only equality says something. */
  readonly conditional: boolean
  readonly primary = new Side()
  readonly mirror = new Side()
  readonly #owner: PairOwner
  readonly #cap: number
  head: Buffer = EMPTY
  /** The request's body is framed in chunks. */
  chunked = false
  requestBody: Buffer[] = []
  requestBytesKept = 0
  /** Past the cap, or given up: not mirrored, or not compared. */
  dropped = false
  launched = false
  /** Both are no longer comparable: one side went past the cap, or the primary had no answer. */
  incomparable = false
  #first: Side | null = null
  #finished = false

  constructor(owner: PairOwner, route: CompiledRoute, of: PairOf) {
    this.#owner = owner
    this.route = route
    this.method = of.method
    this.target = of.target
    this.requestId = of.requestId
    this.revision = of.revision
    this.primaryBackend = of.primaryBackend
    this.conditional = of.conditional
    this.#cap = route.config.mirror.maxBodyBytes
  }

  request(forwarded: Buffer, hasExpect: boolean, chunked: boolean): void {
    this.head = mirrorHead(forwarded, hasExpect)
    this.chunked = chunked
  }

  requestBytes(buf: Buffer, from: number, to: number): void {
    if (this.dropped) return
    if (this.requestBytesKept + to - from > this.#cap) {
      this.dropped = true
      this.#releaseRequest()
      return
    }
    this.requestBody.push(Buffer.from(buf.subarray(from, to)))
    this.requestBytesKept += to - from
    this.#owner.held(to - from)
  }

  requestComplete(): void {
    if (this.launched) return
    this.launched = true
    this.#owner.launch(this)
  }

  /** The primary ended before the request did, or was answered by the gateway itself. */
  abandon(): void {
    this.incomparable = true
    this.primaryEnd(false)
    if (!this.launched) this.mirrorEnd(false)
  }

  /** The exchange lets go of it: a request that never became complete is not mirrored. */
  exchangeEnded(): void {
    if (!this.launched) this.abandon()
  }

  /** v2 failed, or was taken away, and v1 will answer: what the client gets is not what this pair is about. */
  primaryFailed(): void {
    this.incomparable = true
  }

  primaryHead(head: Head, info: AnswerInfo, latencyMs: number): void {
    this.#head(this.primary, head, info.status, latencyMs)
  }

  mirrorHead(head: Head, info: AnswerInfo, latencyMs: number): void {
    this.#head(this.mirror, head, info.status, latencyMs)
  }

  #head(side: Side, head: Head, status: number, latencyMs: number): void {
    side.status = status
    side.latencyMs = latencyMs
    const { headers } = this.route.config.compare
    for (let i = 0; i < headers.length; i++) collect(side, head, headers[i] ?? '')
    if (!headers.includes('content-type')) collect(side, head, 'content-type')
    if (!headers.includes('content-encoding')) collect(side, head, 'content-encoding')
  }

  primaryBody(buf: Buffer, from: number, to: number): void {
    this.#body(this.primary, this.mirror, buf, from, to)
  }

  /** Says by its length that it is too large to compare: it need not be read at all. */
  mirrorTooLarge(length: number): boolean {
    if (length <= this.#cap) return false
    this.incomparable = true
    this.#releaseAnswers()
    return true
  }

  /** False when the mirror's body went past the cap: it need not be read on. */
  mirrorBody(buf: Buffer, from: number, to: number): boolean {
    this.#body(this.mirror, this.primary, buf, from, to)
    return !this.incomparable
  }

  #body(side: Side, other: Side, buf: Buffer, from: number, to: number): void {
    if (this.incomparable) return
    if (side.length + to - from > this.#cap) {
      this.incomparable = true
      // The request stays: its mirror may still wait to be sent.
      this.#releaseAnswers()
      return
    }
    this.#first ??= side
    const at = side.length
    side.length += to - from
    let start = from
    if (this.#first !== side && side.equalTo === at) {
      const equal = equalPrefix(other, at, buf, from, to)
      side.equalTo += equal
      start += equal
    }
    if (start === to) return
    side.chunks.push(Buffer.from(buf.subarray(start, to)))
    side.kept += to - start
    this.#owner.held(to - start)
  }

  primaryEnd(complete: boolean): void {
    this.#end(this.primary, complete)
  }

  mirrorEnd(complete: boolean): void {
    this.#end(this.mirror, complete)
  }

  #end(side: Side, complete: boolean): void {
    if (side.ended) return
    side.ended = true
    side.complete = complete
    if (!this.primary.ended || !this.mirror.ended || this.#finished) return
    this.#finished = true
    this.#owner.finished(this)
    this.#releaseRequest()
    this.#releaseAnswers()
  }

  /** Both complete, same status, same listed headers, same bytes. */
  get equal(): boolean {
    const { primary, mirror } = this
    if (!primary.complete || !mirror.complete || primary.status !== mirror.status || primary.length !== mirror.length) return false
    const second = this.#first === primary ? mirror : primary
    if (this.#first !== null && second.equalTo !== second.length && !this.body(primary).equals(this.body(mirror))) return false
    return sameHeaders(primary.headers, mirror.headers)
  }

  /** The whole body of a side, put together again. */
  body(side: Side): Buffer {
    const own = Buffer.concat(side.chunks)
    if (side.equalTo === 0) return own
    const first = this.#first === null ? EMPTY : Buffer.concat(this.#first.chunks)
    return Buffer.concat([first.subarray(0, side.equalTo), own])
  }

  /** Without the place of its body, which the batch decides. */
  meta(side: Side): AnswerMeta {
    return {
      status: side.status,
      headers: side.headers,
      offset: 0,
      length: side.length,
      complete: side.complete,
      latencyMs: side.latencyMs,
    }
  }

  #releaseRequest(): void {
    this.#owner.held(-this.requestBytesKept)
    this.requestBytesKept = 0
    this.requestBody = []
  }

  #releaseAnswers(): void {
    const { primary, mirror } = this
    this.#owner.held(-primary.kept - mirror.kept)
    primary.kept = 0
    primary.chunks = []
    mirror.kept = 0
    mirror.chunks = []
  }
}

const EMPTY = Buffer.alloc(0)

function collect(side: Side, head: Head, name: string): void {
  for (let i = head.find(name); i >= 0; i = head.find(name, i + 1)) {
    const before = side.headers[name]
    side.headers[name] = before === undefined ? head.value(i) : `${before}, ${head.value(i)}`
  }
}

function sameHeaders(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  for (const name in a) if (a[name] !== b[name]) return false
  for (const name in b) if (!(name in a)) return false
  return true
}

/** How many of `buf[from, to)` equal the other side's kept bytes from position `at`. */
function equalPrefix(other: Side, at: number, buf: Buffer, from: number, to: number): number {
  let skip = at
  let pos = from
  for (const chunk of other.chunks) {
    if (skip >= chunk.length) {
      skip -= chunk.length
      continue
    }
    const size = Math.min(chunk.length - skip, to - pos)
    if (chunk.compare(buf, pos, pos + size, skip, skip + size) !== 0) {
      while (pos < to && chunk[skip] === buf[pos]) {
        skip++
        pos++
      }
      return pos - from
    }
    pos += size
    skip = 0
    if (pos === to) break
  }
  return pos - from
}
