/**
 * A client's connection as a plain stream, for the one part of the gateway that is not ours: http-proxy-3
 * reads and writes it like the socket of an `http.Server`.
 *
 * The engine's sockets deliver bytes by callback and cannot go back to `data` events, so the stream is a
 * bridge: bytes are copied in, writes go to the socket, and neither side outruns the other.
 */
import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

/** The connection behind the stream. */
interface Behind {
  readonly socket: Socket
  /** FIN behind what is written, then a bounded read. */
  finish(): void
}

export class TunnelSocket extends Duplex {
  /** It carries an answer and its end, no tunnel: after it the connection is over for both sides. */
  answered = false
  readonly #client: Behind
  readonly #socket: Socket
  /** Called with every byte that passes, either way. */
  readonly #onActivity: () => void

  constructor(client: Behind, onActivity: () => void) {
    // Heads are written as strings, and a head is bytes.
    super({ allowHalfOpen: true, defaultEncoding: 'latin1' })
    this.#client = client
    this.#socket = client.socket
    this.#onActivity = onActivity
  }

  /** Bytes from the client; all are taken. */
  bytes(buf: Buffer, from: number, to: number): number {
    this.#onActivity()
    if (!this.push(Buffer.from(buf.subarray(from, to)))) this.#socket.pause()
    return to
  }

  /** The client's FIN. */
  ended(): void {
    this.push(null)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#onActivity()
    this.#socket.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.answered) {
      this.#client.finish()
      done()
    } else {
      this.#socket.end(done)
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  // What `http.Server` and http-proxy-3 ask of a socket.
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  /** Ends it; it is destroyed when the client has closed too, or has been given the time to. */
  destroySoon(): void {
    if (!this.destroyed && !this.writableEnded) this.end()
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(on?: boolean): this {
    this.#socket.setKeepAlive(on)
    return this
  }
}
