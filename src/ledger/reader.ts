/**
 * The reading side of the ledger: adds up what all threads wrote, into JS numbers that never wrap.
 *
 * Writers count modulo 2^32. The reader keeps the last raw value of every cell and adds differences.
 * Slots whose change counter stands still are not read.
 *
 * A change counter may become visible before the cell it speaks for (weak memory order). So a slot that
 * was found changed is read once more the next time, changed or not: nothing stays unseen.
 *
 * Booking a dead thread's requests is not here: it must happen between its death and its successor
 * (lost.ts), which only the thread that restarts it can know.
 */
import type { SharedMemory } from '../core/model/messages.ts'
import { LANE_FALLBACK, LANE_V1, LANE_V2, LANES, REJECTIONS, REPAIRS } from '../core/model/observation.ts'
import { SLOTS_PER_BANK } from '../core/model/routing.ts'
import { countOf, HISTOGRAM_CELLS } from './histogram.ts'
import {
  bankOf,
  COUNT_CELLS,
  COUNTED,
  DURATION,
  HEADER_CELLS,
  LATENCY,
  mapRegion,
  OUTCOME_CELLS,
  REGION_CELLS,
  REJECTED,
  REPAIRED,
  SLOT_CELLS,
  SLOT_CHANGES,
  SLOT_SUMS,
  slotCell,
  STARTED,
} from './layout.ts'
import type { RegionView } from './layout.ts'
import { inFlightOf } from './totals.ts'
import type { HistogramTotals, SlotTotals } from './totals.ts'

export interface GatewayTotals {
  /** In the order of REJECTIONS. */
  readonly rejections: Float64Array
  /** In the order of REPAIRS. */
  readonly repairs: { readonly v1: Float64Array; readonly v2: Float64Array }
}

export interface Reader {
  slot(slot: number): SlotTotals
  /** Last byte of the request to the answer's head. */
  latency(slot: number, lane: number): HistogramTotals
  /** The whole exchange. */
  duration(slot: number, lane: number): HistogramTotals
  gateway(): GatewayTotals
  /** User-facing exchanges in flight now (a mirror is nobody's). */
  inFlight(): number
  /** The slot gets another owner: its totals begin at zero again. */
  forget(slot: number): void
  addBank(bank: number, memory: SharedArrayBuffer): void
}

export function createReader(memory: SharedMemory): Reader {
  return new LedgerReader(memory)
}

/** Cells counted in a slot after which its histograms are read unasked: far below a wrap. */
const HISTOGRAMS_DUE = 2 ** 30

class LedgerReader implements Reader {
  readonly #regions: number
  readonly #banks: (BankTotals | undefined)[] = []

  constructor(memory: SharedMemory) {
    this.#regions = memory.threads + 1
    memory.banks.forEach((bank, index) => this.addBank(index, bank))
  }

  addBank(bank: number, memory: SharedArrayBuffer): void {
    this.#banks[bank] ??= new BankTotals(memory, this.#regions)
  }

  slot(slot: number): SlotTotals {
    const bank = this.#banks[bankOf(slot)]
    bank?.readCounts(slot)
    const at = slotCell(slot)
    return {
      outcomes: copy(bank, at, OUTCOME_CELLS),
      started: copy(bank, at + STARTED, LANES.length),
      counters: copy(bank, at + COUNTED, COUNT_CELLS - COUNTED),
    }
  }

  latency(slot: number, lane: number): HistogramTotals {
    return this.#histogram(slot, LATENCY, lane, lane)
  }

  duration(slot: number, lane: number): HistogramTotals {
    return this.#histogram(slot, DURATION, lane, LANES.length + lane)
  }

  gateway(): GatewayTotals {
    const bank = this.#banks[0]
    bank?.readHeader()
    return {
      rejections: copy(bank, REJECTED, REJECTIONS.length),
      repairs: { v1: copy(bank, REPAIRED, REPAIRS.length), v2: copy(bank, REPAIRED + REPAIRS.length, REPAIRS.length) },
    }
  }

  inFlight(): number {
    let sum = 0
    for (let slot = 0; slot < this.#banks.length * SLOTS_PER_BANK; slot++) {
      if (this.#banks[bankOf(slot)]?.touched(slot) !== true) continue
      const totals = this.slot(slot)
      sum += inFlightOf(totals, LANE_V1) + inFlightOf(totals, LANE_V2) + inFlightOf(totals, LANE_FALLBACK)
    }
    return Math.max(0, sum)
  }

  forget(slot: number): void {
    this.#banks[bankOf(slot)]?.forget(slot)
  }

  #histogram(slot: number, first: number, lane: number, sum: number): HistogramTotals {
    const bank = this.#banks[bankOf(slot)]
    bank?.readHistograms(slot)
    const cells = copy(bank, slotCell(slot) + first + lane * HISTOGRAM_CELLS, HISTOGRAM_CELLS)
    return { cells, sumMs: bank?.sumOf(slot, sum) ?? 0, count: countOf(cells) }
  }
}

