/**
 * A client's connection: reads requests one after another, each becomes the exchange, answers in order.
 *
 * While an exchange runs the socket stays read (a paused socket does not see RST): what comes behind the
 * request is held, up to 32 KiB, then the socket is paused. FIN after a complete request is a half-close
 * and still gets its answer; FIN inside one, RST or a write error aborts the exchange.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { canonicalAddress, isTrusted } from '../core/split/address.ts'
import type { ErrorCode } from '../core/errors.ts'
import { DONE, MORE } from '../wire/head.ts'
import type { Head, ScanStatus } from '../wire/head.ts'
import { HeadReader } from '../wire/head-reader.ts'
import { RequestInfo, readRequest } from '../wire/request.ts'
import { cut, wantDrain } from '../wire/socket.ts'
import type { SocketHandler } from '../wire/socket.ts'
import { WheelEntry } from '../wire/wheel.ts'
import type { Timed } from '../wire/wheel.ts'
import type { ClientLink, Context } from './context.ts'
import { Exchange } from './exchange.ts'
import { createPeer } from './forward-head.ts'
import type { Peer } from './forward-head.ts'
import { HeldBytes } from './held-bytes.ts'
import { faultOf, problemAnswer, rejectionOf } from './problem.ts'
import type { Runtime } from './runtime.ts'
import type { TunnelSocket } from './tunnel-socket.ts'

const IDLE = 0
const HEAD = 1
const BUSY = 2
/** The last answer is out; what still comes is read and thrown away, for a while. */
const DRAINING = 3
const TUNNEL = 4
const CLOSED = 5

const HELD_BYTES = 32_768
/** How much, and how long, is read after the last answer so that RST does not overtake it. */
const LINGER_BYTES = 1_048_576
const LINGER_MS = 2_000

export class Client implements ClientLink, SocketHandler, Timed {
  deadline = 0
  readonly entry: WheelEntry = new WheelEntry(this)
  readonly socket: Socket
  readonly ctx: Context
  readonly info = new RequestInfo()
  readonly address: string
  peer: Peer
  #peerOf: Runtime
  #exchange: Exchange | null = null
  #phase = IDLE
  readonly #heads = new HeadReader()
  readonly #held: HeldBytes
  #consuming = false
  #paused = 0
  #ended = false
  #lingered = 0
  #tunnel: TunnelSocket | null = null

  constructor(socket: Socket, ctx: Context) {
    this.socket = socket
    this.ctx = ctx
    this.address = canonicalAddress(socket.remoteAddress ?? '') ?? ''
    this.#held = new HeldBytes(ctx)
    this.#peerOf = ctx.runtime
    this.peer = this.#peerFor(ctx.runtime)
    ctx.clients.add(this)
    this.#arm(ctx.runtime.timeouts.headMs)
  }

