/** A cell of a typed array that is known to be there; past the end it is 0, which no sum minds. */
export function at(cells: Float64Array, index: number): number {
  return cells[index] ?? 0
}
