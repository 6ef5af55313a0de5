/**
 * Writes lines to a file descriptor in the background: bounded, in order, never waited for.
 *
 * pino's own destination was refused: on a full disk or a pipe that nobody reads its flush retries for ever,
 * and that is how a gateway would fail to exit. Here a write that cannot be done costs its lines, counted, and a
 * flush gives up at its deadline.
 */
import { write } from 'node:fs'

export interface LineSink {
  /** One or more whole lines, each with its newline. */
  write(text: string): void
  /** Lines lost so far: no room, or not writable. */
  dropped(): number
  /** Resolves when everything is written or lost, or after `limitMs`. */
  flush(limitMs: number): Promise<void>
}

/** A non-blocking pipe is full: look again after so many milliseconds. */
const FULL_MS = 20
/** One system call takes so much at most. */
const CHUNK_BYTES = 64 * 1024

export function createLineSink(fd: number, capBytes: number): LineSink {
  return new FileSink(fd, capBytes)
}

class FileSink implements LineSink {
  readonly #fd: number
  readonly #capBytes: number
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #busy = false
  #dropped = 0
  #idle: (() => void)[] = []

  constructor(fd: number, capBytes: number) {
    this.#fd = fd
    this.#capBytes = capBytes
  }

  write(text: string): void {
    const bytes = Buffer.from(text)
    if (this.#waitingBytes + bytes.length > this.#capBytes) {
      this.#dropped += linesIn(bytes)
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#busy) this.#next()
  }

  dropped(): number {
    return this.#dropped
  }

  flush(limitMs: number): Promise<void> {
    if (!this.#busy) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #next(): void {
    const chunk = this.#take()
    this.#busy = chunk.length > 0
    if (this.#busy) return this.#put(chunk)
    for (const tell of this.#idle.splice(0)) tell()
  }

  #take(): Buffer {
    let count = 0
    let size = 0
    for (const { length } of this.#waiting) {
      if (count > 0 && size + length > CHUNK_BYTES) break
      size += length
      count++
    }
    return count === 1 ? (this.#waiting.shift() ?? Buffer.alloc(0)) : Buffer.concat(this.#waiting.splice(0, count))
  }

  #put(chunk: Buffer): void {
    write(this.#fd, chunk, (error, written) => {
      if (error?.code === 'EAGAIN') {
        // The timer alone must not keep a process alive that has nothing else to do.
        setTimeout(() => this.#put(chunk), FULL_MS).unref()
        return
      }
      if (error === null && written < chunk.length) {
        this.#waitingBytes -= written
        this.#put(chunk.subarray(written))
        return
      }
      if (error !== null) this.#dropped += linesIn(chunk)
      this.#waitingBytes -= chunk.length
      this.#next()
    })
  }
}

function linesIn(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++
  return lines
}
