import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildDashboard } from '../../k8s/grafana/dashboard.ts'
import { METRIC_NAMES } from '../../src/telemetry/metrics.ts'
import { until } from '../support/until.ts'
import { createBusyGateway } from './busy-metrics.ts'
import { hasPrometheus, startPrometheus } from './prometheus.ts'
import type { Prometheus } from './prometheus.ts'
import { charts, dashboard, strangers, targets, unknownHere } from './queries.ts'

describe('the dashboard file', () => {
  test('is what the script builds: after a change of the panels run node k8s/grafana/build.ts', () => {
    expect(dashboard).toEqual(JSON.parse(JSON.stringify(buildDashboard())))
  })

  test('shows what an operator asks first', () => {
    const all = targets.map(({ expr }) => expr).join('\n')
    const wanted = ['requests', 'upstream_failures', 'weight_percent', 'weight_wanted_percent', 'ceiling_percent', 'rollbacks', 'tripped']
    const also = ['verdict', 'stage', 'killed', 'fallbacks', 'shadow_requests', 'comparisons', 'differences', 'config_reloads', 'inflight']
    for (const name of [...wanted, ...also]) expect(all, name).toContain(`banyan_${name}`)
    for (const quantile of ['0.5', '0.95', '0.99']) expect(all).toContain(`histogram_quantile(${quantile}, sum by (le, backend)`)
  })

  test('every panel has an id, a sentence, a unit and a query with a legend and the chosen data source', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { title, description, fieldConfig, targets: queries = [] } of charts) {
      expect(description, title).toMatch(/\.$/)
      expect(fieldConfig?.defaults.unit, title).toBeTruthy()
      expect(queries.length, title).toBeGreaterThan(0)
      expect(new Set(queries.map(({ refId }) => refId)).size, title).toBe(queries.length)
      for (const { legendFormat, datasource } of queries) {
        expect(legendFormat, title).not.toBe('')
        expect(datasource.uid, title).toBe('${datasource}')
      }
    }
  })

  test('panels lie inside the grid and none over another', () => {
    const taken = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false)
          taken.add(`${x} ${y}`)
        }
    }
  })

  test('its variables are the ones its queries use', () => {
    const used = new Set(
      JSON.stringify(dashboard.panels)
        .match(/\$\{?[a-z_]+/g)
        ?.map((name) => name.replace(/\W/g, '')),
    )
    used.delete('__rate_interval')
    expect([...used].sort()).toEqual(dashboard.templating.list.map(({ name }) => name).sort())
  })
})

describe('a query of the dashboard', () => {
  test('names metrics and labels that the gateway exports, and no others', () => {
    expect(unknownHere()).toEqual([])
    expect(targets.flatMap(({ panel, expr }) => strangers(expr).map((name) => `${panel}: ${name}`))).toEqual([])
  })

  test.each([
    ['a metric', 'sum(rate(banyan_request_total{job=~"$job"}[5m]))'],
    ['a matcher', 'sum(banyan_weight_percent{routes=~"$route"})'],
    ['a kept label', 'sum by (backends) (rate(banyan_requests_total{job=~"$job"}[5m]))'],
    ['no braces', 'sum(banyan_killed)'],
    ['no metric', '1 + 1'],
  ])('is found out when it does not: %s', (_what, expr) => {
    expect(strangers(expr)).not.toEqual([])
  })
})

/** What Grafana puts in for its variables: everything chosen, and a few scrapes' time. */
function filled(expr: string): string {
  return expr.replaceAll('$job', 'banyan').replaceAll('$route', '.*').replaceAll('$__rate_interval', '10s')
}

describe.skipIf(!hasPrometheus)('in a real Prometheus that scrapes the gateway (needs the program prometheus)', () => {
  const gateway = createBusyGateway()
  let prometheus: Prometheus

  beforeAll(async () => {
    gateway.listen(0, '127.0.0.1')
    await once(gateway, 'listening')
    prometheus = await startPrometheus(`127.0.0.1:${(gateway.address() as AddressInfo).port}`, 'banyan')
    await until('three scrapes are in', async () => Number((await prometheus.query('count_over_time(up[1m])'))[0]?.value[1]) >= 3, 20_000)
  }, 60_000)
  afterAll(async () => {
    await prometheus.stop()
    gateway.closeAllConnections()
    gateway.close()
    await once(gateway, 'close')
  })

  test.each(targets.map((target): [string, string, string] => [`${target.panel} ${target.refId}`, target.expr, target.legendFormat]))(
    '%s has numbers, and series with every label of its legend',
    async (_name, expr, legend) => {
      const series = await prometheus.query(filled(expr))
      expect(series.length).toBeGreaterThan(0)
      expect(series.map(({ value }) => value[1]).filter((value) => !Number.isFinite(Number(value)))).toEqual([])
      const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
      for (const { metric } of series) expect(Object.keys(metric).sort()).toEqual(labels.sort())
    },
  )

  test('the choices of its variables are there', async () => {
    for (const { query } of dashboard.templating.list) {
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? []
      if (selector === '') continue
      const series = await prometheus.query(`count by (${label}) (${filled(selector)})`)
      expect(series.map(({ metric }) => metric[label])).toEqual(label === 'job' ? ['banyan'] : expect.arrayContaining(['orders', 'rest']))
    }
  })

  test('a misspelt query is an error or empty, never a pass', async () => {
    await expect(prometheus.query('sum(rate(banyan_requests_total[5m])')).rejects.toThrow(/parse error/)
    expect(await prometheus.query('sum(banyan_no_such_metric)')).toEqual([])
  })

  test('every metric of the catalogue is in the scrape under its own name', async () => {
    const names = await prometheus.query('count by (__name__) ({__name__=~"banyan_.+"})')
    const scraped = new Set(names.map(({ metric }) => metric['__name__']?.replace(/_(?:bucket|sum|count)$/, '')))
    expect(METRIC_NAMES.filter((name) => !scraped.has(name))).toEqual([])
  })
})
