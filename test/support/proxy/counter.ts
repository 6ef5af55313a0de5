/** The process's counters of open connections, one per endpoint id, as plain numbers. */
import type { ConnectionCounter } from '../../../src/wire/endpoint-pool.ts'

export interface Counters {
  of(id: number): ConnectionCounter
  open(): number
}

export function connections(): Counters {
  const counts = new Map<number, number>()
  return {
    of: (id) => ({
      total: () => counts.get(id) ?? 0,
      add: (by) => void counts.set(id, (counts.get(id) ?? 0) + by),
    }),
    open: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
  }
}
