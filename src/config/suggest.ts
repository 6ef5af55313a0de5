/** What a key that is not known was meant to be. */
import { keysAt, placesOf } from './json-schema.ts'
import type { Path } from './problem.ts'

/** Keys of the contract that later versions will read. Ignoring them would run a route without what it asks for. */
const LATER = ['adapt', 'lifecycle', 'writes', 'checks']
const MAX_PLACES = 3

/** The sentence for a key that is not known in the map at `path`. */
export function unknownKey(path: Path, key: string): string {
  if (LATER.includes(key)) return 'is not available in this version; remove it, or wait for a version that has it'
  if (key === '<<') return 'merge keys are not known here; put what routes share under defaults'
  const known = keysAt(path) ?? []
  const near = nearest(key, known)
  if (near !== null && distance(key, near) === 1) return `is not a known key; did you mean ${near}?`
  const elsewhere = placesOf(key).slice(0, MAX_PLACES)
  if (elsewhere.length > 0) return `does not belong here; did you mean ${elsewhere.join(' or ')}?`
  if (near !== null) return `is not a known key; did you mean ${near}?`
  return `is not a known key; ${known.length === 0 ? 'remove it' : `known here: ${known.join(', ')}`}`
}

/** The known word that differs least, when it differs little for its length. */
function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const steps = distance(word.toLowerCase(), candidate.toLowerCase())
    if (steps < least) {
      least = steps
      best = candidate
    }
  }
  return best
}

/** Letters to insert, drop, change, or swap with their neighbour (optimal string alignment). */
export function distance(a: string, b: string): number {
  // A key of a kilobyte is like none of ours; do not spend a square of it.
  if (Math.abs(a.length - b.length) > 8) return Math.max(a.length, b.length)
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const least = Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(isSwap ? Math.min(least, (before[j - 2] ?? 0) + 1) : least)
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}
