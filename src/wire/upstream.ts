/**
 * One connection to a backend's endpoint, and the answer being read from it.
 *
 * It belongs to one user at a time (an exchange or a mirror) and tells it what arrives, in order. It
 * knows no routes and no retries: it says what happened, the user decides. Once the user has left, bytes
 * that still come are a reason to close, never an answer to somebody else.
 */
import type { Socket } from 'node:net'
import { AnswerInfo, readAnswer } from './answer.ts'
import { BodyReader } from './body.ts'
import type { BodySink } from './body.ts'
import { DONE, MORE, REPAIRED_CHUNK_SPACE } from './head.ts'
import type { Head, HeadLimits, ScanStatus } from './head.ts'
import { HeadReader } from './head-reader.ts'
import { FRAME_CLOSE } from './request.ts'
import { cut, dial } from './socket.ts'
import type { Address } from './socket.ts'
import { WheelEntry } from './wheel.ts'
import type { Timed, Wheel } from './wheel.ts'

export type UpstreamFault = 'reset' | 'malformed'
export type ConnectFault = 'refused' | 'timeout' | 'busy'

export interface UpstreamUser extends BodySink {
  /** A connection asked for earlier is there. */
  onConnected(conn: Upstream): void
  onUnavailable(fault: ConnectFault): void
  /** A scanned answer head, 1xx included; `head` is valid only during the call. */
  onAnswerHead(conn: Upstream, head: Head, info: AnswerInfo): void
  onAnswerEnd(conn: Upstream): void
  /** The answer cannot be completed. */
  onFault(conn: Upstream, fault: UpstreamFault): void
  /** All that one read brought has been told: write it out. */
  onReadEnd(): void
  /** The user's own code threw; it must let go of everything without throwing again. */
  onCrash(error: unknown): void
  /** The connection takes bytes again. */
  onUpstreamDrain(): void
}

/** Gives a user its connection. What it throws costs nobody else, least of all whoever made room for it. */
export function handOver(conn: Upstream, user: UpstreamUser): void {
  try {
    user.onConnected(conn)
  } catch (error) {
    conn.abandon()
    user.onCrash(error)
  }
}

/** What a connection needs of its owner (the pool). */
export interface UpstreamOwner {
  readonly wheel: Wheel
  readonly limits: HeadLimits
  readonly strict: boolean
  /** 0 = no deadline. */
  readonly connectMs: number
  onOpen(conn: Upstream): void
  onConnectFailed(conn: Upstream, fault: ConnectFault): void
  onGone(conn: Upstream): void
  /** The backend closed the connection after it had been idle for so long. */
  onIdleClosed(idleMs: number): void
}

export class Upstream implements Timed {
  deadline = 0
  readonly entry: WheelEntry = new WheelEntry(this)
  readonly socket: Socket
  readonly address: Address
  readonly owner: UpstreamOwner
  readonly openedAt: number
  user: UpstreamUser | null = null
  open = false
  closed = false
  /** Answers read on this connection before the current one. */
  served = 0
  /** A byte of the current answer has come. */
  touched = false
  /** Wheel time it went idle, and how long it may stay so. */
  idleSince = 0
  idleMs = 0
  maxAgeMs = Infinity
  readonly info = new AnswerInfo()
  readonly body = new BodyReader()
  readonly #heads = new HeadReader()
  #noBody = false
  #inBody = false
  #ended = false

  constructor(owner: UpstreamOwner, address: Address, user: UpstreamUser) {
    this.owner = owner
    this.address = address
    this.user = user
    this.openedAt = owner.wheel.now
    this.socket = dial(address, this)
    if (owner.connectMs > 0) owner.wheel.arm(this.entry, owner.wheel.now + owner.connectMs)
  }

  /** From here on what comes is the answer to the request `user` is about to write. */
  begin(user: UpstreamUser, noBody: boolean): void {
    this.user = user
    this.touched = false
    this.#noBody = noBody
    this.#inBody = false
    this.owner.wheel.disarm(this.entry)
  }

  /** The user leaves; the connection carries half an exchange, so it ends. */
  abandon(): void {
    this.user = null
    this.destroy()
  }

  destroy(): void {
    this.#heads.drop()
    cut(this.socket)
    this.#gone()
  }

  onConnect(): void {
    this.open = true
    this.owner.wheel.disarm(this.entry)
    this.owner.onOpen(this)
  }

  /** The connect deadline while opening, the idle or age limit after. */
  onDeadline(): void {
    if (this.open) {
      if (this.user === null) this.destroy()
      return
    }
    this.#failConnect('timeout')
  }

