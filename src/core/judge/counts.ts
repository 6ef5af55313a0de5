/** Bad answers among answers: what every stream of the judge is made of. */
export interface Counts {
  readonly bad: number
  readonly total: number
}

/**
 * Counts one can do arithmetic with: whole, not negative, never more bad than all.
 *
 * Differences of cumulative cells go wrong when a thread dies or a slot changes hands; a wrong number here
 * must cost one tick's evidence, not poison a sum with NaN for a week.
 */
export function sane({ bad, total }: Counts): Counts {
  const all = whole(total)
  return { bad: Math.min(whole(bad), all), total: all }
}

function whole(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.floor(value) : 0
}
