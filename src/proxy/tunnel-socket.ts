/**
 * A client's connection as a plain stream, for the one part of the gateway that is not ours: http-proxy-3
 * reads and writes it like the socket of an `http.Server`.
 *
 * The engine's sockets deliver bytes by callback and cannot go back to `data` events, so the stream is a
 * bridge: bytes are copied in, writes go to the socket, and neither side outruns the other.
 */
import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

export class TunnelSocket extends Duplex {
  readonly #socket: Socket
  /** Called with every byte that passes, either way. */
  readonly #onActivity: () => void

  constructor(socket: Socket, onActivity: () => void) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#onActivity = onActivity
  }

  /** Bytes from the client. */
  bytes(buf: Buffer, from: number, to: number): void {
    this.#onActivity()
    if (!this.push(Buffer.from(buf.subarray(from, to)))) this.#socket.pause()
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
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  // What `http.Server` and http-proxy-3 ask of a socket.
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else this.end(() => this.destroy())
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
