/**
 * How long a dead thread waits for its successor: not at all, unless it keeps dying young.
 *
 * One death is an accident and costs capacity every millisecond it lasts; a thread that dies again
 * within ten seconds of its start will likely do so again, and restarts eat the processor of the others.
 */
const YOUNG_MS = 10_000
const FIRST_MS = 1_000
const LONGEST_MS = 30_000

export interface Backoff {
  /** Milliseconds to wait, for a thread that lived this long. */
  afterDeath(livedMs: number): number
}

export function createBackoff(): Backoff {
  let delayMs = 0
  return {
    afterDeath(livedMs) {
      const now = livedMs >= YOUNG_MS ? 0 : delayMs
      delayMs = now === 0 ? FIRST_MS : Math.min(LONGEST_MS, now * 2)
      return now
    },
  }
}
