/**
 * `/metrics`: the ledger and the control state in Prometheus' words, read at the moment of the scrape.
 *
 * Nothing is counted here. The counts live in shared memory and in control; each scrape takes one reading
 * and fills the registry from it, so all numbers of a scrape belong to one moment, and a route that was
 * removed is gone from the next one. Labels come from closed sets only: never a path, never a user.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { LEDGER_METRICS } from './ledger-metrics.ts'
import { STATE_METRICS } from './state-metrics.ts'
import { RequestDuration, ROLLBACK_DURATION } from './histograms.ts'
import type { Family } from './family.ts'
import type { MetricsReading, MetricsSource } from './reading.ts'

export interface Metrics {
  /** The text exposition, format 0.0.4. */
  text(): Promise<string>
  /** From the command (or the judge's trip) to the zero in every routing word. */
  observeRollback(durationMs: number): void
  /** Lets go of Node's own observers. */
  close(): void
}

export interface MetricsOptions {
  /** Node's and the process's default metrics; costs an event-loop monitor. */
  readonly nodeDefaults: boolean
}

/** Every metric of our own by name: what the README's table is checked against. */
export const METRIC_NAMES: readonly string[] = [
  ...LEDGER_METRICS,
  ...STATE_METRICS,
  { name: RequestDuration.NAME },
  { name: ROLLBACK_DURATION.name },
].map(({ name }) => name)

type Fill = (reading: MetricsReading) => void

export function createMetrics(source: MetricsSource, options: MetricsOptions = { nodeDefaults: true }): Metrics {
  const registry = new Registry()
  const fills = new Map([...LEDGER_METRICS, ...STATE_METRICS].map((family): [string, Fill] => [family.name, register(registry, family)]))
  const durations = new RequestDuration(registry)
  fills.set(RequestDuration.NAME, (reading) => (durations.reading = reading))
  const rollbacks = new Histogram({ ...ROLLBACK_DURATION, registers: [registry] })
  if (options.nodeDefaults) collectDefaultMetrics({ register: registry })

  return {
    text: () => render(registry, fills, source.read()),
    observeRollback: (durationMs) => rollbacks.observe(durationMs / 1_000),
    close: () => registry.clear(),
  }
}

/** The judge shares this thread: after so many milliseconds at a stretch it gets its turn. */
const STRETCH_MS = 5

/** Metric by metric, because a thousand routes are a hundred thousand lines and half a second of formatting. */
async function render(registry: Registry, fills: ReadonlyMap<string, Fill>, reading: MetricsReading): Promise<string> {
  const parts: string[] = []
  let since = performance.now()
  for (const { name } of registry.getMetricsAsArray()) {
    fills.get(name)?.(reading)
    // Only microtasks run between filling and formatting: no other scrape can fill in between.
    parts.push(await registry.getSingleMetricAsString(name))
    if (performance.now() - since < STRETCH_MS) continue
    await nextTurn()
    since = performance.now()
  }
  return `${parts.join('\n\n')}\n`
}

function register(registry: Registry, family: Family): Fill {
  const { name, help, labels, samples } = family
  const config = { name, help, labelNames: [...labels], registers: [registry] }
  if (family.type === 'gauge') {
    const gauge = new Gauge(config)
    return (reading) => {
      gauge.reset()
      for (const [values, value] of samples(reading)) gauge.set(labelsOf(labels, values), value)
    }
  }
  const counter = new Counter(config)
  return (reading) => {
    // The total comes from the ledger, which only ever grows: setting it anew each time keeps it a true counter.
    counter.reset()
    for (const [values, value] of samples(reading)) counter.inc(labelsOf(labels, values), value)
  }
}

function labelsOf(labels: readonly string[], values: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [index, label] of labels.entries()) result[label] = values[index] ?? ''
  return result
}
