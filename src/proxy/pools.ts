/**
 * The pools of one data thread: one per backend for clients' requests, one per backend for mirrors, so that a
 * slow shadow can never hold a connection a client needs.
 */
import type { Backend } from '../core/model/config.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { Pool } from '../wire/pool.ts'
import type { ConnectionCounter } from '../wire/endpoint-pool.ts'
import type { Wheel } from '../wire/wheel.ts'
import { headLimitsOf } from './limits.ts'

/** Mirrors count their connections for themselves, not against the process's cap. */
export function alone(): ConnectionCounter {
  let open = 0
  return { total: () => open, add: (by) => void (open += by) }
}

type CounterOf = (id: number) => ConnectionCounter

export function createPools(wheel: Wheel, snapshot: Snapshot, counterOf: CounterOf, mirrors: boolean): Readonly<Record<Backend, Pool>> {
  const pool = (backend: Backend): Pool => new Pool(wheel, poolLimits(snapshot, backend, mirrors), counterOf, Math.random)
  return { v1: pool('v1'), v2: pool('v2') }
}

/** Mirrors have as many connections as they may have requests. */
export function poolLimits(snapshot: Snapshot, backend: Backend, mirrors: boolean): Pool['limits'] {
  const { pool, limits, backends, routes } = snapshot.config
  const connects = routes.map((route) => route.timeouts.connectMs)
  // Each request has its own deadline; the connection's is for one that nobody waits for any more. 0 = none.
  const connectMs = connects.includes(0) ? 0 : Math.max(...connects)
  const concurrency = routes.reduce((sum, route) => sum + route.mirror.concurrency, 0)
  return {
    connections: mirrors ? concurrency : pool.connections,
    queue: mirrors ? concurrency : pool.queue,
    idleMs: pool.idleMs,
    maxAgeMs: pool.maxAgeMs,
    connectMs,
    head: headLimitsOf(limits),
    strict: backends[backend].strict,
  }
}
