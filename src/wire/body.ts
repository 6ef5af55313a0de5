/**
 * Reads one message body as the chunks it comes in, validating its framing on the way (RFC 9112 sections 6, 7).
 *
 * Data ranges are handed to the sink without a copy; they are valid only during the call. Chunked framing
 * is never passed through: the sink gets bare data, and whoever writes it frames it anew. So a size, an
 * extension or a line end the two sides could read differently never travels.
 */
import { CR, HEX, HTAB, LF, SEMICOLON, SP, TOKEN, VALUE } from './bytes.ts'
import { DONE, Head, MORE } from './head.ts'
import { S_LINES, scanLines } from './line-scan.ts'
import { FRAME_CHUNKED, FRAME_CLOSE, FRAME_LENGTH, FRAME_NONE } from './request.ts'

export interface BodySink {
  /** Bytes `[from, to)` of `buf` are body; only valid during the call. */
  onBody(buf: Buffer, from: number, to: number): void
}

const SIZE = 0
const SIZE_SPACE = 1
const EXT_NAME = 2
const EXT_VALUE = 3
const EXT_TOKEN = 4
const EXT_QUOTED = 5
const EXT_ESCAPE = 6
const EXT_AFTER = 7
const EXT_VALUE_TOKEN = 16
const SIZE_LF = 8
const DATA = 9
const DATA_CR = 10
const DATA_LF = 11
const TRAILER_FIRST = 12
const TRAILER = 13
const TRAILER_LF = 14
const ENDED = 15

const MAX_SIZE_DIGITS = 15
const MAX_EXTENSION_BYTES = 256
const TRAILER_LIMITS = { requestLineBytes: 0, headBytes: 16_384, lines: 100 }

export class BodyReader {
  framing = FRAME_NONE
  /** Bytes still to come of a length-framed body, or of the current chunk. */
  remaining = 0
  done = true
  /** The framing was violated: nothing after this point can be trusted. */
  bad = false
  /** A space after a chunk size was repaired (answers only). */
  repaired = false
  /** Trailer lines after a chunked body, or null; valid once `done`. */
  trailers: Head | null = null
  #state = SIZE
  #digits = 0
  #extBytes = 0
  #lenient = false
  #trailerKept = 0

  begin(framing: number, length: number, lenient: boolean): void {
    this.framing = framing
    this.remaining = length
    this.done = framing === FRAME_NONE || (framing === FRAME_LENGTH && length === 0)
    this.bad = false
    this.repaired = false
    this.trailers = null
    this.#state = SIZE
    this.#digits = 0
    this.#extBytes = 0
    this.#lenient = lenient
    this.#trailerKept = 0
  }

  /** Reads from `buf[from, to)`; returns where it stopped: `to`, or the first byte after the body, or the fault. */
  consume(buf: Buffer, from: number, to: number, sink: BodySink): number {
    if (this.framing === FRAME_CLOSE) {
      sink.onBody(buf, from, to)
      return to
    }
    if (this.framing === FRAME_LENGTH) return this.#data(buf, from, to, sink)
    let pos = from
    while (pos < to && !this.done && !this.bad) {
      if (this.#state === DATA) pos = this.#data(buf, pos, to, sink)
      else if (this.#state === TRAILER) pos = this.#trailer(buf, pos, to)
      else pos = this.#step(buf, pos)
    }
    return pos
  }

  #data(buf: Buffer, from: number, to: number, sink: BodySink): number {
    const end = Math.min(to, from + this.remaining)
    this.remaining -= end - from
    if (this.remaining === 0) {
      if (this.framing === FRAME_CHUNKED) this.#state = DATA_CR
      else this.done = true
    }
    if (end > from) sink.onBody(buf, from, end)
    return end
  }

  /** One framing byte. */
  #step(buf: Buffer, pos: number): number {
    const byte = buf[pos] ?? 0
    switch (this.#state) {
      case SIZE:
      case SIZE_SPACE:
        return this.#size(byte, pos)
      case SIZE_LF:
        if (byte !== LF) return this.#fail(pos)
        this.#state = this.remaining === 0 ? TRAILER_FIRST : DATA
        this.#digits = 0
        this.#extBytes = 0
        return pos + 1
      case DATA_CR:
        return this.#expect(byte, CR, DATA_LF, pos)
      case DATA_LF:
        return this.#expect(byte, LF, SIZE, pos)
      case TRAILER_FIRST:
        if (byte === CR) return this.#expect(byte, CR, TRAILER_LF, pos)
        this.trailers = new Head()
        this.#state = TRAILER
        return pos
      case TRAILER_LF:
        this.done = byte === LF
        return this.#expect(byte, LF, ENDED, pos)
      default:
        return this.#extension(byte, pos)
    }
  }

