/**
 * The routing words in shared memory. Control is the only writer.
 *
 * What "stricter" means is said here once: every command is sorted by it into lowering (the word goes
 * first, the disk follows) and raising (the disk first).
 */
import { CEILING_ZERO, KILLED, LATCHED, LIVE, MIRRORS_OFF, stageOf, weightOf } from '../core/model/routing.ts'

export interface Words {
  read(slot: number): number
  write(slot: number, word: number): void
}

/** v1 only and no mirrors: the word of a slot whose route is gone. Not 0, so that it reads as once used. */
export const RETIRED = MIRRORS_OFF

export function openWords(memory: SharedArrayBuffer): Words {
  const cells = new Int32Array(memory)
  return {
    read: (slot) => Atomics.load(cells, slot),
    write: (slot, word) => {
      Atomics.store(cells, slot, word)
    },
  }
}

const BOUNDS = LATCHED | KILLED | CEILING_ZERO

/** Whether some request that got v1 (or no mirror) under `before` may get v2 (or a mirror) under `after`. */
export function isLaxer(after: number, before: number): boolean {
  if ((after & LIVE) === 0) return false
  if ((before & LIVE) === 0) return true
  if ((before & BOUNDS & ~after) !== 0) return true
  return stageOf(after) > stageOf(before) || weightOf(after) > weightOf(before)
}
