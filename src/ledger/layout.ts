/**
 * Where everything lies in the shared memory of the ledger.
 *
 * A bank is one SharedArrayBuffer for 64 slots. It holds one *region* per writer: the data threads, then
 * the compare thread. A region is written by exactly one thread, so plain `++` is enough, and read by
 * control, which adds the regions up. Banks are added, never resized: a typed array over a bank stays valid.
 *
 *   bank   = region × (threads + 1)
 *   region = header | 64 × slot cells (Uint32) | 64 × sums (Float64)
 *   header = change counter per slot | rejections | repairs per backend
 *   slot   = outcomes lane × class × outcome | started per lane | counters | histograms lane × 2
 *
 * The totals of lanes are not stored: they are sums of disjoint cells, so no reader can see more bad
 * answers than answers.
 */
import type { SharedMemory } from '../core/model/messages.ts'
import { COUNTERS, LANES, OUTCOMES, REJECTIONS, REPAIRS } from '../core/model/observation.ts'
import { MAX_ROUTES, SLOTS_PER_BANK } from '../core/model/routing.ts'
import { HISTOGRAM_CELLS } from './histogram.ts'

export const MAX_BANKS = MAX_ROUTES / SLOTS_PER_BANK

/** Header: how often each slot changed, modulo 2^32. Who reads looks here first: an idle slot costs one load. */
export const SLOT_CHANGES = 0
/** Gateway-wide cells; only bank 0's are used. */
export const REJECTED = SLOT_CHANGES + SLOTS_PER_BANK
export const REPAIRED = REJECTED + REJECTIONS.length
/** A cache line of 16 cells is the unit two writers must not share. */
export const HEADER_CELLS = roundUp(REPAIRED + 2 * REPAIRS.length, 16)

export const CLASSES = 2
/** A slot's cells begin with its outcomes. */
const OUTCOMES_AT = 0
export const OUTCOME_CELLS = LANES.length * CLASSES * OUTCOMES.length
export const STARTED = OUTCOMES_AT + OUTCOME_CELLS
export const COUNTED = STARTED + LANES.length
/** Cells of a slot before its histograms: what the judge reads every tick. */
export const COUNT_CELLS = COUNTED + COUNTERS.length
/** Time to the answer's head, then the whole exchange: one histogram each per lane. */
export const LATENCY = OUTCOMES_AT + COUNT_CELLS
export const DURATION = LATENCY + LANES.length * HISTOGRAM_CELLS
export const SLOT_CELLS = roundUp(DURATION + LANES.length * HISTOGRAM_CELLS, 16)

/** Milliseconds summed up, beside the histograms: latency per lane, then duration per lane. */
export const SLOT_SUMS = 2 * LANES.length

export const REGION_CELLS = HEADER_CELLS + SLOTS_PER_BANK * SLOT_CELLS
const SUMS_BYTES = SLOTS_PER_BANK * SLOT_SUMS * Float64Array.BYTES_PER_ELEMENT
export const REGION_BYTES = roundUp(REGION_CELLS * Uint32Array.BYTES_PER_ELEMENT + SUMS_BYTES, 64)

/** One region of one bank, as its writer or a reader maps it. */
export interface RegionView {
  readonly cells: Uint32Array
  readonly sums: Float64Array
}

/** Bytes of one bank for so many data threads (and the compare thread). */
export function bankBytes(threads: number): number {
  return (threads + 1) * REGION_BYTES
}

export function mapRegion(bank: SharedArrayBuffer | ArrayBuffer, region: number): RegionView {
  const start = region * REGION_BYTES
  return {
    cells: new Uint32Array(bank, start, REGION_CELLS),
    sums: new Float64Array(bank, start + REGION_CELLS * Uint32Array.BYTES_PER_ELEMENT, SLOTS_PER_BANK * SLOT_SUMS),
  }
}

/** First cell of a slot within its region. */
export function slotCell(slot: number): number {
  return HEADER_CELLS + (slot % SLOTS_PER_BANK) * SLOT_CELLS
}

export function bankOf(slot: number): number {
  return Math.floor(slot / SLOTS_PER_BANK)
}

/** Index of an outcome within a slot's cells. */
export function outcomeCell(lane: number, assigned: number, outcome: number): number {
  return (lane * CLASSES + assigned) * OUTCOMES.length + outcome
}

/** The region the compare thread writes. */
export function compareRegion(memory: Pick<SharedMemory, 'threads'>): number {
  return memory.threads
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
