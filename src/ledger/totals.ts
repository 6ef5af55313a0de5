/**
 * What a slot has counted since the reader began, over all threads; and the sums that may be asked of it.
 *
 * A value, not a view: keep one and subtract it from a later one (`since`) to learn what happened between.
 */
import { FAILURES, LANES, OUTCOMES } from '../core/model/observation.ts'
import type { Counter, Lane } from '../core/model/observation.ts'
import { counterId } from '../core/model/observation.ts'
import { CLASSES, outcomeCell } from './layout.ts'

export interface SlotTotals {
  /** Finished exchanges: lane × class × outcome, see `outcomeCell`. */
  readonly outcomes: Float64Array
  /** Per lane. */
  readonly started: Float64Array
  /** In the order of COUNTERS. */
  readonly counters: Float64Array
}

export interface HistogramTotals {
  readonly cells: Float64Array
  readonly sumMs: number
  readonly count: number
}

const FAILURE_OUTCOMES = FAILURES.map((name) => OUTCOMES.indexOf(name))

export function laneId(lane: Lane): number {
  return LANES.indexOf(lane)
}

/** Exchanges of a lane with this outcome, of one class or of both. */
export function outcomeOf(totals: SlotTotals, lane: number, outcome: number, assigned?: number): number {
  if (assigned !== undefined) return totals.outcomes[outcomeCell(lane, assigned, outcome)] ?? 0
  let sum = 0
  for (let each = 0; each < CLASSES; each++) sum += totals.outcomes[outcomeCell(lane, each, outcome)] ?? 0
  return sum
}

/** Finished exchanges of a lane, of one class or of both. */
export function finishedOf(totals: SlotTotals, lane: number, assigned?: number): number {
  let sum = 0
  for (let outcome = 0; outcome < OUTCOMES.length; outcome++) sum += outcomeOf(totals, lane, outcome, assigned)
  return sum
}

/** Finished exchanges that count as the backend's failure. */
export function failuresOf(totals: SlotTotals, lane: number, assigned?: number): number {
  return FAILURE_OUTCOMES.reduce((sum, outcome) => sum + outcomeOf(totals, lane, outcome, assigned), 0)
}

export function inFlightOf(totals: SlotTotals, lane: number): number {
  return (totals.started[lane] ?? 0) - finishedOf(totals, lane)
}

export function counterOf(totals: SlotTotals, counter: Counter): number {
  return totals.counters[counterId(counter)] ?? 0
}

/** What was counted after `before` was read. */
export function since(now: SlotTotals, before: SlotTotals): SlotTotals {
  return {
    outcomes: difference(now.outcomes, before.outcomes),
    started: difference(now.started, before.started),
    counters: difference(now.counters, before.counters),
  }
}

function difference(now: Float64Array, before: Float64Array): Float64Array {
  return now.map((value, index) => value - (before[index] ?? 0))
}
