/**
 * Reads heads off a connection, whole or in pieces.
 *
 * A head that came in one read is scanned where it lies. Only one that did not is copied, and its `Head`
 * kept by the connection until the rest comes; an idle connection holds neither.
 */
import { Head, MORE } from './head.ts'
import type { HeadLimits, ScanStatus } from './head.ts'
import { scanAnswer, scanRequest } from './start-line.ts'

const SPARES = 256
const spares: Head[] = []
const EMPTY = new Head()

export class HeadReader {
  /** The head of the last `read` that was not MORE; hand it back with `done`. */
  head: Head = EMPTY
  /** Position behind it in the bytes that were read. */
  next = 0
  #partial: Head | null = null
  #kept = 0

  readRequest(buf: Buffer, from: number, to: number, limits: HeadLimits): ScanStatus {
    const head = this.#take(buf, from, to)
    return this.#after(head, scanRequest(head, this.#end(from, to), limits), from, to)
  }

  readAnswer(buf: Buffer, from: number, to: number, strict: boolean, limits: HeadLimits): ScanStatus {
    const head = this.#take(buf, from, to)
    return this.#after(head, scanAnswer(head, this.#end(from, to), strict, limits), from, to)
  }

  #take(buf: Buffer, from: number, to: number): Head {
    if (this.#partial !== null) {
      this.#partial.append(buf, from, to, this.#kept)
      return this.#partial
    }
    const head = spares.pop() ?? new Head()
    head.begin(buf, from)
    return head
  }

  #end(from: number, to: number): number {
    return this.#partial === null ? to : this.#kept + to - from
  }

  #after(head: Head, status: ScanStatus, from: number, to: number): ScanStatus {
    if (status === MORE) {
      if (this.#partial === null) {
        // `keep` moves the head to position 0: what is kept is what there is of it.
        const start = head.start
        head.keep(to)
        this.#kept = to - start
      } else {
        this.#kept += to - from
      }
      this.#partial = head
      return MORE
    }
    this.next = this.#partial === null ? head.pos : from + head.pos - this.#kept
    this.#partial = null
    this.#kept = 0
    this.head = head
    return status
  }

  /** The scanned head is not needed any more. */
  done(): void {
    if (this.head !== EMPTY && spares.length < SPARES) spares.push(this.head)
    this.head = EMPTY
  }

  /** The connection ends; half a head with it. */
  drop(): void {
    if (this.#partial !== null && spares.length < SPARES) spares.push(this.#partial)
    this.#partial = null
    this.#kept = 0
  }
}
