/**
 * The primitive under every stream the judge looks at: an e-detector of CUSUM type.
 *
 * For each alternative of a grid it keeps the log of a likelihood ratio of the events since that alternative
 * last restarted: a restart is due whenever the ratio fell below 1 at the end of a slice (one second). The
 * detector's value is the mean over the grid. Under the null the expected value at any stopping time is at
 * most that of the number of slices seen, so "value ≥ exp(h)" comes on average no earlier than exp(h) slices after
 * the start, however often one looks, at whatever moment one stops, whichever alternative is true.
 *
 * Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection",
 * New England Journal of Statistics in Data Science (2024), arXiv:2203.03532: e-detectors, their average run
 * length, and mixtures of them, which are e-detectors again.
 *
 * Refused: floors at every look (ten times the slices, ten times the false alarms), windows (a naive 60 s
 * window of the same limits rolls back a healthy v2 within the hour), alpha spending (a month-long ramp).
 * Everything is in logarithms, so nothing overflows; the cap keeps a week of outage in shadow from taking a
 * week to forget (a smaller value is never less valid).
 */
import { at } from './cells.ts'

export interface Detector {
  /** Log of the mean over the grid; 0 = no evidence. */
  readonly logE: number
  /** Index of the strongest alternative. */
  readonly leader: number
  /** Adds the log likelihood ratio of further events in the open slice to one alternative. */
  add(alternative: number, logRatio: number): void
  /** Ends the slice for one alternative: restarts it when it fell below 1, and tells. */
  close(alternative: number): boolean
  reset(): void
}

/** `capAt`: the highest value of log e that anybody asks about, now. */
export function createDetector(size: number, capAt: () => number): Detector {
  const logs = new Float64Array(size)
  const leader = (): number => {
    let best = 0
    for (let index = 1; index < size; index++) if (at(logs, index) > at(logs, best)) best = index
    return best
  }
  return {
    get logE() {
      return size === 0 ? 0 : logMeanExp(logs, at(logs, leader()))
    },
    get leader() {
      return leader()
    },
    add: (alternative, logRatio) => {
      // One alternative alone at the cap makes log e reach what is asked about; the 1 is for rounding.
      const cap = capAt() + Math.log(size) + 1
      logs[alternative] = Math.min(cap, at(logs, alternative) + logRatio)
    },
    close: (alternative) => {
      const restarts = !(at(logs, alternative) > 0)
      if (restarts) logs[alternative] = 0
      return restarts
    },
    reset: () => {
      logs.fill(0)
    },
  }
}

function logMeanExp(logs: Float64Array, highest: number): number {
  let sum = 0
  for (const value of logs) sum += Math.exp(value - highest)
  return highest + Math.log(sum / logs.length)
}
