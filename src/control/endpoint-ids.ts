/**
 * Indexes of addresses in the shared connection counters.
 *
 * An id stays with its address, over reloads and over control's own death. It goes to another address
 * only after it has been unused for long: pooled connections of the old one are still counted under it.
 */
import type { Owners } from './notes.ts'

export interface EndpointIds {
  /** The id of this address; null when all are taken. */
  of(key: string): number | null
  /** These ids are published now; the rest of all others begins, or goes on. */
  inUse(ids: readonly number[]): void
}

/** Longer than any pooled connection's maximal age by default (5 min), so its count has gone by then. */
const REST_MS = 600_000

export function createEndpointIds(owners: Owners, now: () => number): EndpointIds {
  const restingSince = new Map<number, number>()
  return {
    of: (key: string): number | null => {
      const known = owners.find(key)
      if (known >= 0) return known
      let id = 0
      while (id < owners.size && owners.used(id)) id++
      if (id === owners.size) id = longestRested()
      if (id < 0) return null
      owners.claim(id, key)
      restingSince.delete(id)
      return id
    },
    inUse: (ids: readonly number[]): void => {
      const used = new Set(ids)
      for (let id = 0; id < owners.size; id++) {
        if (used.has(id)) restingSince.delete(id)
        else if (owners.used(id) && !restingSince.has(id)) restingSince.set(id, now())
      }
    },
  }

  function longestRested(): number {
    let best = -1
    let since = now() - REST_MS
    for (const [id, at] of restingSince) {
      if (at > since) continue
      since = at
      best = id
    }
    return best
  }
}