function copy(bank: BankTotals | undefined, from: number, length: number): Float64Array {
  return bank === undefined ? new Float64Array(length) : bank.totals.slice(from, from + length)
}

/** One bank: the regions merged, with what is needed to take differences. */
class BankTotals {
  readonly totals = new Float64Array(REGION_CELLS)
  readonly #regions: readonly RegionReader[]
  /** Sums at the last `forget`. */
  readonly #sumsBefore = new Float64Array(SLOTS_PER_BANK * SLOT_SUMS)

  constructor(memory: SharedArrayBuffer, regions: number) {
    this.#regions = Array.from({ length: regions }, (_, region) => new RegionReader(mapRegion(memory, region)))
  }

  readCounts(slot: number): void {
    for (const region of this.#regions) region.readCounts(slot % SLOTS_PER_BANK, this.totals)
  }

  readHistograms(slot: number): void {
    for (const region of this.#regions) region.readHistograms(slot % SLOTS_PER_BANK, this.totals)
  }

  readHeader(): void {
    for (const region of this.#regions) region.readCells(REJECTED, HEADER_CELLS, this.totals)
  }

  touched(slot: number): boolean {
    return this.#regions.some((region) => region.changes(slot % SLOTS_PER_BANK) !== 0)
  }

  sumOf(slot: number, sum: number): number {
    const index = (slot % SLOTS_PER_BANK) * SLOT_SUMS + sum
    let total = -(this.#sumsBefore[index] ?? 0)
    for (const region of this.#regions) total += region.sum(index)
    return total
  }

  forget(slot: number): void {
    this.readCounts(slot)
    this.readHistograms(slot)
    this.totals.fill(0, slotCell(slot), slotCell(slot) + SLOT_CELLS)
    const first = (slot % SLOTS_PER_BANK) * SLOT_SUMS
    for (let sum = 0; sum < SLOT_SUMS; sum++) {
      this.#sumsBefore[first + sum] = (this.#sumsBefore[first + sum] ?? 0) + this.sumOf(slot, sum)
    }
  }
}

/** One writer's region: the raw values as last read. */
class RegionReader {
  readonly #raw: RegionView
  readonly #last = new Uint32Array(REGION_CELLS)
  /** Slots that were changed when last read: read them once more. */
  readonly #again = new Uint8Array(SLOTS_PER_BANK)
  readonly #histogramsAt = new Uint32Array(SLOTS_PER_BANK)

  constructor(raw: RegionView) {
    this.#raw = raw
  }

  changes(inBank: number): number {
    return Atomics.load(this.#raw.cells, SLOT_CHANGES + inBank)
  }

  sum(index: number): number {
    return this.#raw.sums[index] ?? 0
  }

  readCounts(inBank: number, totals: Float64Array): void {
    const changes = this.changes(inBank)
    const changed = changes !== this.#last[SLOT_CHANGES + inBank]
    if (!changed && this.#again[inBank] === 0) return
    this.#again[inBank] = changed ? 1 : 0
    this.#last[SLOT_CHANGES + inBank] = changes
    const from = slotCell(inBank)
    // `started` lies behind the outcomes and is read after them: in flight never looks negative.
    this.readCells(from, from + COUNT_CELLS, totals)
    if ((changes - (this.#histogramsAt[inBank] ?? 0)) >>> 0 > HISTOGRAMS_DUE) this.readHistograms(inBank, totals)
  }

  readHistograms(inBank: number, totals: Float64Array): void {
    this.#histogramsAt[inBank] = this.changes(inBank)
    const from = slotCell(inBank)
    this.readCells(from + LATENCY, from + SLOT_CELLS, totals)
  }

  readCells(from: number, to: number, totals: Float64Array): void {
    const raw = this.#raw.cells
    const last = this.#last
    for (let cell = from; cell < to; cell++) {
      const now = raw[cell] ?? 0
      const delta = (now - (last[cell] ?? 0)) >>> 0
      if (delta === 0) continue
      last[cell] = now
      totals[cell] = (totals[cell] ?? 0) + delta
    }
  }
}
