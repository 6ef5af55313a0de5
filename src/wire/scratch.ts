/**
 * The buffer a thread writes heads and small answers into before they go to a socket.
 *
 * A write that the kernel took at once leaves the buffer free for the next one; a write that did not is
 * given the buffer, and the scratch takes a new one. So the common path allocates nothing, and nothing a
 * socket still holds is ever overwritten.
 */
import type { Socket } from 'node:net'
import { REPAIRED_FOLD } from './head.ts'
import type { Head } from './head.ts'

/** Room for one read (64 KiB), its chunk framing and a head. */
const SCRATCH_BYTES = 81_920
const HEX_DIGITS = Buffer.from('0123456789abcdef')

export class Scratch {
  buf: Buffer
  length = 0

  constructor(bytes = SCRATCH_BYTES) {
    this.buf = Buffer.allocUnsafeSlow(bytes)
  }

  reset(): void {
    this.length = 0
  }

  /** Makes room for `more` bytes behind what is written. */
  need(more: number): void {
    if (this.length + more <= this.buf.length) return
    const next = Buffer.allocUnsafeSlow((this.length + more) * 2)
    this.buf.copy(next, 0, 0, this.length)
    this.buf = next
  }

  bytes(from: Uint8Array): void {
    this.need(from.length)
    this.buf.set(from, this.length)
    this.length += from.length
  }

  range(from: Buffer, start: number, end: number): void {
    const size = end - start
    this.need(size)
    if (size < 24) {
      // A native copy costs more than a few bytes by hand.
      const { buf } = this
      let at = this.length
      for (let i = start; i < end; i++) buf[at++] = from[i] ?? 0
    } else {
      from.copy(this.buf, this.length, start, end)
    }
    this.length += size
  }

  /** A byte string (latin1). */
  text(text: string): void {
    const size = text.length
    this.need(size)
    const { buf } = this
    let at = this.length
    if (size < 32) for (let i = 0; i < size; i++) buf[at++] = text.charCodeAt(i)
    else buf.write(text, at, 'latin1')
    this.length += size
  }

  decimal(value: number): void {
    this.text(String(value))
  }

  /** `size CRLF` of a chunk. */
  chunkSize(size: number): void {
    this.need(18)
    let digits = 1
    for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 16)) digits++
    let rest = size
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      this.buf[at] = HEX_DIGITS[rest % 16] ?? 0x30
      rest = Math.floor(rest / 16)
    }
    this.length += digits
    this.crlf()
  }

  crlf(): void {
    this.need(2)
    this.buf[this.length++] = 0x0d
    this.buf[this.length++] = 0x0a
  }

  /**
   * The lines of `head` that are not dropped, each `name: value CRLF`, in their order and case. Neighbours
   * are copied as one range where the scan repaired nothing between them.
   */
  lines(head: Head): void {
    let i = 0
    const { count, drop } = head
    while (i < count) {
      if (drop[i] === 1) {
        i++
      } else if (head.repairs !== 0) {
        this.line(head, i++)
      } else {
        const from = head.nameStart[i] ?? 0
        while (i < count && drop[i] === 0) i++
        this.range(head.buf, from, i < count ? (head.nameStart[i] ?? 0) : this.#linesEnd(head))
      }
    }
  }

  /** One line, written canonically. */
  line(head: Head, i: number): void {
    this.range(head.buf, head.nameStart[i] ?? 0, head.nameEnd[i] ?? 0)
    this.text(': ')
    if ((head.repairs & REPAIRED_FOLD) === 0) this.range(head.buf, head.valueStart[i] ?? 0, head.valueEnd[i] ?? 0)
    else this.text(head.value(i))
    this.crlf()
  }

  /** End of the last line, before the empty one. */
  #linesEnd(head: Head): number {
    return head.end - 2
  }

  /** Sends what is written; true when the kernel took it all and the buffer is free again. */
  flush(socket: Socket): boolean {
    if (this.length === 0) return socket.writableLength === 0
    const taken = send(socket, this.buf.subarray(0, this.length))
    if (!taken) this.buf = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    this.length = 0
    return taken
  }
}

/** Writes `bytes`; false while the socket still holds some of them (they must not be touched again). */
export function send(socket: Socket, bytes: Uint8Array): boolean {
  socket.write(bytes)
  return socket.writableLength === 0
}
