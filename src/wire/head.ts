/**
 * A message head, scanned once, as positions in the buffer it arrived in.
 *
 * The scanner resumes where the last read stopped: a head that trickles in byte by byte costs what one
 * that comes whole costs. Positions are absolute in `buf`; when the bytes must outlive the read that
 * brought them, `keep` moves them into a buffer of the head's own and shifts the positions.
 */

export const MORE = 0
export const DONE = 1
export const BAD = 2
export const LINE_TOO_LONG = 3
export const TOO_LARGE = 4
export const BAD_VERSION = 5
export const BAD_METHOD = 6
export type ScanStatus = number

export interface HeadLimits {
  readonly requestLineBytes: number
  readonly headBytes: number
  readonly lines: number
}

/** Repairs the lenient scan made, one bit each, in the order of REPAIRS (core/model/observation.ts). */
export const REPAIRED_FOLD = 1
export const REPAIRED_SPACE = 2
export const REPAIRED_EQUAL_LENGTHS = 4
export const REPAIRED_TE_WINS = 8
export const REPAIRED_BARE_LF = 16
export const REPAIRED_CHUNK_SPACE = 32
export const REPAIRED_CONTROL = 64

const FIRST_LINES = 40

export class Head {
  buf: Buffer = EMPTY
  /** First byte of the head, and one past its last CRLF. */
  start = 0
  end = 0
  state = 0
  /** Where the next byte is to be looked at. */
  pos = 0
  mark = 0
  hash = 0
  count = 0
  repairs = 0
  // Start line, request: method, target, minor version. Answer: status, reason.
  methodEnd = 0
  targetStart = 0
  targetEnd = 0
  minor = 1
  status = 0
  reasonStart = 0
  reasonEnd = 0
  /** Per line: start and end of name and value. */
  nameStart = new Int32Array(FIRST_LINES)
  nameEnd = new Int32Array(FIRST_LINES)
  valueStart = new Int32Array(FIRST_LINES)
  valueEnd = new Int32Array(FIRST_LINES)
  /** Per line: id of a known name, 0 = none. */
  id = new Uint8Array(FIRST_LINES)
  /** Per line: 1 = not passed on. The scanner leaves 0. */
  drop = new Uint8Array(FIRST_LINES)
  #own: Buffer | null = null

  /** Ready for the next head, at `from` of `buf`. */
  begin(buf: Buffer, from: number): void {
    this.buf = buf
    this.start = from
    this.pos = from
    this.end = 0
    this.state = 0
    this.mark = from
    this.count = 0
    this.repairs = 0
  }

  /** Bytes of this head already taken. */
  get held(): number {
    return this.pos - this.start
  }

  /** Moves the bytes from `start` to `to` into a buffer of the head's own, so that they outlive the read. */
  keep(to: number): void {
    const length = to - this.start
    const own = this.#own !== null && this.#own.length >= length ? this.#own : Buffer.allocUnsafeSlow(Math.max(1_024, length * 2))
    this.buf.copy(own, 0, this.start, to)
    this.#own = own
    this.#shift(-this.start)
    this.buf = own
  }

  /** Appends `chunk[from, to)` to the kept bytes; returns the new end of them. */
  append(chunk: Buffer, from: number, to: number, keptTo: number): number {
    const need = keptTo + to - from
    let own = this.buf
    if (own.length < need) {
      own = Buffer.allocUnsafeSlow(need * 2)
      this.buf.copy(own, 0, 0, keptTo)
      this.buf = own
      this.#own = own
    }
    chunk.copy(own, keptTo, from, to)
    return need
  }

  #shift(by: number): void {
    this.start += by
    this.pos += by
    this.mark += by
    this.methodEnd += by
    this.targetStart += by
    this.targetEnd += by
    this.reasonStart += by
    this.reasonEnd += by
    for (let i = 0; i <= this.count && i < this.nameStart.length; i++) {
      this.nameStart[i] = (this.nameStart[i] ?? 0) + by
      this.nameEnd[i] = (this.nameEnd[i] ?? 0) + by
      this.valueStart[i] = (this.valueStart[i] ?? 0) + by
      this.valueEnd[i] = (this.valueEnd[i] ?? 0) + by
    }
  }

  grow(): void {
    const size = this.nameStart.length * 2
    this.nameStart = widen(this.nameStart, size)
    this.nameEnd = widen(this.nameEnd, size)
    this.valueStart = widen(this.valueStart, size)
    this.valueEnd = widen(this.valueEnd, size)
    const id = new Uint8Array(size)
    id.set(this.id)
    this.id = id
    const drop = new Uint8Array(size)
    drop.set(this.drop)
    this.drop = drop
  }

  /** Index of the first passed-on line with this name (lower-case), from `from`; −1 when there is none. */
  find(lower: string, from = 0): number {
    const length = lower.length
    for (let i = from; i < this.count; i++) {
      const at = this.nameStart[i] ?? 0
      if ((this.nameEnd[i] ?? 0) - at === length && this.drop[i] === 0 && this.#nameIs(at, lower)) return i
    }
    return -1
  }

  #nameIs(at: number, lower: string): boolean {
    const { buf } = this
    for (let j = 0; j < lower.length; j++) {
      const byte = buf[at + j] ?? 0
      if ((byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte) !== lower.charCodeAt(j)) return false
    }
    return true
  }

  /** The value of line `i` as a byte string. */
  value(i: number): string {
    const value = this.buf.toString('latin1', this.valueStart[i], this.valueEnd[i])
    return (this.repairs & REPAIRED_FOLD) === 0 ? value : value.replaceAll('\0', '')
  }

  name(i: number): string {
    return this.buf.toString('latin1', this.nameStart[i], this.nameEnd[i])
  }
}

const EMPTY = Buffer.alloc(0)

function widen(old: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(size)
  next.set(old)
  return next
}
