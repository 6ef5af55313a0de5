import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cellOf, countOf, cumulativeAt, HISTOGRAM_CELLS, lowerEdgeMs, quantile } from '../../src/ledger/histogram.ts'

const latency = fc.double({ min: 0.1, max: 120_000, noNaN: true })

function cellsOf(latencies: readonly number[]): Float64Array {
  const cells = new Float64Array(HISTOGRAM_CELLS)
  for (const ms of latencies) cells[cellOf(ms)]! += 1
  return cells
}

describe('the cell of a latency', () => {
  test('contains it', () => {
    fc.assert(
      fc.property(latency, (ms) => {
        const cell = cellOf(ms)
        expect(lowerEdgeMs(cell)).toBeLessThanOrEqual(ms)
        expect(lowerEdgeMs(cell + 1)).toBeGreaterThan(ms)
      }),
      { numRuns: 2_000 },
    )
  })

  test('its edge belongs to the cell above, for every cell', () => {
    for (let cell = 0; cell < HISTOGRAM_CELLS; cell++) expect(cellOf(lowerEdgeMs(cell))).toBe(cell)
  })

  test('is never outside the layout, whatever it is asked', () => {
    const odd = [0, -1, -1e300, NaN, Infinity, -Infinity, 1e300, 209_715, 209_716, 0.0001]
    for (const ms of odd) {
      expect(cellOf(ms)).toBeGreaterThanOrEqual(0)
      expect(cellOf(ms)).toBeLessThan(HISTOGRAM_CELLS)
    }
    expect(cellOf(Infinity)).toBe(HISTOGRAM_CELLS - 1)
    expect(cellOf(-1)).toBe(0)
  })
})

describe('a quantile', () => {
  test('of one value is within 6 % of it, from 0.1 ms to 120 s', () => {
    fc.assert(
      fc.property(latency, (ms) => {
        const told = quantile(cellsOf([ms]), 0.5) ?? NaN
        expect(Math.abs(told - ms) / ms).toBeLessThanOrEqual(0.06)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is within 6 % of the value of that rank', () => {
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (latencies, q) => {
        const sorted = latencies.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? NaN
        const told = quantile(cellsOf(latencies), q) ?? NaN
        expect(Math.abs(told - exact) / exact).toBeLessThanOrEqual(0.06)
      }),
    )
  })

  test('of nothing is null, and shares outside 0–1 are the ends', () => {
    expect(quantile(new Float64Array(HISTOGRAM_CELLS), 0.5)).toBeNull()
    const cells = cellsOf([1, 1_000])
    expect(quantile(cells, -3)).toBe(quantile(cells, 0))
    expect(quantile(cells, 7)).toBe(quantile(cells, 1))
  })
})

describe('cumulative counts', () => {
  const edges = [0.1, 1, 5, 10, 25, 50, 100, 150, 250, 400, 500, 1_000, 2_500, 10_000, 300_000]

  test('never fall from edge to edge, are whole, and end at the total', () => {
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 300 }), (latencies) => {
        const counts = cumulativeAt(cellsOf(latencies), edges)
        counts.forEach((count, index) => {
          expect(Number.isInteger(count)).toBe(true)
          expect(count).toBeGreaterThanOrEqual(counts[index - 1] ?? 0)
        })
        expect(counts.at(-1)).toBe(latencies.length)
      }),
    )
  })

  test('never fall when more is counted', () => {
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 100 }), fc.array(latency, { maxLength: 100 }), (first, more) => {
        const before = cumulativeAt(cellsOf(first), edges)
        const after = cumulativeAt(cellsOf([...first, ...more]), edges)
        after.forEach((count, index) => expect(count).toBeGreaterThanOrEqual(before[index] ?? 0))
      }),
    )
  })

  test('differ from the exact count at most by the cell the edge lies in', () => {
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 200 }), (latencies) => {
        const cells = cellsOf(latencies)
        cumulativeAt(cells, edges).forEach((count, index) => {
          const edge = edges[index] ?? 0
          const exact = latencies.filter((ms) => ms <= edge).length
          expect(Math.abs(count - exact)).toBeLessThanOrEqual(cells[cellOf(edge)] ?? 0)
        })
      }),
    )
  })

  test('the count is the sum of the cells', () => {
    expect(countOf(cellsOf([1, 2, 3]))).toBe(3)
  })
})
