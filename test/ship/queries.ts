/** The dashboard's queries, and what can be said against one without running it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LEDGER_METRICS } from '../../src/telemetry/ledger-metrics.ts'
import { METRIC_NAMES } from '../../src/telemetry/metrics.ts'
import { STATE_METRICS } from '../../src/telemetry/state-metrics.ts'
import { root } from './manifests.ts'

export interface Target {
  readonly expr: string
  readonly legendFormat: string
  readonly refId: string
  readonly datasource: { readonly uid: string }
}

export interface DashboardPanel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly Target[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
}

export interface DashboardFile {
  readonly uid: string
  readonly panels: readonly DashboardPanel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}

export const dashboard = JSON.parse(readFileSync(join(root, 'k8s/grafana/banyan.json'), 'utf8')) as DashboardFile

export const charts: readonly DashboardPanel[] = dashboard.panels.filter(({ type }) => type !== 'row')

export const targets: readonly (Target & { readonly panel: string })[] = charts.flatMap(({ title, targets: queries }) =>
  (queries ?? []).map((target) => ({ ...target, panel: title })),
)

/** Made by prom-client about the process; only those the dashboard may rely on. */
const PROCESS: readonly string[] = ['process_cpu_seconds_total', 'process_resident_memory_bytes']
const HISTOGRAMS: Readonly<Record<string, readonly string[]>> = {
  banyan_request_duration_seconds: ['route', 'backend', 'le'],
  banyan_rollback_duration_seconds: ['le'],
}
/** Added by the scrape. */
const OF_SCRAPE: readonly string[] = ['job', 'instance']

/** Metric → its labels. */
const known: ReadonlyMap<string, readonly string[]> = new Map([
  ...[...LEDGER_METRICS, ...STATE_METRICS].map(({ name, labels }): [string, readonly string[]] => [name, labels]),
  ...Object.entries(HISTOGRAMS).map(([name, labels]): [string, readonly string[]] => [`${name}_bucket`, labels]),
  ...PROCESS.map((name): [string, readonly string[]] => [name, []]),
])

/** Names of our own that no query could use because this file does not know them. */
export function unknownHere(): string[] {
  return METRIC_NAMES.filter((name) => !known.has(name) && !known.has(`${name}_bucket`))
}

/** Metrics and labels that nothing exports. Labels an aggregation keeps must be among those of its metrics. */
export function strangers(expr: string): string[] {
  const selectors = [...expr.matchAll(/\b([a-z]\w*)\{([^}]*)\}/g)].map(([, metric = '', matchers = '']) => ({ metric, matchers }))
  const labels = new Set(selectors.flatMap(({ metric }) => known.get(metric) ?? []))
  const kept = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(',').map((label) => label.trim()))
  return [
    ...(selectors.length === 0 ? ['no metric'] : []),
    ...selectors.flatMap(({ metric, matchers }) => [
      ...(known.has(metric) ? [] : [metric]),
      ...[...matchers.matchAll(/(\w+)=~?"/g)]
        .map(([, label = '']) => label)
        .filter((label) => ![...(known.get(metric) ?? []), ...OF_SCRAPE].includes(label)),
    ]),
    ...kept.filter((label) => !labels.has(label)),
    // A metric without braces would be read from every gateway that the same Prometheus scrapes.
    ...[...expr.matchAll(/\b(?:banyan|process)_\w+\b(?!\{)/g)].map(([name]) => `${name} without {}`),
  ]
}
