/**
 * Books what a dead thread had in flight as `lost`, so that started = finished + in flight stays true
 * and a successor can continue the region.
 *
 * Whoever restarts the thread calls this between its death and the start of the successor: at no other
 * moment has the region no writer, and a count taken later would take the successor's requests for lost.
 */
import type { SharedMemory } from '../core/model/messages.ts'
import { ASSIGNED_OTHERWISE, LANES, OUTCOME_LOST } from '../core/model/observation.ts'
import { SLOTS_PER_BANK } from '../core/model/routing.ts'
import { mapRegion, OUTCOME_CELLS, outcomeCell, SLOT_CHANGES, slotCell, STARTED } from './layout.ts'

const CELLS_PER_LANE = OUTCOME_CELLS / LANES.length

/** Returns how many exchanges were lost. */
export function bookLost(memory: SharedMemory, region: number): number {
  let lost = 0
  for (const bank of memory.banks) {
    const { cells } = mapRegion(bank, region)
    for (let slot = 0; slot < SLOTS_PER_BANK; slot++) {
      // A slot that never counted anything has nothing in flight.
      if (cells[SLOT_CHANGES + slot] === 0) continue
      const ofSlot = bookSlot(cells, slotCell(slot))
      if (ofSlot === 0) continue
      lost += ofSlot
      add(cells, SLOT_CHANGES + slot, 1)
    }
  }
  return lost
}

function bookSlot(cells: Uint32Array, base: number): number {
  let lost = 0
  for (let lane = 0; lane < LANES.length; lane++) {
    let finished = 0
    const first = base + lane * CELLS_PER_LANE
    for (let cell = first; cell < first + CELLS_PER_LANE; cell++) finished += cells[cell] ?? 0
    // Both sides wrap at 2^32; their difference is small and, taken modulo 2^32, right.
    const inFlight = ((cells[base + STARTED + lane] ?? 0) - finished) | 0
    if (inFlight <= 0) continue
    add(cells, base + outcomeCell(lane, ASSIGNED_OTHERWISE, OUTCOME_LOST), inFlight)
    lost += inFlight
  }
  return lost
}

function add(cells: Uint32Array, cell: number, count: number): void {
  cells[cell] = (cells[cell] ?? 0) + count
}