  #expect(byte: number, wanted: number, next: number, pos: number): number {
    if (byte !== wanted) return this.#fail(pos)
    this.#state = next
    return pos + 1
  }

  #fail(pos: number): number {
    this.bad = true
    return pos
  }

  #size(byte: number, pos: number): number {
    const digit = HEX[byte] ?? 255
    if (digit < 16 && this.#state === SIZE) {
      if (this.#digits === MAX_SIZE_DIGITS) return this.#fail(pos)
      this.remaining = (this.#digits === 0 ? 0 : this.remaining * 16) + digit
      this.#digits++
      return this.remaining > Number.MAX_SAFE_INTEGER ? this.#fail(pos) : pos + 1
    }
    if (this.#digits === 0) return this.#fail(pos)
    if (byte === CR) return this.#expect(byte, CR, SIZE_LF, pos)
    if (byte === SEMICOLON) return this.#expect(byte, SEMICOLON, EXT_NAME, pos)
    if (this.#lenient && (byte === SP || byte === HTAB)) {
      this.#state = SIZE_SPACE
      this.repaired = true
      return pos + 1
    }
    return this.#fail(pos)
  }

  /** chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] ), dropped; an answer's may be any text. */
  #extension(byte: number, pos: number): number {
    if (++this.#extBytes > MAX_EXTENSION_BYTES) return this.#fail(pos)
    const state = this.#state
    if (state === EXT_QUOTED || state === EXT_ESCAPE) {
      if (VALUE[byte] !== 1) return this.#fail(pos)
      if (state === EXT_ESCAPE) this.#state = EXT_QUOTED
      else if (byte === 0x5c) this.#state = EXT_ESCAPE
      else if (byte === 0x22) this.#state = EXT_AFTER
      return pos + 1
    }
    if (TOKEN[byte] === 1 && state !== EXT_AFTER) {
      if (state === EXT_NAME) this.#state = EXT_TOKEN
      else if (state === EXT_VALUE) this.#state = EXT_VALUE_TOKEN
      return pos + 1
    }
    return this.#extensionMark(byte, state, pos)
  }

  #extensionMark(byte: number, state: number, pos: number): number {
    const complete = state === EXT_TOKEN || state === EXT_AFTER || state === EXT_VALUE_TOKEN
    if (complete && byte === CR) return this.#expect(byte, CR, SIZE_LF, pos)
    if (complete && byte === SEMICOLON) return this.#expect(byte, SEMICOLON, EXT_NAME, pos)
    if (state === EXT_TOKEN && byte === 0x3d) return this.#expect(byte, 0x3d, EXT_VALUE, pos)
    if (state === EXT_VALUE && byte === 0x22) return this.#expect(byte, 0x22, EXT_QUOTED, pos)
    return this.#lenient && VALUE[byte] === 1 ? pos + 1 : this.#fail(pos)
  }

  #trailer(buf: Buffer, from: number, to: number): number {
    const head = this.trailers ?? new Head()
    const before = this.#trailerKept
    if (before === 0) {
      head.begin(buf, from)
      head.state = S_LINES
      head.pos = from
      head.keep(to)
    } else {
      head.append(buf, from, to, before)
    }
    const kept = before + to - from
    const status = scanLines(head, kept, this.#lenient, TRAILER_LIMITS)
    this.#trailerKept = kept
    if (status === MORE) return to
    if (status !== DONE) return this.#fail(to)
    this.done = true
    return from + head.pos - before
  }
}
