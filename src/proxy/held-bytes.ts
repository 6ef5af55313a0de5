/**
 * What waits for a client at its connection, counted as held memory: the bytes it sent behind the request that
 * runs, and those of answers it has not taken yet.
 */
const EMPTY = Buffer.alloc(0)

export class HeldBytes {
  /** Bytes behind the request that runs. */
  length = 0
  /** Bytes of complete answers that the client must take before it gets another; 0 = none. */
  unread = 0
  #chunks: Buffer[] = []
  readonly #memory: { heldBytes: number }

  constructor(memory: { heldBytes: number }) {
    this.#memory = memory
  }

  add(buf: Buffer, from: number, to: number): void {
    this.#chunks.push(Buffer.from(buf.subarray(from, to)))
    this.length += to - from
    this.#memory.heldBytes += to - from
  }

  /** Everything behind the request in one piece; then nothing is held any more. */
  take(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? EMPTY) : Buffer.concat(this.#chunks)
    this.#memory.heldBytes -= this.length
    this.length = 0
    this.#chunks = []
    return all
  }

  setUnread(bytes: number): void {
    this.#memory.heldBytes += bytes - this.unread
    this.unread = bytes
  }

  letGo(): void {
    this.take()
    this.setUnread(0)
  }
}
