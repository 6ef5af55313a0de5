/**
 * What control leaves behind for its successor, in shared memory.
 *
 * A slot or an endpoint id means something only together with the ledger, the words and the connection
 * counters it indexes, and those live exactly as long as the process. So the map lives there too: it
 * survives the control thread and dies with the memory it describes. (A file in the store's folder could
 * be lost, or be left over from another process, and a wrong map books one route's requests to another.)
 *
 * Names are kept as 64-bit hashes: no length limit, and among 1,024 routes a clash is a 1 in 10^13 event.
 */
import { createHash } from 'node:crypto'
import { MAX_ENDPOINTS, MAX_ROUTES } from '../core/model/routing.ts'

const HEAD_CELLS = 4
const CELL_REVISION_LOW = 0
const CELL_REVISION_HIGH = 1
const CELL_LIVES = 2
const REVISION_BASE = 2 ** 31

/** Who owns which index of some shared table. */
export interface Owners {
  readonly size: number
  /** Index owned by the name, or -1. */
  find(name: string): number
  owned(index: number): boolean
  /** Whether `index` was ever claimed, given back or not: its cells are then not zero. */
  used(index: number): boolean
  claim(index: number, name: string): void
  giveBack(index: number): void
}

export interface Notes {
  /** Control threads that started on this memory, this one included. */
  readonly lives: number
  /** Revision for the next snapshot: greater than every one published on this memory before. */
  nextRevision(): number
  readonly slots: Owners
  readonly endpoints: Owners
}

/** Opens the notes and counts this life in. */
export function openNotes(memory: SharedArrayBuffer): Notes {
  const cells = new Int32Array(memory)
  const lives = Atomics.add(cells, CELL_LIVES, 1) + 1
  return {
    lives,
    nextRevision: () => {
      const next = readRevision(cells) + 1
      // High first: a death between the two stores may skip revisions, never repeat one.
      Atomics.store(cells, CELL_REVISION_HIGH, Math.floor(next / REVISION_BASE))
      Atomics.store(cells, CELL_REVISION_LOW, next % REVISION_BASE)
      return next
    },
    slots: ownersAt(cells, HEAD_CELLS, MAX_ROUTES),
    endpoints: ownersAt(cells, HEAD_CELLS + 2 * MAX_ROUTES, MAX_ENDPOINTS),
  }
}

function readRevision(cells: Int32Array): number {
  return Atomics.load(cells, CELL_REVISION_HIGH) * REVISION_BASE + Atomics.load(cells, CELL_REVISION_LOW)
}

/** Two cells an entry: 0,0 never claimed; 0,1 given back; else a hash, whose first cell is never 0. */
function ownersAt(cells: Int32Array, offset: number, size: number): Owners {
  const first = (index: number): number => Atomics.load(cells, offset + 2 * index)
  const second = (index: number): number => Atomics.load(cells, offset + 2 * index + 1)
  return {
    size,
    find: (name) => {
      const [high, low] = hashOf(name)
      for (let index = 0; index < size; index++) if (first(index) === high && second(index) === low) return index
      return -1
    },
    owned: (index) => first(index) !== 0,
    used: (index) => first(index) !== 0 || second(index) !== 0,
    claim: (index, name) => {
      const [high, low] = hashOf(name)
      // The first cell last: a half-written claim reads as "given back", never as somebody else's.
      Atomics.store(cells, offset + 2 * index, 0)
      Atomics.store(cells, offset + 2 * index + 1, low)
      Atomics.store(cells, offset + 2 * index, high)
    },
    giveBack: (index) => {
      Atomics.store(cells, offset + 2 * index, 0)
      Atomics.store(cells, offset + 2 * index + 1, 1)
    },
  }
}

function hashOf(name: string): readonly [number, number] {
  const digest = createHash('sha256').update(name, 'utf8').digest()
  return [digest.readInt32LE(0) | 1, digest.readInt32LE(4) | 1]
}
