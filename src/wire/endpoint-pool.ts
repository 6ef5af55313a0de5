/**
 * One endpoint's connections: those open, those idle, and whether it is to be left out for a while.
 *
 * Idle ones are used last-in first-out, so that what a quiet hour does not need ages and goes; none is kept
 * longer than the backend was told or seen to keep it.
 */
import type { HeadLimits } from './head.ts'
import type { Address } from './socket.ts'
import { Upstream, handOver } from './upstream.ts'
import type { ConnectFault, UpstreamOwner, UpstreamUser } from './upstream.ts'
import type { Wheel } from './wheel.ts'

export interface PoolLimits {
  readonly connections: number
  readonly queue: number
  readonly idleMs: number
  readonly maxAgeMs: number
  readonly connectMs: number
  readonly head: HeadLimits
  readonly strict: boolean
}

/** Counts the process's open connections of an endpoint; a pool of its own (mirrors) counts alone. */
export interface ConnectionCounter {
  /** Open connections of the whole process. */
  total(): number
  add(by: number): void
}

const OUT_FIRST_MS = 1_000
const OUT_MAX_MS = 30_000

/** What one endpoint's connections need of the pool they belong to. */
export interface EndpointOwner {
  readonly wheel: Wheel
  readonly limits: PoolLimits
  readonly random: () => number
  release(conn: Upstream): void
  /** A connection has gone: somebody who waits may open one. */
  serveQueue(): void
  /** The last connection of a retired endpoint has gone. */
  forget(endpoint: EndpointPool): void
}

export class EndpointPool implements UpstreamOwner {
  readonly wheel: Wheel
  readonly pool: EndpointOwner
  readonly address: Address
  readonly counter: ConnectionCounter
  readonly idle: Upstream[] = []
  readonly all = new Set<Upstream>()
  outUntil = 0
  outMs = 0
  /** Removed from the snapshot: finishes what it has, keeps nothing. */
  retired = false
  #learnedIdleMs = Infinity

  constructor(pool: EndpointOwner, address: Address, counter: ConnectionCounter) {
    this.pool = pool
    this.wheel = pool.wheel
    this.address = address
    this.counter = counter
  }

  get limits(): HeadLimits {
    return this.pool.limits.head
  }

  get strict(): boolean {
    return this.pool.limits.strict
  }

  get connectMs(): number {
    return this.pool.limits.connectMs
  }

  get busy(): number {
    return this.all.size - this.idle.length
  }

  /** How long a connection may stay idle: below what the backend was seen to allow. */
  idleMs(conn: Upstream): number {
    const told = conn.info.keepAliveMs
    return Math.min(this.pool.limits.idleMs, this.#learnedIdleMs, told > 0 ? told * 0.8 : Infinity)
  }

  mayOpen(): boolean {
    return this.all.size === 0 || this.counter.total() < this.pool.limits.connections
  }

  get hasRoom(): boolean {
    return this.idle.length > 0 || this.mayOpen()
  }

  openFor(user: UpstreamUser): Upstream {
    this.counter.add(1)
    const conn = new Upstream(this, this.address, user)
    this.all.add(conn)
    return conn
  }

  /** The newest idle connection that can be trusted with a request, or null. */
  takeIdle(maxIdleMs: number): Upstream | null {
    const { now } = this.wheel
    for (;;) {
      const conn = this.idle.pop()
      if (conn === undefined) return null
      const { socket } = conn
      const idle = now - conn.idleSince
      if (conn.closed || socket.destroyed || socket.readableEnded || now - conn.openedAt > conn.maxAgeMs || idle > conn.idleMs) {
        conn.destroy()
        continue
      }
      if (idle > maxIdleMs) {
        this.idle.push(conn)
        return null
      }
      return conn
    }
  }

  onOpen(conn: Upstream): void {
    this.outMs = 0
    this.outUntil = 0
    // Jitter keeps a fleet's connections from ending in one moment.
    conn.maxAgeMs = this.pool.limits.maxAgeMs * (0.9 + 0.2 * this.pool.random())
    const { user } = conn
    if (user === null) this.pool.release(conn)
    else handOver(conn, user)
  }

  onConnectFailed(conn: Upstream, fault: ConnectFault): void {
    const { now } = this.wheel
    // Connects under way when the first one failed tell nothing new.
    if (now >= this.outUntil) {
      this.outMs = this.outMs === 0 ? OUT_FIRST_MS : Math.min(OUT_MAX_MS, this.outMs * 2)
      this.outUntil = now + this.outMs
    }
    const { user } = conn
    conn.user = null
    if (user === null) return
    try {
      user.onUnavailable(fault)
    } catch (error) {
      user.onCrash(error)
    }
  }

  onGone(conn: Upstream): void {
    if (!this.all.delete(conn)) return
    this.counter.add(-1)
    const at = this.idle.indexOf(conn)
    if (at >= 0) this.idle.splice(at, 1)
    if (this.retired && this.all.size === 0) this.pool.forget(this)
    this.pool.serveQueue()
  }

  onIdleClosed(idleMs: number): void {
    if (idleMs > 50) this.#learnedIdleMs = Math.max(100, Math.min(this.#learnedIdleMs, idleMs * 0.8))
  }
}
