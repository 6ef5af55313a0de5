/**
 * The request body on its way to a backend, and as much of it as must be held.
 *
 * It is held while there is no connection yet, and, for a request that may be repeated, until the answer
 * begins: up to `limits.hold`. Past that the request simply is no longer repeatable. Bytes are copied once
 * when held, and not at all when they can go straight to the backend.
 */
import { send } from '../wire/scratch.ts'
import type { Scratch } from '../wire/scratch.ts'
import { BodyReader } from '../wire/body.ts'
import type { Head } from '../wire/head.ts'
import { isForbiddenTrailer } from '../wire/names.ts'
import { FRAME_CHUNKED } from '../wire/request.ts'
import type { Upstream } from '../wire/upstream.ts'

/** Above this much unsent the client is not read until the backend has taken it. */
export const HIGH_WATER_BYTES = 131_072

export class RequestBody {
  readonly reader = new BodyReader()
  /** Every byte so far is held: the request can be sent again from its beginning. */
  replayable = true
  heldBytes = 0
  /** All bytes of the body that came, framing excluded. */
  bytes = 0
  #held: Buffer[] = []
  #mayRepeat = false
  #cap = 0

  begin(framing: number, length: number, mayRepeat: boolean, cap: number): void {
    this.reader.begin(framing, length, false)
    this.replayable = true
    this.heldBytes = 0
    this.bytes = 0
    this.#held = []
    this.#mayRepeat = mayRepeat
    this.#cap = cap
  }

  get done(): boolean {
    return this.reader.done
  }

  /** Notes bytes just read; `sent`: they went out already. Returns the bytes by which the hold grew. */
  hold(buf: Buffer, from: number, to: number, sent: boolean): number {
    const size = to - from
    this.bytes += size
    if (sent && !(this.#mayRepeat && this.replayable && this.heldBytes + size <= this.#cap)) {
      this.replayable = false
      return -this.#release()
    }
    this.#held.push(Buffer.from(buf.subarray(from, to)))
    this.heldBytes += size
    return size
  }

  /** More is held than may be: the client is not read until a connection takes it. */
  get full(): boolean {
    return this.heldBytes >= this.#cap
  }

  /** The body was handed to a backend; what cannot be repeated need not be held. Returns the bytes let go. */
  sent(): number {
    if (this.#mayRepeat && this.heldBytes <= this.#cap) return 0
    if (this.bytes > 0) this.replayable = false
    return this.#release()
  }

  /** Lets the held bytes go: the answer has begun. */
  release(): number {
    if (this.bytes > 0) this.replayable = false
    return this.#release()
  }

  #release(): number {
    const freed = this.heldBytes
    this.#held = []
    this.heldBytes = 0
    return freed
  }

  /** Sends all that is held, and the end when the body is complete. */
  replay(conn: Upstream, up: Scratch): void {
    for (const chunk of this.#held) writeBody(conn, up, this.reader.framing, chunk, 0, chunk.length, false)
    if (this.done) writeEnd(conn, up, this.reader)
  }
}

/** Writes body bytes in the framing the backend was told. `foreign`: `buf` is a read buffer and must be copied. */
export function writeBody(conn: Upstream, up: Scratch, framing: number, buf: Buffer, from: number, to: number, foreign: boolean): void {
  up.reset()
  if (framing === FRAME_CHUNKED) {
    up.chunkSize(to - from)
    up.range(buf, from, to)
    up.crlf()
    up.flush(conn.socket)
  } else if (foreign) {
    up.range(buf, from, to)
    up.flush(conn.socket)
  } else {
    send(conn.socket, buf.subarray(from, to))
  }
}

/** The last chunk and the trailers that may pass. */
export function writeEnd(conn: Upstream, up: Scratch, reader: BodyReader): void {
  if (reader.framing !== FRAME_CHUNKED) return
  up.reset()
  writeLastChunk(up, reader.trailers)
  up.flush(conn.socket)
}

export function writeLastChunk(out: Scratch, trailers: Head | null): void {
  out.text('0\r\n')
  if (trailers !== null) {
    for (let i = 0; i < trailers.count; i++) {
      if (mayPass(trailers, i)) out.line(trailers, i)
    }
  }
  out.crlf()
}

/** Framing, routing, authentication and hop-by-hop fields never pass in a trailer (9110 6.5.1). */
function mayPass(trailers: Head, i: number): boolean {
  if (isForbiddenTrailer(trailers.id[i] ?? 0)) return false
  return !/^(?:x-banyan-|authorization$|cookie$|set-cookie$|content-|host$|www-authenticate$|if-|age$|expires$|date$|location$|retry-after$|vary$|warning$)/i.test(
    trailers.name(i),
  )
}
