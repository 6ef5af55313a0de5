/**
 * Bad answers must keep coming before they trip: one pod's restart must not end a month's ramp.
 *
 * The span is counted from the moment the evidence turned suspect, not from the first bad answer ever: a
 * healthy backend always has some old stray error, and a burst behind it would count as lasting.
 */
export interface Sustain {
  /** Whether bad answers have spanned the time since the evidence turned suspect. */
  tick(elapsedMs: number, suspect: boolean, bad: boolean): boolean
}

export function createSustain(sustainMs: number): Sustain {
  let since = -1
  let lastBad = -1
  return {
    tick: (elapsedMs, suspect, bad) => {
      if (!suspect) {
        since = -1
        return false
      }
      if (since < 0) since = lastBad = elapsedMs
      if (bad) lastBad = elapsedMs
      return lastBad - since >= sustainMs
    },
  }
}
