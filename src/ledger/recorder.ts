/**
 * The writing side of the ledger: what a data thread calls several times per request.
 *
 * Integer index arithmetic and plain `++` on a Uint32Array that nobody else writes: no allocation, no
 * atomics, about 10 ns a call (bench/ledger). The change counters come last; a reader that sees one
 * before its cell reads the slot once more anyway (reader.ts).
 *
 * A snapshot may name a slot before the message with its bank arrives: the two travel on different
 * ports. Until then counts go to a spare of the same shape and are added to the bank when it comes.
 */
import type { SharedMemory } from '../core/model/messages.ts'
import { COUNTERS, LANES, OUTCOMES, REPAIRS } from '../core/model/observation.ts'
import { SLOTS_PER_BANK } from '../core/model/routing.ts'
import { cellOf, HISTOGRAM_CELLS } from './histogram.ts'
import {
  CLASSES,
  COUNTED,
  DURATION,
  HEADER_CELLS,
  LATENCY,
  mapRegion,
  REGION_BYTES,
  REJECTED,
  REPAIRED,
  SLOT_CELLS,
  SLOT_CHANGES,
  SLOT_SUMS,
  STARTED,
} from './layout.ts'
import type { RegionView } from './layout.ts'

const BANK_SHIFT = 31 - Math.clz32(SLOTS_PER_BANK)
const SLOT_MASK = SLOTS_PER_BANK - 1
const LANE_COUNT = LANES.length
const OUTCOME_COUNT = OUTCOMES.length
const COUNTER_COUNT = COUNTERS.length
const REPAIR_COUNT = REPAIRS.length

export interface Recorder {
  /** A request (or its copy) is about to be sent: in flight until `finished`. */
  started(slot: number, lane: number): void
  /**
   * The exchange ended with this outcome. `latencyMs`: last byte of the request to the answer's head,
   * below 0 when no head came or it must not count (loop lag). `totalMs`: the whole exchange, below 0
   * likewise.
   */
  finished(slot: number, lane: number, assigned: number, outcome: number, latencyMs: number, totalMs: number): void
  /** Adds one to a counter; see `counterId`. */
  count(slot: number, counter: number): void
  /** Index into REJECTIONS. */
  rejected(reason: number): void
  /** Backend 0 = v1, 1 = v2; kind: index into REPAIRS. */
  repaired(backend: number, kind: number): void
  addBank(bank: number, memory: SharedArrayBuffer): void
}

/** `region`: the data thread's index, or `compareRegion(memory)`. The caller must be its only writer. */
export function createRecorder(memory: SharedMemory, region: number): Recorder {
  return new RegionRecorder(memory, region)
}

class RegionRecorder implements Recorder {
  readonly #region: number
  readonly #cells: Uint32Array[] = []
  readonly #sums: Float64Array[] = []
  readonly #spares: boolean[] = []

  constructor(memory: SharedMemory, region: number) {
    this.#region = region
    memory.banks.forEach((bank, index) => this.addBank(index, bank))
    if (memory.banks.length === 0) this.#addSpare(0)
  }

  started(slot: number, lane: number): void {
    const bank = slot >>> BANK_SHIFT
    const cells = this.#cells[bank] ?? this.#addSpare(bank)
    const inBank = slot & SLOT_MASK
    increment(cells, HEADER_CELLS + inBank * SLOT_CELLS + STARTED + lane)
    changed(cells, inBank)
  }

  finished(slot: number, lane: number, assigned: number, outcome: number, latencyMs: number, totalMs: number): void {
    const bank = slot >>> BANK_SHIFT
    const cells = this.#cells[bank] ?? this.#addSpare(bank)
    const sums = this.#sums[bank] as Float64Array
    const inBank = slot & SLOT_MASK
    const base = HEADER_CELLS + inBank * SLOT_CELLS
    increment(cells, base + (lane * CLASSES + assigned) * OUTCOME_COUNT + outcome)
    if (latencyMs >= 0) {
      increment(cells, base + LATENCY + lane * HISTOGRAM_CELLS + cellOf(latencyMs))
      add(sums, inBank * SLOT_SUMS + lane, latencyMs)
    }
    if (totalMs >= 0) {
      increment(cells, base + DURATION + lane * HISTOGRAM_CELLS + cellOf(totalMs))
      add(sums, inBank * SLOT_SUMS + LANE_COUNT + lane, totalMs)
    }
    changed(cells, inBank)
  }

  count(slot: number, counter: number): void {
    // A name that is no counter has the index -1: that would be the last lane's `started`.
    if (counter < 0 || counter >= COUNTER_COUNT) return
    const bank = slot >>> BANK_SHIFT
    const cells = this.#cells[bank] ?? this.#addSpare(bank)
    const inBank = slot & SLOT_MASK
    increment(cells, HEADER_CELLS + inBank * SLOT_CELLS + COUNTED + counter)
    changed(cells, inBank)
  }

  rejected(reason: number): void {
    this.#countGateway(REJECTED + reason)
  }

  repaired(backend: number, kind: number): void {
    this.#countGateway(REPAIRED + backend * REPAIR_COUNT + kind)
  }

  addBank(bank: number, memory: SharedArrayBuffer): void {
    const view = mapRegion(memory, this.#region)
    if (this.#spares[bank] === true) this.#mergeSpare(bank, view)
    this.#cells[bank] = view.cells
    this.#sums[bank] = view.sums
    this.#spares[bank] = false
  }

  #countGateway(cell: number): void {
    const cells = this.#cells[0] as Uint32Array
    increment(cells, cell)
    changed(cells, 0)
  }

  #addSpare(bank: number): Uint32Array {
    const view = mapRegion(new ArrayBuffer(REGION_BYTES), 0)
    this.#cells[bank] = view.cells
    this.#sums[bank] = view.sums
    this.#spares[bank] = true
    return view.cells
  }

  /** Adds every cell: a request that began in the spare ends in the bank, and in flight stays right. */
  #mergeSpare(bank: number, into: RegionView): void {
    this.#cells[bank]?.forEach((count, cell) => {
      into.cells[cell] = (into.cells[cell] ?? 0) + count
    })
    this.#sums[bank]?.forEach((sum, index) => {
      into.sums[index] = (into.sums[index] ?? 0) + sum
    })
  }
}

// The assertions below spare the hot path a branch per cell; every index comes from the layout.
function increment(cells: Uint32Array, cell: number): void {
  cells[cell] = (cells[cell] as number) + 1
}

function add(sums: Float64Array, index: number, value: number): void {
  sums[index] = (sums[index] as number) + value
}

function changed(cells: Uint32Array, inBank: number): void {
  increment(cells, SLOT_CHANGES + inBank)
}
