/**
 * Route names to slots, kept over reloads and over control's own death.
 *
 * A slot belongs to a name for as long as the name exists. A removed route's slot is retired: its word
 * loses LIVE, and another name may have it only when every data thread has acknowledged a snapshot
 * without the old name *and* holds no exchange of an earlier one: else an old exchange's end would be
 * counted for the new route.
 *
 * Allocation prefers slots never used in banks that exist already, then reclaimed ones, and only then
 * asks for a new bank: cells of a reused slot do not start at zero (see `counts.ts`), memory is not free.
 */
import { GATEWAY_SLOT, MAX_ROUTES, SLOTS_PER_BANK } from '../core/model/routing.ts'
import type { Owners } from './notes.ts'

export interface SlotPlan {
  readonly slots: Readonly<Record<string, number>>
  /** Slots given to names that had none before; reused ones have counts of their former route. */
  readonly added: readonly number[]
  /** Slots whose names are gone with this plan. */
  readonly retired: readonly number[]
  /** Ledger banks that must exist before the plan is published. */
  readonly banks: number
}

/** How far a data thread is: the snapshot it works with, and the oldest one an exchange still holds. */
export interface Ack {
  readonly revision: number
  readonly oldest: number
}

export interface SlotTable {
  /** Slots for exactly these names, or null when there are more names than slots. */
  plan(names: readonly string[], banksAvailable: number): SlotPlan | null
  /** The plan is out: from this revision on nobody starts an exchange on the retired slots. */
  published(plan: SlotPlan, revision: number): void
  /**
   * Gives retired slots back once every data thread is past them; returns those. One entry a data thread,
   * null = not heard of yet: of a thread we know nothing about, we must think that it still holds them.
   */
  reclaim(acks: readonly (Ack | null)[]): readonly number[]
}

export const MAX_NAMED_ROUTES = MAX_ROUTES - 1

export function createSlotTable(owners: Owners): SlotTable {
  /** Slot → revision of the first snapshot without it; Infinity until that one is published. */
  const retired = new Map<number, number>()
  return {
    plan: (names, banksAvailable) => {
      if (names.length > MAX_NAMED_ROUTES) return null
      const slots: Record<string, number> = {}
      const kept = new Set<number>()
      for (const name of names) {
        const slot = owners.find(name)
        if (slot <= GATEWAY_SLOT) continue
        slots[name] = slot
        kept.add(slot)
      }
      const added: number[] = []
      for (const name of names) {
        if (slots[name] !== undefined) continue
        const slot = freeSlot(owners, banksAvailable)
        if (slot === null) return null
        owners.claim(slot, name)
        slots[name] = slot
        kept.add(slot)
        added.push(slot)
      }
      const gone: number[] = []
      // Every owned slot, not only the last plan's: a predecessor's, or a refused plan's, count as well.
      for (let slot = 1; slot < owners.size; slot++) if (owners.owned(slot) && !kept.has(slot)) gone.push(slot)
      const highest = Math.max(GATEWAY_SLOT, ...kept)
      return { slots, added, retired: gone, banks: Math.floor(highest / SLOTS_PER_BANK) + 1 }
    },
    published: (plan, revision) => {
      for (const slot of Object.values(plan.slots)) retired.delete(slot)
      for (const slot of plan.retired) if (!retired.has(slot)) retired.set(slot, revision)
    },
    reclaim: (acks) => {
      const back: number[] = []
      for (const [slot, revision] of retired) {
        if (!acks.every((ack) => ack !== null && ack.revision >= revision && ack.oldest >= revision)) continue
        owners.giveBack(slot)
        retired.delete(slot)
        back.push(slot)
      }
      return back
    },
  }
}

function freeSlot(owners: Owners, banksAvailable: number): number | null {
  const here = Math.min(owners.size, banksAvailable * SLOTS_PER_BANK)
  for (let slot = 1; slot < here; slot++) if (!owners.used(slot)) return slot
  for (let slot = 1; slot < owners.size; slot++) if (!owners.owned(slot)) return slot
  return null
}
