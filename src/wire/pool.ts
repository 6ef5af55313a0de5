/**
 * Connections of one data thread to one backend: kept idle, reused last-in first-out, capped.
 *
 * Each endpoint's cap holds for the whole process, through counters every thread can read; each thread
 * may always have one. At the cap requests wait in order; how long is the user's affair (it cancels).
 * An endpoint that refused a connection is left out for a second, doubling to thirty, unless all are.
 */
import type { HeadLimits } from './head.ts'
import type { Address } from './socket.ts'
import { Upstream } from './upstream.ts'
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
/** A request that may not be repeated takes a pooled connection only when it was idle for less than this. */
const FRESH_IDLE_MS = 1_000

/** One endpoint's connections. */
class EndpointPool implements UpstreamOwner {
  readonly wheel: Wheel
  readonly pool: Pool
  readonly address: Address
  readonly counter: ConnectionCounter
  readonly idle: Upstream[] = []
  readonly all = new Set<Upstream>()
  outUntil = 0
  outMs = 0
  /** Removed from the snapshot: finishes what it has, keeps nothing. */
  retired = false
  #learnedIdleMs = Infinity

  constructor(pool: Pool, address: Address, counter: ConnectionCounter) {
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
    else user.onConnected(conn)
  }

  onConnectFailed(conn: Upstream, fault: ConnectFault): void {
    this.outMs = this.outMs === 0 ? OUT_FIRST_MS : Math.min(OUT_MAX_MS, this.outMs * 2)
    this.outUntil = this.wheel.now + this.outMs
    const { user } = conn
    conn.user = null
    user?.onUnavailable(fault)
  }

  onGone(conn: Upstream): void {
    if (!this.all.delete(conn)) return
    this.counter.add(-1)
    const at = this.idle.indexOf(conn)
    if (at >= 0) this.idle.splice(at, 1)
    this.pool.serveQueue()
  }

  onIdleClosed(idleMs: number): void {
    if (idleMs > 50) this.#learnedIdleMs = Math.max(100, Math.min(this.#learnedIdleMs, idleMs * 0.8))
  }
}

export class Pool {
  readonly wheel: Wheel
  readonly random: () => number
  limits: PoolLimits
  #endpoints: EndpointPool[] = []
  readonly #queue: UpstreamUser[] = []
  readonly #counterOf: (id: number) => ConnectionCounter
  #serving = false
  readonly #byId = new Map<number, EndpointPool>()

  constructor(wheel: Wheel, limits: PoolLimits, counterOf: (id: number) => ConnectionCounter, random: () => number) {
    this.wheel = wheel
    this.limits = limits
    this.#counterOf = counterOf
    this.random = random
  }

  /** Replaces the addresses; connections to those gone are closed when idle. */
  setEndpoints(addresses: readonly (Address & { readonly id: number })[]): void {
    const next: EndpointPool[] = []
    for (const address of addresses) {
      const known = this.#byId.get(address.id)
      const same = known !== undefined && known.address.address === address.address && known.address.port === address.port
      const pool = same ? known : new EndpointPool(this, address, this.#counterOf(address.id))
      pool.retired = false
      next.push(pool)
    }
    for (const old of this.#endpoints) {
      if (next.includes(old)) continue
      old.retired = true
      old.idle.slice().forEach((conn) => conn.destroy())
    }
    this.#byId.clear()
    addresses.forEach(({ id }, index) => {
      const pool = next[index]
      if (pool !== undefined) this.#byId.set(id, pool)
    })
    this.#endpoints = next
    this.serveQueue()
  }

  get hasEndpoints(): boolean {
    return this.#endpoints.length > 0
  }

  get waiting(): number {
    return this.#queue.length
  }

  /**
   * A connection for `user`: returned when one is idle; else the user is told later (`onConnected`,
   * `onUnavailable`) and null is returned. `maxIdleMs` 0 asks for a fresh connection.
   */
  acquire(user: UpstreamUser, maxIdleMs: number): Upstream | null {
    const endpoint = this.#choose()
    if (endpoint === null) {
      user.onUnavailable('refused')
      return null
    }
    if (maxIdleMs > 0) {
      const conn = endpoint.takeIdle(maxIdleMs)
      if (conn !== null) return conn
    }
    if (endpoint.mayOpen()) endpoint.openFor(user)
    else if (this.#queue.length < this.limits.queue) this.#queue.push(user)
    else user.onUnavailable('busy')
    return null
  }

  /**
   * As `acquire`, for a request that may not be repeated: a pooled connection is looked at again one turn
   * of the event loop later, when a FIN that was on its way has been seen.
   */
  acquireOnce(user: UpstreamUser): void {
    const endpoint = this.#choose()
    const conn = endpoint?.takeIdle(FRESH_IDLE_MS) ?? null
    if (conn === null) {
      this.acquire(user, 0)
      return
    }
    conn.user = user
    setImmediate(() => {
      if (conn.user !== user) return
      if (conn.closed || conn.socket.destroyed || conn.ended) {
        conn.user = null
        this.acquire(user, 0)
      } else {
        user.onConnected(conn)
      }
    })
  }

  /** The user waits no longer. True when it had been queued for a connection at the cap. */
  cancel(user: UpstreamUser): boolean {
    const at = this.#queue.indexOf(user)
    if (at >= 0) {
      this.#queue.splice(at, 1)
      return true
    }
    for (const endpoint of this.#endpoints) {
      for (const conn of endpoint.all) {
        // A connection still opening is kept for somebody else.
        if (conn.user === user && !conn.open) conn.user = null
      }
    }
    return false
  }

  /** A connection whose exchange ended cleanly. */
  release(conn: Upstream): void {
    const endpoint = conn.owner
    conn.user = null
    if (!(endpoint instanceof EndpointPool) || endpoint.retired || conn.closed || conn.ended || conn.socket.writableLength > 0) {
      conn.destroy()
      return
    }
    conn.idleSince = this.wheel.now
    conn.idleMs = endpoint.idleMs(conn)
    endpoint.idle.push(conn)
    this.wheel.arm(conn.entry, conn.idleSince + conn.idleMs)
    this.serveQueue()
  }

  /** Hands free connections to those who wait, in order. */
  serveQueue(): void {
    if (this.#serving || this.#queue.length === 0) return
    this.#serving = true
    while (this.#queue.length > 0) {
      const endpoint = this.#choose()
      const conn = endpoint?.takeIdle(Infinity) ?? null
      if (conn === null && (endpoint === null || !endpoint.mayOpen())) break
      const user = this.#queue.shift()
      if (user === undefined) break
      if (conn === null) endpoint?.openFor(user)
      else user.onConnected(conn)
    }
    this.#serving = false
  }

  /** Two random choices, the one with fewer in flight; endpoints that refuse are left out unless all do. */
  #choose(): EndpointPool | null {
    const all = this.#endpoints
    if (all.length <= 1) return all[0] ?? null
    const { now } = this.wheel
    const usable = all.filter((endpoint) => endpoint.outUntil <= now)
    const from = usable.length > 0 ? usable : all
    const a = from[Math.floor(this.random() * from.length)] ?? null
    const b = from[Math.floor(this.random() * from.length)] ?? null
    return a !== null && b !== null && b.busy < a.busy ? b : a
  }

  /** Closes every idle connection, and with `all` those in use. */
  close(all = false): void {
    for (const endpoint of this.#endpoints) {
      // Copies: a connection leaves both lists as it ends.
      for (const conn of Array.from(all ? endpoint.all : endpoint.idle)) conn.destroy()
    }
  }
}
