/**
 * What the counts of a finding say: the interval of its share, and its state.
 *
 * `stateOf` is the one place that assigns states. Whatever is learnt about noise enters here.
 */
import type { Finding } from '../model/finding.ts'

export interface Evidence {
  /** Comparisons that showed it. */
  readonly count: number
  /** Comparisons that could have. */
  readonly compared: number
}

/** Two-sided 95 %. */
const Z = 1.959964

/**
 * Wilson score interval of `count / compared` (Wilson 1927): inside [0, 1], and honest at 0, at 1 and
 * for a handful of comparisons, where the normal approximation is not.
 */
export function shareInterval({ count, compared }: Evidence): readonly [number, number] {
  if (compared <= 0) return [0, 1]
  const n = compared
  const share = Math.min(1, Math.max(0, count / n))
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n))
  const centre = share + (Z * Z) / (2 * n)
  const scale = 1 + (Z * Z) / n
  return [share === 0 ? 0 : (centre - spread) / scale, share === 1 ? 1 : (centre + spread) / scale]
}

/** A difference seen once may be a race or a coin's fall: nothing is concluded from it. */
export function stateOf({ count }: Evidence): Finding['state'] {
  return count <= 1 ? 'learning' : 'regression'
}
