/** What the comparison tells: the shapes that `GET diffs` and `GET samples/:id` return. */
export type DifferenceKind = 'missing' | 'extra' | 'type' | 'value' | 'order' | 'length' | 'status' | 'header' | 'body'

/** One differing place; array indexes are collapsed to `*` in the path. */
export interface Difference {
  /** JSON Pointer pattern; `header:NAME`, `status` or `body` for what is no JSON field. */
  readonly path: string
  readonly kind: DifferenceKind
  /** Short texts of both values, already redacted when they leave the compare thread; null = absent. */
  readonly v1: string | null
  readonly v2: string | null
}

export type ComparisonOutcome = 'match' | 'mismatch' | 'ignored' | 'incomparable'

export interface Finding {
  readonly id: string
  readonly route: string
  readonly endpoint: string
  readonly path: string
  readonly kind: DifferenceKind
  readonly state: 'learning' | 'noisy' | 'regression' | 'resolved'
  readonly count: number
  readonly compared: number
  /** Interval of the share of comparisons that show it (Wilson, 95 %). */
  readonly share: readonly [number, number]
  readonly firstSeen: string
  readonly lastSeen: string
  /** Ids for `GET samples/:id`. */
  readonly examples: readonly string[]
}

export interface Sample {
  readonly id: string
  readonly finding: string
  readonly route: string
  readonly method: string
  readonly target: string
  readonly at: string
  readonly requestId: string
  readonly v1: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  readonly v2: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  readonly differences: readonly Difference[]
}