  /** 0 = no deadline. */
  #arm(ms: number): void {
    const { wheel } = this.ctx
    if (ms > 0) wheel.arm(this.entry, wheel.now + ms)
    else wheel.disarm(this.entry)
  }

  #peerFor(runtime: Runtime): Peer {
    return createPeer(this.address, isTrusted(runtime.trusted, this.address), this.socket instanceof TLSSocket, this.ctx.port)
  }

  get idle(): boolean {
    return this.#phase === IDLE
  }

  get exchange(): Exchange | null {
    return this.#phase === BUSY ? this.#exchange : null
  }

  get closed(): boolean {
    return this.#phase === CLOSED
  }

  onBytes(buf: Buffer, n: number): void {
    if (this.#phase === DRAINING) {
      this.#lingered += n
      if (this.#lingered > LINGER_BYTES) this.destroy()
      return
    }
    try {
      this.#consume(buf, n)
    } catch (error) {
      this.onCrash(error)
    }
  }

  /** An error of our own: this connection is cut (with RST: it must not look complete), the thread goes on. */
  onCrash(error: unknown): void {
    this.ctx.down.reset()
    this.ctx.up.reset()
    this.#consuming = false
    try {
      this.cut()
    } finally {
      this.ctx.onError(error)
    }
  }

  #consume(buf: Buffer, n: number): void {
    let pos = 0
    this.#consuming = true
    while (pos < n && this.#phase !== DRAINING && this.#phase !== CLOSED) {
      if (this.#phase === TUNNEL) pos = this.#tunnel?.bytes(buf, pos, n) ?? n
      else if (this.#held.unread > 0) pos = this.#hold(buf, pos, n)
      else if (this.#phase !== BUSY) pos = this.#readHead(buf, pos, n)
      else if (this.#exchange?.requestDone === false) pos = this.#exchange.onRequestBytes(buf, pos, n)
      else pos = this.#hold(buf, pos, n)
    }
    this.#consuming = false
    if (this.#phase === BUSY) this.#exchange?.afterRead()
  }

  #hold(buf: Buffer, from: number, to: number): number {
    this.#held.add(buf, from, to)
    if (this.#held.length > HELD_BYTES) this.pause()
    return to
  }

  #readHead(buf: Buffer, from: number, to: number): number {
    const { ctx } = this
    if (this.#phase === IDLE) {
      this.#phase = HEAD
      this.#arm(ctx.runtime.timeouts.headMs)
    }
    const status = this.#heads.readRequest(buf, from, to, ctx.runtime.headLimits)
    if (status === MORE) return to
    const { head, next } = this.#heads
    this.#headRead(head, status)
    this.#heads.done()
    return next
  }

  #headRead(head: Head, status: ScanStatus): void {
    const fault = status === DONE ? readRequest(head, this.info) : faultOf(status)
    if (fault !== null) {
      this.refuse(fault, status === DONE && isHead(head))
      return
    }
    const { ctx } = this
    if (this.#peerOf !== ctx.runtime) {
      this.#peerOf = ctx.runtime
      this.peer = this.#peerFor(ctx.runtime)
    }
    this.#phase = BUSY
    ctx.wheel.disarm(this.entry)
    this.#exchange ??= new Exchange(this, ctx)
    this.#exchange.start(head, this.info)
  }

  /** Answers a request that cannot become an exchange, and closes: what follows cannot be trusted. */
  refuse(code: ErrorCode, isHead = false): void {
    const rejection = rejectionOf(code)
    if (rejection >= 0) this.ctx.recorder.rejected(rejection)
    this.socket.write(problemAnswer(code, { head: isHead, close: true, lines: '' }), 'latin1')
    this.finish()
  }

  /** The exchange is over and its answer written. `close`: the connection carries no other. */
  exchangeEnded(close: boolean): void {
    if (this.#phase === CLOSED) return
    this.#phase = IDLE
    if (close) return this.finish()
    this.resume()
    this.#arm(this.ctx.runtime.timeouts.keepAliveMs)
    if (this.socket.writableLength > HELD_BYTES) this.#awaitReader()
    else if (!this.#consuming && (this.#held.length > 0 || this.#ended)) this.#next()
  }

  /** A client that pipelines and does not read gets no further answers until it has. */
  #awaitReader(): void {
    this.#held.setUnread(this.socket.writableLength)
    this.pause()
    wantDrain(this.socket)
  }

  /** Reads what came while the exchange ran; at the end of it, a client that has left is closed. */
  #next(): void {
    try {
      while (this.#held.length > 0 && this.#phase === IDLE && this.#held.unread === 0) {
        const bytes = this.#held.take()
        this.#consume(bytes, bytes.length)
      }
    } catch (error) {
      this.onCrash(error)
    }
    if (this.#ended && this.#held.length === 0 && this.#held.unread === 0) this.onEnd()
  }

  /** No more answers: FIN behind what is written, then a bounded read until the client closes. */
  finish(): void {
    if (this.#phase === CLOSED) return
    this.#phase = DRAINING
    this.#held.letGo()
    this.#paused = 0
    this.socket.resume()
    // A large answer may still be on its way: the linger begins when it is out.
    this.#arm(this.ctx.runtime.timeouts.idleMs)
    this.socket.end(() => {
      // Both sides have said they are done.
      if (this.#ended) this.destroy()
      else if (this.#phase === DRAINING) this.#arm(LINGER_MS)
    })
  }

  pause(): void {
    if (this.#paused++ === 0) this.socket.pause()
  }

  resume(): void {
    if (this.#paused === 0) return
    this.#paused = 0
    this.socket.resume()
  }

  onEnd(): void {
    this.#ended = true
    if (this.#phase === TUNNEL) return this.#tunnel?.ended()
    if (this.#phase === DRAINING) {
      if (this.socket.writableLength === 0) this.destroy()
      return
    }
    if (this.#held.unread > 0 || (this.#phase === BUSY && this.#exchange?.requestDone === true)) return
    if (this.#phase === BUSY) this.destroy()
    else this.finish()
  }

  onDrain(): void {
    if (this.#phase === BUSY) this.#exchange?.onClientDrain()
    else if (this.#held.unread > 0) {
      this.#held.setUnread(0)
      this.resume()
      this.#next()
    }
  }

  onDeadline(): void {
    if (this.#phase === HEAD) this.refuse('head_timeout')
    else if (this.#phase === BUSY) this.#exchange?.onDeadline()
    else this.destroy()
  }

  /** Cut: the client must be able to tell that its answer is not complete. */
  cut(): void {
    cut(this.socket)
    this.onClose()
  }

  destroy(): void {
    // What the client has not taken must not end like something whole.
    if (this.socket.writableLength > 0) cut(this.socket)
    else this.socket.destroy()
    this.onClose()
  }

  /** From here on the bytes are the tunnel's. */
  tunnel(stream: TunnelSocket): void {
    this.#phase = TUNNEL
    this.#tunnel = stream
    this.ctx.wheel.disarm(this.entry)
  }

  /** The connection is over, whoever ended it. */
  onClose(): void {
    if (this.#phase === CLOSED) return
    const busy = this.#phase === BUSY
    this.#phase = CLOSED
    this.#tunnel?.destroy()
    this.#heads.drop()
    this.#held.letGo()
    this.ctx.wheel.remove(this.entry)
    this.ctx.clients.delete(this)
    if (busy) this.#exchange?.onClientGone()
  }
}

function isHead({ buf, start, methodEnd }: Head): boolean {
  return methodEnd - start === 4 && buf.toString('latin1', start, methodEnd) === 'HEAD'
}
