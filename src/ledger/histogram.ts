/**
 * Log-linear latency cells: eight per octave, so that a cell's middle is within 6 % of everything in it.
 *
 * A latency is counted in units of 12.5 µs. Below 8 units (0.1 ms) cells are one unit wide; above, each
 * power of two is cut in eight. The index is two shifts and a mask, no logarithm and no search.
 */

/** Units of 12.5 µs in a millisecond: 0.1 ms is 8 units, where the eight-per-octave rule begins. */
const UNITS_PER_MS = 80
/** 2^24 units are 209 s, beyond the 120 s that are promised; what is longer counts in the last cell. */
const MAX_UNITS = 2 ** 24 - 1
export const HISTOGRAM_CELLS = 176

export type Cells = Float64Array | Uint32Array | readonly number[]

/** The cell a latency falls in. Negative and NaN count as zero, the endless in the last cell. */
export function cellOf(ms: number): number {
  const scaled = ms * UNITS_PER_MS
  const units = scaled < MAX_UNITS ? scaled | 0 : MAX_UNITS
  if (units < 8) return units < 0 ? 0 : units
  const octave = 31 - Math.clz32(units)
  return ((octave - 2) << 3) + ((units >>> (octave - 3)) & 7)
}

/** Lower edge of a cell in milliseconds; the upper edge is the next cell's lower one. */
export function lowerEdgeMs(cell: number): number {
  if (cell < 8) return cell / UNITS_PER_MS
  return ((8 + (cell & 7)) * 2 ** ((cell >>> 3) - 1)) / UNITS_PER_MS
}

export function countOf(cells: Cells): number {
  let sum = 0
  for (const cell of cells) sum += cell
  return sum
}

/**
 * The latency in milliseconds below which the share `q` (0–1) of the answers lies, within 6 %; null
 * when nothing was counted.
 *
 * Of a cell [a, b] the value 2ab/(a+b) is told: its relative error is the same at both ends.
 */
export function quantile(cells: Cells, q: number): number | null {
  const total = countOf(cells)
  if (total === 0) return null
  const rank = Math.max(1, Math.ceil(Math.min(1, Math.max(0, q)) * total))
  let seen = 0
  for (let cell = 0; cell < cells.length; cell++) {
    seen += cells[cell] ?? 0
    if (seen < rank) continue
    const low = lowerEdgeMs(cell)
    const high = lowerEdgeMs(cell + 1)
    return (2 * low * high) / (low + high)
  }
  return null
}

/**
 * How many answers took at most each edge, for Prometheus' cumulative buckets. `edgesMs` ascends.
 *
 * An edge inside a cell takes its share of that cell, rounded down: whole numbers that neither fall
 * from edge to edge nor from scrape to scrape.
 */
export function cumulativeAt(cells: Cells, edgesMs: readonly number[]): number[] {
  const counts: number[] = []
  let cell = 0
  let below = 0
  for (const edge of edgesMs) {
    while (cell < cells.length && lowerEdgeMs(cell + 1) <= edge) below += cells[cell++] ?? 0
    const low = lowerEdgeMs(cell)
    const share = cell < cells.length ? (edge - low) / (lowerEdgeMs(cell + 1) - low) : 0
    counts.push(below + Math.floor((cells[cell] ?? 0) * Math.max(0, share)))
  }
  return counts
}
