/** Counters and gauges as data: one entry names a metric and says how a reading is turned into its samples. */
import type { MetricsReading } from './reading.ts'

/** One counter or gauge: what it is called, and its samples in a reading. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly samples: (reading: MetricsReading) => Iterable<Sample>
}

/** Label values in the order of the family's labels, then the number. */
export type Sample = readonly [labels: readonly string[], value: number]
