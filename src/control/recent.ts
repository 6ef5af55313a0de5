/**
 * The last minute of every slot: what `status` calls the actual share and `plan` the load v1 would get back.
 *
 * Counts since the start would tell of weights long gone.
 */
import { LANE_V1, LANE_V2 } from '../core/model/observation.ts'
import { counterOf, finishedOf } from '../ledger/totals.ts'
import type { SlotTotals } from '../ledger/totals.ts'

export interface Traffic {
  readonly v1: number
  readonly v2: number
  readonly keyless: number
  readonly seconds: number
}

export interface Recent {
  /** To be called about once a second per slot. */
  add(slot: number, totals: SlotTotals): void
  /** Finished in the last minute, or since the slot was first seen when that is less; null before the second call. */
  of(slot: number): Traffic | null
  forget(slot: number): void
}

interface Reading extends Traffic {
  readonly at: number
}

const SPAN_MS = 60_000

export function createRecent(now: () => number): Recent {
  const slots = new Map<number, Reading[]>()
  return {
    add: (slot, totals) => {
      const readings = slots.get(slot) ?? []
      slots.set(slot, readings)
      readings.push(read(totals, now()))
      // The oldest kept is the newest that is a whole span old: the window is never shorter than the span.
      while (readings.length > 2 && now() - (readings[1]?.at ?? 0) >= SPAN_MS) readings.shift()
    },
    of: (slot) => {
      const readings = slots.get(slot) ?? []
      const first = readings[0]
      const last = readings.at(-1)
      if (first === undefined || last === undefined || first === last) return null
      return {
        v1: last.v1 - first.v1,
        v2: last.v2 - first.v2,
        keyless: last.keyless - first.keyless,
        seconds: Math.max(1, last.at - first.at) / 1_000,
      }
    },
    forget: (slot) => void slots.delete(slot),
  }
}

/** A request that fell back was v2's first, so it is v2's here: the share is what the split did. */
function read(totals: SlotTotals, at: number): Reading {
  return {
    v1: finishedOf(totals, LANE_V1),
    v2: finishedOf(totals, LANE_V2),
    keyless: counterOf(totals, 'keyless'),
    seconds: 0,
    at,
  }
}
