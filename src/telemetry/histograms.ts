/**
 * Histograms: request durations straight from the ledger's cells, rollback durations as they happen.
 *
 * prom-client's Histogram can only be fed one observation at a time, and the ledger has already counted
 * them; so this one overrides the reading and keeps the registry, the names and the format.
 */
import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { cumulativeAt } from '../ledger/histogram.ts'
import { BACKENDS, CLIENT_LANES } from './ledger-metrics.ts'
import type { HistogramTotals } from '../ledger/totals.ts'
import type { MetricsReading, RouteReading } from './reading.ts'

/** Seconds. 0.15, 0.4, 0.5 and 1 are limits people set for the judge: their shares must be readable off the chart. */
const EDGES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.5, 0.75, 1, 2.5, 5, 10, 30] as const
const EDGES_MS = EDGES.map((seconds) => seconds * 1_000)

export const ROLLBACK_DURATION = {
  name: 'banyan_rollback_duration_seconds',
  help: 'From the command or trip to zero in every routing word.',
  buckets: [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
}

const HELP = "From the request's last byte sent to the head of the backend's answer, by the backend that was asked."

interface Value {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

export class RequestDuration extends Histogram {
  static readonly NAME = 'banyan_request_duration_seconds'
  reading: MetricsReading | null = null

  constructor(registry: Registry) {
    super({
      name: RequestDuration.NAME,
      help: HELP,
      labelNames: ['route', 'backend'],
      buckets: [...EDGES],
      registers: [registry],
    })
  }

  /** What the registry asks for, `get` included. The library's types leave it out. */
  getForPromString(): Promise<object> {
    const values = (this.reading?.routes ?? []).flatMap(valuesOf)
    return Promise.resolve({ name: RequestDuration.NAME, help: HELP, type: 'histogram', aggregator: 'sum', values })
  }
}

function valuesOf(route: RouteReading): Value[] {
  return BACKENDS.flatMap((backend) => {
    const labels = { route: route.name, backend }
    const lanes = CLIENT_LANES[backend].map((lane) => route.latency(lane))
    const name = RequestDuration.NAME
    const bucket = (le: number | string, value: number): Value => ({ labels: { ...labels, le }, value, metricName: `${name}_bucket` })
    const counts = sumOf(lanes.map((lane) => cumulativeAt(lane.cells, EDGES_MS)))
    const count = lanes.reduce((sum, lane) => sum + lane.count, 0)
    return [
      ...EDGES.map((edge, index) => bucket(edge, counts[index] ?? 0)),
      bucket('+Inf', count),
      { labels, value: totalMs(lanes) / 1_000, metricName: `${name}_sum` },
      { labels, value: count, metricName: `${name}_count` },
    ]
  })
}

function sumOf(rows: readonly (readonly number[])[]): number[] {
  return EDGES.map((_, index) => rows.reduce((sum, row) => sum + (row[index] ?? 0), 0))
}

function totalMs(lanes: readonly HistogramTotals[]): number {
  return lanes.reduce((sum, lane) => sum + lane.sumMs, 0)
}
