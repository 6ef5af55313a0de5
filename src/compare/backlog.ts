/**
 * Pairs waiting to be compared: bounded in bytes and in number.
 *
 * A batch past a bound is refused whole, at once: its memory is one piece, and a comparer that falls
 * behind must lose comparisons, not memory. The sender is told of the bytes it gets back either way.
 */
import type { PairBatch, PairMeta } from '../core/model/pair.ts'

export interface BacklogLimits {
  readonly maxBytes: number
  readonly maxPairs: number
}

export const BACKLOG_LIMITS: BacklogLimits = { maxBytes: 64 * 1024 * 1024, maxPairs: 10_000 }

/** One pair to compare. */
export interface Task<Sender> {
  readonly meta: PairMeta
  readonly bytes: ArrayBuffer
  readonly sender: Sender
  /** The last of its batch: with it the batch's bytes are free. */
  readonly last: boolean
}

export class Backlog<Sender> {
  readonly #limits: BacklogLimits
  /** Oldest last, so that taking the next is `pop`. */
  #tasks: Task<Sender>[] = []
  #arrived: Task<Sender>[] = []
  #bytes = 0

  constructor(limits: BacklogLimits) {
    this.#limits = limits
  }

  get pairs(): number {
    return this.#tasks.length + this.#arrived.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False: not taken, the bytes are the sender's again. An empty batch is never taken. */
  offer(batch: PairBatch, sender: Sender): boolean {
    const { pairs, bytes } = batch
    if (pairs.length === 0) return false
    if (this.#bytes + bytes.byteLength > this.#limits.maxBytes || this.pairs + pairs.length > this.#limits.maxPairs) return false
    this.#bytes += bytes.byteLength
    for (const [index, meta] of pairs.entries()) this.#arrived.push({ meta, bytes, sender, last: index === pairs.length - 1 })
    return true
  }

  /** The oldest pair, in the order of arrival; it stays accounted until `release`. */
  take(): Task<Sender> | null {
    if (this.#tasks.length === 0) {
      this.#tasks = this.#arrived.reverse()
      this.#arrived = []
    }
    return this.#tasks.pop() ?? null
  }

  /** The task is done. Bytes of its batch that are free now, 0 while others of the batch wait. */
  release(task: Task<Sender>): number {
    if (!task.last) return 0
    this.#bytes -= task.bytes.byteLength
    return task.bytes.byteLength
  }
}
