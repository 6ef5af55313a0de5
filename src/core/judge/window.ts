/**
 * Counts of the trailing ten minutes, in slices of ten seconds that are dropped whole.
 *
 * It says whether there is enough traffic to call v2 healthy; it is never what a trip goes by.
 */
import { at } from './cells.ts'
import type { Counts } from './counts.ts'

export const WINDOW_MS = 600_000
const SLICE_MS = 10_000
const SLICES = WINDOW_MS / SLICE_MS

export interface Window {
  readonly sinceMs: number
  readonly canary: Counts
  readonly baseline: Counts
  /** Moves on to `elapsedMs` (never backwards), then adds. */
  add(elapsedMs: number, canary: Counts, baseline: Counts): void
}

/** Cells of a slice: canary bad, canary total, baseline bad, baseline total. */
const CELLS = 4

export function createWindow(sinceMs: number): Window {
  const slices = new Float64Array(SLICES * CELLS)
  const sums = new Float64Array(CELLS)
  let current = Math.floor(sinceMs / SLICE_MS)
  const moveTo = (slice: number): void => {
    const steps = Math.min(slice - current, SLICES)
    for (let step = 1; step <= steps; step++) {
      const offset = ((slice - steps + step) % SLICES) * CELLS
      for (let cell = 0; cell < CELLS; cell++) {
        sums[cell] = at(sums, cell) - at(slices, offset + cell)
        slices[offset + cell] = 0
      }
    }
    current = slice
  }
  return {
    sinceMs,
    get canary() {
      return { bad: at(sums, 0), total: at(sums, 1) }
    },
    get baseline() {
      return { bad: at(sums, 2), total: at(sums, 3) }
    },
    add: (elapsedMs, canary, baseline) => {
      const slice = Math.floor(elapsedMs / SLICE_MS)
      if (slice > current) moveTo(slice)
      const offset = (current % SLICES) * CELLS
      for (const [cell, value] of [canary.bad, canary.total, baseline.bad, baseline.total].entries()) {
        slices[offset + cell] = at(slices, offset + cell) + value
        sums[cell] = at(sums, cell) + value
      }
    },
  }
}
