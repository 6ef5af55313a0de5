/**
 * Time since the start, from a wall clock that may jump.
 *
 * A step back counts as no time passing: the next tick goes on from there. (Freezing at the highest time
 * seen would stop sustain and slices, and with them every trip, until the clock caught up.)
 */
export interface Clock {
  /** Milliseconds passed so far; never less than before. */
  advance(now: number): number
}

export function createClock(): Clock {
  let last = Number.NaN
  let elapsedMs = 0
  return {
    advance: (now) => {
      if (!Number.isFinite(now)) return elapsedMs
      if (now > last) elapsedMs += now - last
      last = now
      return elapsedMs
    },
  }
}
