/** What the users saw in some stretch of the story, counted. */
import type { Seen, Traffic } from './traffic.ts'

export interface Tally {
  readonly total: number
  readonly errors: readonly string[]
  /** By who answered. */
  readonly v1: Answers
  readonly v2: Answers
  /** Requests that were given to v2 and answered by v1. */
  readonly fellBack: Answers
  /** Requests given to v2, whoever answered. */
  readonly decidedV2: number
  /** When the last of them was sent (ms since the epoch); null = none. */
  readonly lastV2SentAt: number | null
  /** Users who were answered by both. */
  readonly torn: number
  close(): void
}

export interface Answers {
  readonly count: number
  readonly users: number
  /** Milliseconds; NaN without answers. `share`: 0.5 is the median. */
  quantile(share: number): number
}

/** Starts counting. `wanted`: which requests are meant. */
export function openTally(traffic: Pick<Traffic, 'watch'>, wanted: (seen: Seen) => boolean = () => true): Tally {
  return new Counting(traffic, wanted)
}

class Counting implements Tally {
  total = 0
  readonly errors: string[] = []
  readonly v1 = new AnswerList()
  readonly v2 = new AnswerList()
  readonly fellBack = new AnswerList()
  decidedV2 = 0
  lastV2SentAt: number | null = null
  readonly close: () => void

  constructor(traffic: Pick<Traffic, 'watch'>, wanted: (seen: Seen) => boolean) {
    this.close = traffic.watch((seen) => {
      if (wanted(seen)) this.#add(seen)
    })
  }

  get torn(): number {
    return [...this.v1.names].filter((user) => this.v2.names.has(user)).length
  }

  #add(seen: Seen): void {
    this.total++
    if (seen.error !== null) this.errors.push(`${seen.user}, ${seen.route}: ${seen.error}`)
    if (seen.backend === 'v1') this.v1.add(seen)
    if (seen.backend === 'v2') this.v2.add(seen)
    if (seen.decided !== 'v2') return
    this.decidedV2++
    this.lastV2SentAt = Math.max(this.lastV2SentAt ?? 0, seen.sentAt)
    if (seen.backend === 'v1') this.fellBack.add(seen)
  }
}

class AnswerList implements Answers {
  readonly names = new Set<string>()
  readonly #times: number[] = []

  add({ user, tookMs }: Seen): void {
    this.names.add(user)
    this.#times.push(tookMs)
  }

  get count(): number {
    return this.#times.length
  }

  get users(): number {
    return this.names.size
  }

  quantile(share: number): number {
    const sorted = this.#times.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  }
}