  onBytes(buf: Buffer, n: number): void {
    const user = this.user
    if (user === null || this.closed) {
      this.destroy()
      return
    }
    this.touched = true
    try {
      this.#read(buf, n, user)
    } catch (error) {
      // It may already serve somebody else, who is not to suffer.
      if (this.user === user) this.user = null
      if (this.user === null) this.destroy()
      user.onCrash(error)
    }
  }

  /** A user's code threw outside `onBytes`. */
  onCrash(error: unknown): void {
    const user = this.user
    this.user = null
    this.destroy()
    user?.onCrash(error)
  }

  #read(buf: Buffer, n: number, first: UpstreamUser): void {
    let pos = 0
    // A user may hand the connection on at the answer's head (`user`); what follows is the new one's.
    for (let { user } = this; user !== null && pos < n && !this.closed; { user } = this) {
      pos = this.#inBody ? this.#readBody(buf, pos, n, user) : this.#readHead(buf, pos, n, user)
    }
    first.onReadEnd()
  }

  #readHead(buf: Buffer, from: number, to: number, user: UpstreamUser): number {
    const status = this.#heads.readAnswer(buf, from, to, this.owner.strict, this.owner.limits)
    if (status === MORE) return to
    const { head, next } = this.#heads
    const interim = this.#headRead(head, status, user, next < to)
    this.#heads.done()
    // Bytes behind the answer stay unread: the connection will not be used again.
    return this.#inBody || interim ? next : to
  }

  /** True when it was an interim head: the answer is still to come. */
  #headRead(head: Head, status: ScanStatus, user: UpstreamUser, more: boolean): boolean {
    if (status !== DONE || !readAnswer(head, this.info, this.#noBody, this.owner.strict)) {
      this.#fault('malformed')
      return false
    }
    const interim = this.info.status < 200
    if (!interim) {
      this.body.begin(this.info.framing, Math.max(0, this.info.length), !this.owner.strict)
      this.#inBody = true
      // Bytes behind an answer that has no body (HEAD, 204, 304): never reused.
      if (more && this.body.done) this.info.reusable = false
    }
    user.onAnswerHead(this, head, this.info)
    if (this.user !== null && this.#inBody && this.body.done) this.#answerEnd()
    return interim
  }

  #readBody(buf: Buffer, from: number, to: number, user: UpstreamUser): number {
    if (this.body.done) {
      // Stray bytes after a complete answer.
      this.info.reusable = false
      return to
    }
    const next = this.body.consume(buf, from, to, user)
    if (this.user !== user) return to
    if (this.body.bad) {
      this.#fault('malformed')
      return to
    }
    if (this.body.done) {
      if (next < to) this.info.reusable = false
      this.#answerEnd()
      return to
    }
    return next
  }

  #answerEnd(): void {
    const user = this.user
    this.served++
    this.#inBody = false
    user?.onAnswerEnd(this)
  }

  /** Repairs found while the body was read. */
  get bodyRepairs(): number {
    return this.body.repaired ? REPAIRED_CHUNK_SPACE : 0
  }

  #fault(fault: UpstreamFault): void {
    const user = this.user
    this.user = null
    this.destroy()
    if (user === null) return
    try {
      user.onFault(this, fault)
    } catch (error) {
      user.onCrash(error)
    }
  }

  onEnd(): void {
    this.#ended = true
    if (this.user !== null && this.#inBody && this.body.framing === FRAME_CLOSE) {
      const user = this.user
      this.body.done = true
      this.#answerEnd()
      user.onReadEnd()
      return
    }
    if (this.user !== null && this.open) {
      this.#fault('reset')
      return
    }
    if (this.open && !this.closed) this.owner.onIdleClosed(this.owner.wheel.now - this.idleSince)
    this.destroy()
  }

  /** The peer has said it will send no more. */
  get ended(): boolean {
    return this.#ended
  }

  onDrain(): void {
    this.user?.onUpstreamDrain()
  }

  onClose(error: string | null): void {
    if (!this.open && !this.closed) {
      this.#failConnect(error === 'ETIMEDOUT' ? 'timeout' : 'refused')
      return
    }
    if (this.user !== null) this.#fault('reset')
    this.#gone()
  }

  #failConnect(fault: ConnectFault): void {
    if (this.closed) return
    this.destroy()
    this.owner.onConnectFailed(this, fault)
  }

  #gone(): void {
    if (this.closed) return
    this.closed = true
    this.owner.wheel.remove(this.entry)
    this.owner.onGone(this)
  }
}
