/**
 * What each thread says about itself now: a row of Int32 per thread, written by that thread alone.
 *
 * The heartbeat is a number that moves, not a time: whoever watches it uses one clock, his own.
 *
 * Open upstream connections are counted twice: in the process-wide cell that the cap is checked
 * against, and in the thread's own row. When a thread dies its row says what to take off the
 * process-wide count; without it every death would make the cap smaller for good.
 */
import type { SharedMemory } from '../core/model/messages.ts'
import { MAX_ENDPOINTS } from '../core/model/routing.ts'

export const GAUGE_HEARTBEAT = 0
export const GAUGE_LOOP_LAG_MS = 1
export const GAUGE_CLIENT_CONNECTIONS = 2
export const GAUGE_INFLIGHT = 3
/** Bytes held, tapped and writable over all connections of the thread; below 2 GiB. */
export const GAUGE_HELD_BYTES = 4
export const GAUGE_TUNNELS = 5

/** Gauges start a row, on a cache line of their own; connections per endpoint follow. */
const ENDPOINTS = 16
const THREAD_CELLS = ENDPOINTS + MAX_ENDPOINTS

/** Rows: the data threads, then compare, then control. */
export function gaugesBytes(threads: number): number {
  return (threads + 2) * THREAD_CELLS * Int32Array.BYTES_PER_ELEMENT
}

export function controlRow(memory: Pick<SharedMemory, 'threads'>): number {
  return memory.threads + 1
}

export interface Gauges {
  /** Called on every tick of the thread's clock: says that the thread is not stuck. */
  beat(): void
  set(gauge: number, value: number): void
  add(gauge: number, delta: number): void
  get(gauge: number): number
  /** Notes an opened upstream connection; returns how many the whole process now has there. */
  connected(endpoint: number): number
  disconnected(endpoint: number): void
  /** Open connections of the whole process to this endpoint. */
  connections(endpoint: number): number
}

/** `row`: the thread's index, `compareRegion(memory)` or `controlRow(memory)`; the caller is its only writer. */
export function createGauges(memory: SharedMemory, row: number): Gauges {
  const own = new Int32Array(memory.gauges, row * THREAD_CELLS * Int32Array.BYTES_PER_ELEMENT, THREAD_CELLS)
  const shared = new Int32Array(memory.connections)
  const gauges: Gauges = {
    beat: () => gauges.add(GAUGE_HEARTBEAT, 1),
    set: (gauge, value) => void (own[gauge] = value),
    add: (gauge, delta) => void (own[gauge] = (own[gauge] ?? 0) + delta),
    get: (gauge) => own[gauge] ?? 0,
    connected: (endpoint) => {
      own[ENDPOINTS + endpoint] = (own[ENDPOINTS + endpoint] ?? 0) + 1
      return Atomics.add(shared, endpoint, 1) + 1
    },
    disconnected: (endpoint) => {
      own[ENDPOINTS + endpoint] = (own[ENDPOINTS + endpoint] ?? 0) - 1
      Atomics.sub(shared, endpoint, 1)
    },
    connections: (endpoint) => Atomics.load(shared, endpoint),
  }
  return gauges
}

/** One gauge of one row, from any thread. */
export function readGauge(memory: SharedMemory, row: number, gauge: number): number {
  return new Int32Array(memory.gauges, row * THREAD_CELLS * Int32Array.BYTES_PER_ELEMENT, THREAD_CELLS)[gauge] ?? 0
}

/** A gauge summed over the data threads. */
export function sumGauge(memory: SharedMemory, gauge: number): number {
  let sum = 0
  for (let row = 0; row < memory.threads; row++) sum += readGauge(memory, row, gauge)
  return sum
}

/**
 * Forgets a dead thread: its connections leave the process-wide count, its gauges return to zero.
 * To be called while the row has no writer. The heartbeat stays where it stopped.
 */
export function clearRow(memory: SharedMemory, row: number): void {
  const own = new Int32Array(memory.gauges, row * THREAD_CELLS * Int32Array.BYTES_PER_ELEMENT, THREAD_CELLS)
  const shared = new Int32Array(memory.connections)
  for (let endpoint = 0; endpoint < MAX_ENDPOINTS; endpoint++) {
    const open = own[ENDPOINTS + endpoint] ?? 0
    if (open !== 0) Atomics.sub(shared, endpoint, open)
  }
  own.fill(0, GAUGE_HEARTBEAT + 1)
}
