/** The judge's opinion of a route's v2. */
export type VerdictKind = 'healthy' | 'insufficient' | 'suspect' | 'baseline-sick' | 'regression'
export const VERDICT_KINDS: readonly VerdictKind[] = ['healthy', 'insufficient', 'suspect', 'baseline-sick', 'regression']

export interface Verdict {
  readonly kind: VerdictKind
  /** One plain sentence with its numbers. */
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly numbers: Readonly<Record<string, number>>
}
