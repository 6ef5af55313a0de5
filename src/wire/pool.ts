/**
 * Connections of one data thread to one backend: kept idle, reused last-in first-out, capped.
 *
 * Each endpoint's cap holds for the whole process, through counters every thread can read; each thread
 * may always have one. At the cap requests wait in order; how long is the user's affair (it cancels).
 * An endpoint that refused a connection is left out for a second, doubling to thirty, unless all are.
 */
import { EndpointPool } from './endpoint-pool.ts'
import type { ConnectionCounter, EndpointOwner, PoolLimits } from './endpoint-pool.ts'
import type { Address } from './socket.ts'
import { handOver } from './upstream.ts'
import type { Upstream, UpstreamUser } from './upstream.ts'
import type { Wheel } from './wheel.ts'

/** A request that may not be repeated takes a pooled connection only when it was idle for less than this. */
const FRESH_IDLE_MS = 1_000

export class Pool implements EndpointOwner {
  readonly wheel: Wheel
  readonly random: () => number
  limits: PoolLimits
  #endpoints: EndpointPool[] = []
  readonly #queue: UpstreamUser[] = []
  readonly #counterOf: (id: number) => ConnectionCounter
  #serving = false
  readonly #byId = new Map<number, EndpointPool>()
  /** No longer in the snapshot, but with connections in use. */
  readonly #retired = new Set<EndpointPool>()
  /** Users a turn away from a pooled connection (`acquireOnce`). */
  readonly #looking = new Set<UpstreamUser>()

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
      const same = known !== undefined && sameAddress(known.address, address)
      next.push(same ? known : new EndpointPool(this, address, this.#counterOf(address.id)))
    }
    for (const old of this.#endpoints) {
      if (next.includes(old)) continue
      old.retired = true
      if (old.all.size > 0) this.#retired.add(old)
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
    // For this turn it is nobody's: whatever comes on it ends it.
    this.#looking.add(user)
    setImmediate(() => {
      if (!this.#looking.delete(user)) this.release(conn)
      else if (conn.closed) this.acquire(user, 0)
      else handOver(conn, user)
    })
  }

  /** The user waits no longer. True when it had been queued for a connection at the cap. */
  cancel(user: UpstreamUser): boolean {
    const at = this.#queue.indexOf(user)
    if (at >= 0) {
      this.#queue.splice(at, 1)
      return true
    }
    this.#looking.delete(user)
    for (const endpoint of [...this.#endpoints, ...this.#retired]) {
      for (const conn of endpoint.all) {
        // A connection still opening is kept for somebody else.
        if (conn.user === user && !conn.open) conn.user = null
      }
    }
    return false
  }

  forget(endpoint: EndpointPool): void {
    this.#retired.delete(endpoint)
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
      else handOver(conn, user)
    }
    this.#serving = false
  }

  /**
   * Two random choices, the one with fewer in flight; endpoints that refuse are left out unless all do. One at its
   * cap is chosen only when all are.
   */
  #choose(): EndpointPool | null {
    const all = this.#endpoints
    if (all.length <= 1) return all[0] ?? null
    const { now } = this.wheel
    const usable = all.filter((endpoint) => endpoint.outUntil <= now)
    const from = usable.length > 0 ? usable : all
    const a = from[Math.floor(this.random() * from.length)] ?? null
    const b = from[Math.floor(this.random() * from.length)] ?? null
    const chosen = a !== null && b !== null && b.busy < a.busy ? b : a
    return chosen === null || chosen.hasRoom ? chosen : (from.find((endpoint) => endpoint.hasRoom) ?? chosen)
  }

  /** Closes every idle connection, and with `all` those in use. */
  close(all = false): void {
    // Nobody gets a connection that another one's end makes room for.
    if (all) this.#queue.length = 0
    for (const endpoint of [...this.#endpoints, ...this.#retired]) {
      // Copies: a connection leaves both lists as it ends.
      for (const conn of Array.from(all ? endpoint.all : endpoint.idle)) conn.destroy()
    }
  }
}

/** Another socket path, TLS or not, or another name on the certificate: connections of one are none of the other's. */
function sameAddress(a: Address, b: Address): boolean {
  return a.address === b.address && a.port === b.port && a.socketPath === b.socketPath && a.tls === b.tls && a.serverName === b.serverName
}
