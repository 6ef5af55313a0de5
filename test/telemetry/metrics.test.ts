import * as fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import {
  ASSIGNED_BY_BUCKET,
  COUNTERS,
  LANES,
  LANE_FALLBACK,
  LANE_MIRROR,
  LANE_V1,
  LANE_V2,
  OUTCOMES,
  OUTCOME_ABORTED,
  OUTCOME_TIMEOUT,
  REJECTIONS,
  counterId,
  outcomeOfStatus,
} from '../../src/core/model/observation.ts'
import { createReader } from '../../src/ledger/reader.ts'
import type { Reader } from '../../src/ledger/reader.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import type { Recorder } from '../../src/ledger/recorder.ts'
import { createMemory } from '../../src/supervisor/memory.ts'
import { METRIC_NAMES, createMetrics } from '../../src/telemetry/metrics.ts'
import type { Metrics } from '../../src/telemetry/metrics.ts'
import type { MetricsReading, RouteReading } from '../../src/telemetry/reading.ts'

interface Ledger {
  readonly recorder: Recorder
  readonly reader: Reader
}

function createLedger(): Ledger {
  const memory = createMemory(1)
  return { recorder: createRecorder(memory, 0), reader: createReader(memory) }
}

const open: Metrics[] = []
afterEach(() => open.splice(0).forEach((metrics) => metrics.close()))

function reading(reader: Reader, routes: readonly Partial<RouteReading>[] = [{}], over: Partial<MetricsReading> = {}): MetricsReading {
  return {
    version: '1.0.0',
    routes: routes.map((route, index) => ({
      name: 'orders',
      stage: 'canary',
      effectiveBps: 1_000,
      wantedBps: 2_500,
      tripped: false,
      verdict: 'healthy',
      totals: reader.slot(index + 1),
      latency: (lane) => reader.latency(index + 1, lane),
      rollbacks: { errors: 0, rollback: 0, kill: 0, ceiling: 0 },
      ...route,
    })),
    gateway: reader.gateway(),
    backendUp: { v1: true, v2: true },
    ceiling: { env: null, file: null, redis: null, lowest: 100 },
    killed: false,
    storeUp: true,
    inflight: 0,
    judgeLagMs: 0,
    configReloads: { applied: 0, invalid: 0 },
    lastReloadSuccessful: true,
    logDropped: 0,
    alerts: [],
    threads: [],
    ...over,
  }
}

function create(read: () => MetricsReading, nodeDefaults = false): Metrics {
  const metrics = createMetrics({ read }, { nodeDefaults })
  open.push(metrics)
  return metrics
}

/** `name{labels}` → value, checked line by line against the text format. */
async function scrape(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  for (const line of (await metrics.text()).split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line)
    if (type !== null) {
      expect(types.has(type[1]!), line).toBe(false)
      types.set(type[1]!, type[2]!)
      continue
    }
    const sample = /^([a-z_0-9]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/.exec(line)
    expect(sample, line).not.toBeNull()
    const key = `${sample![1]!}${sample![2] ?? ''}`
    expect(samples.has(key), line).toBe(false)
    expect(types.has(sample![1]!) || types.get(sample![1]!.replace(/_(bucket|sum|count)$/, '')) === 'histogram', line).toBe(true)
    samples.set(key, sample![3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(sample![3]))
  }
  return samples
}

test('requests are told by the backend that was asked and by the class of its answer', async () => {
  const { recorder, reader } = createLedger()
  for (const [lane, outcome] of [
    [LANE_V1, outcomeOfStatus(200)],
    [LANE_V1, outcomeOfStatus(404)],
    [LANE_FALLBACK, outcomeOfStatus(200)],
    [LANE_V2, outcomeOfStatus(503)],
    [LANE_V2, OUTCOME_TIMEOUT],
    [LANE_V2, OUTCOME_ABORTED],
    [LANE_MIRROR, outcomeOfStatus(500)],
  ] as const) {
    recorder.started(1, lane)
    recorder.finished(1, lane, ASSIGNED_BY_BUCKET, outcome, 1, 1)
  }
  const samples = await scrape(create(() => reading(reader)))
  const requests = (backend: string, codeClass: string) =>
    samples.get(`banyan_requests_total{route="orders",backend="${backend}",code_class="${codeClass}"}`)
  expect(requests('v1', '2xx')).toBe(2)
  expect(requests('v1', '4xx')).toBe(1)
  expect(requests('v2', '5xx')).toBe(1)
  expect(requests('v2', 'none')).toBe(1)
  expect(requests('v2', 'aborted')).toBe(1)
  expect(requests('v2', '2xx')).toBe(0)
  const failures = (backend: string, kind: string) =>
    samples.get(`banyan_upstream_failures_total{route="orders",backend="${backend}",kind="${kind}"}`)
  expect([failures('v2', '5xx'), failures('v2', 'timeout'), failures('v2', 'aborted'), failures('v1', '5xx')]).toEqual([1, 1, undefined, 0])
})

test('every finished request of every lane is in exactly one class', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), fc.nat(OUTCOMES.length - 1)), { maxLength: 60 }), async (exchanges) => {
      const { recorder, reader } = createLedger()
      for (const [lane, outcome] of exchanges) {
        recorder.started(1, lane)
        recorder.finished(1, lane, ASSIGNED_BY_BUCKET, outcome, -1, -1)
      }
      const samples = await scrape(create(() => reading(reader)))
      const total = [...samples].filter(([key]) => key.startsWith('banyan_requests_total')).reduce((sum, [, value]) => sum + value, 0)
      return total === exchanges.length
    }),
    { numRuns: 50 },
  )
})

test('counters have the counts of the ledger, under their names without the prefix', async () => {
  const { recorder, reader } = createLedger()
  COUNTERS.forEach((name, index) => {
    for (let times = 0; times <= index; times++) recorder.count(1, counterId(name))
  })
  recorder.rejected(REJECTIONS.indexOf('loop'))
  recorder.repaired(1, 4)
  const samples = await scrape(create(() => reading(reader)))
  const at = (name: string) => COUNTERS.findIndex((counter) => counter === name) + 1
  expect(samples.get('banyan_fallbacks_total{route="orders"}')).toBe(at('fallbacks'))
  expect(samples.get('banyan_shadow_requests_total{route="orders",outcome="sent"}')).toBe(at('mirror_sent'))
  expect(samples.get('banyan_shadow_requests_total{route="orders",outcome="dropped_queue"}')).toBe(at('mirror_dropped_queue'))
  expect(samples.get('banyan_shadow_requests_total{route="orders",outcome="failed"}')).toBe(at('mirror_failed'))
  expect(samples.get('banyan_comparisons_total{route="orders",outcome="mismatch"}')).toBe(at('compare_mismatch'))
  expect(samples.get('banyan_differences_total{route="orders",kind="missing"}')).toBe(at('difference_missing'))
  expect(samples.get('banyan_rejected_requests_total{reason="loop"}')).toBe(1)
  expect(samples.get('banyan_upstream_repaired_total{backend="v2",kind="bare_lf"}')).toBe(1)
})

test('counters only grow from scrape to scrape, also when scrapes overlap', async () => {
  const { recorder, reader } = createLedger()
  const metrics = create(() => reading(reader))
  let before = await scrape(metrics)
  for (let round = 0; round < 20; round++) {
    recorder.started(1, LANE_V2)
    recorder.finished(1, LANE_V2, ASSIGNED_BY_BUCKET, round % OUTCOMES.length, round, round)
    const [first, second] = await Promise.all([scrape(metrics), scrape(metrics)])
    for (const [key, value] of before) if (/_total|_bucket|_count|_sum/.test(key)) expect(first.get(key), key).toBeGreaterThanOrEqual(value)
    for (const [key, value] of first) expect(second.get(key), key).toBe(value)
    before = second
  }
})

test('the duration histogram is cumulative, complete, and has the edges people set limits at', async () => {
  const { recorder, reader } = createLedger()
  const latencies = [0.05, 2, 149, 151, 399, 401, 499, 501, 999, 1_001, 120_000]
  for (const latency of latencies) {
    recorder.started(1, LANE_V2)
    recorder.finished(1, LANE_V2, ASSIGNED_BY_BUCKET, 1, latency, latency)
  }
  recorder.started(1, LANE_FALLBACK)
  recorder.finished(1, LANE_FALLBACK, ASSIGNED_BY_BUCKET, 1, 7, 7)
  const samples = await scrape(create(() => reading(reader)))
  const bucket = (le: string) => samples.get(`banyan_request_duration_seconds_bucket{route="orders",backend="v2",le="${le}"}`)
  for (const edge of ['0.15', '0.4', '0.5', '1']) expect(bucket(edge), edge).toBeTypeOf('number')
  const edges = [...samples.keys()].flatMap(
    (key) => /duration_seconds_bucket\{route="orders",backend="v2",le="([^"]+)"/.exec(key)?.[1] ?? [],
  )
  const counts = edges.map((edge) => bucket(edge) ?? -1)
  expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  expect(bucket('+Inf')).toBe(latencies.length)
  expect(samples.get('banyan_request_duration_seconds_count{route="orders",backend="v2"}')).toBe(latencies.length)
  const sum = latencies.reduce((total, latency) => total + latency, 0) / 1_000
  expect(samples.get('banyan_request_duration_seconds_sum{route="orders",backend="v2"}')).toBeCloseTo(sum, 6)
  expect(samples.get('banyan_request_duration_seconds_count{route="orders",backend="v1"}')).toBe(1)
  // The ledger's cells are within 6 %: nothing lands further than one cell from its edge.
  expect(bucket('0.1')).toBe(2)
  expect(bucket('0.25')).toBe(4)
  expect(bucket('0.75')).toBe(8)
})

test('control state is told in gauges, one-hot where it is a word', async () => {
  const { reader } = createLedger()
  const metrics = create(() =>
    reading(
      reader,
      [{ tripped: true, verdict: 'regression', effectiveBps: 0, rollbacks: { errors: 2, rollback: 1, kill: 0, ceiling: 0 } }],
      {
        backendUp: { v1: true, v2: false },
        ceiling: { env: null, file: 50, redis: null, lowest: 50 },
        killed: true,
        storeUp: false,
        inflight: 7,
        judgeLagMs: 250,
        configReloads: { applied: 3, invalid: 1 },
        lastReloadSuccessful: false,
        logDropped: 9,
        alerts: [{ receiver: 'log', result: 'ok', count: 4 }],
        threads: [{ name: 'data-0', up: true, loopLagMs: 3, clientConnections: 12, heldBytes: 4_096 }],
      },
    ),
  )
  metrics.observeRollback(2)
  const samples = await scrape(metrics)
  const expected: Record<string, number | undefined> = {
    'banyan_weight_percent{route="orders"}': 0,
    'banyan_weight_wanted_percent{route="orders"}': 25,
    'banyan_tripped{route="orders"}': 1,
    'banyan_stage{route="orders",stage="canary"}': 1,
    'banyan_stage{route="orders",stage="off"}': 0,
    'banyan_verdict{route="orders",verdict="regression"}': 1,
    'banyan_verdict{route="orders",verdict="healthy"}': 0,
    'banyan_rollbacks_total{route="orders",cause="errors"}': 2,
    'banyan_ceiling_percent{source="file"}': 50,
    'banyan_ceiling_percent{source="lowest"}': 50,
    'banyan_ceiling_percent{source="env"}': undefined,
    'banyan_backend_up{backend="v1"}': 1,
    'banyan_backend_up{backend="v2"}': 0,
    banyan_killed: 1,
    banyan_store_up: 0,
    banyan_inflight_requests: 7,
    banyan_judge_lag_seconds: 0.25,
    banyan_config_last_reload_successful: 0,
    'banyan_config_reloads_total{result="applied"}': 3,
    'banyan_config_reloads_total{result="invalid"}': 1,
    banyan_log_dropped_total: 9,
    'banyan_alerts_total{receiver="log",result="ok"}': 4,
    'banyan_build_info{version="1.0.0"}': 1,
    'banyan_thread_up{thread="data-0"}': 1,
    'banyan_thread_loop_lag_seconds{thread="data-0"}': 0.003,
    'banyan_thread_client_connections{thread="data-0"}': 12,
    'banyan_thread_held_bytes{thread="data-0"}': 4_096,
    'banyan_rollback_duration_seconds_bucket{le="0.001"}': 0,
    'banyan_rollback_duration_seconds_bucket{le="0.005"}': 1,
    banyan_rollback_duration_seconds_sum: 0.002,
  }
  for (const [key, value] of Object.entries(expected)) expect(samples.get(key), key).toBe(value)
})

test('a removed route is gone from the next scrape', async () => {
  const { reader } = createLedger()
  let routes: Partial<RouteReading>[] = [{ name: 'a' }, { name: 'b' }]
  const metrics = create(() => reading(reader, routes))
  expect([...(await scrape(metrics)).keys()].some((key) => key.includes('route="b"'))).toBe(true)
  routes = [{ name: 'a' }]
  expect([...(await scrape(metrics)).keys()].some((key) => key.includes('route="b"'))).toBe(false)
})

test('a route name cannot break the format', async () => {
  const { reader } = createLedger()
  const samples = await scrape(create(() => reading(reader, [{ name: 'a"b\\c\nd{}' }])))
  expect(samples.get('banyan_tripped{route="a\\"b\\\\c\\nd{}"}')).toBe(0)
})

test("Node's own metrics are there unless they are not wanted", async () => {
  const { reader } = createLedger()
  expect((await scrape(create(() => reading(reader), true))).has('process_cpu_seconds_total')).toBe(true)
  expect((await scrape(create(() => reading(reader)))).has('process_cpu_seconds_total')).toBe(false)
})

test('the catalogue names every metric that is exported, once', async () => {
  const { reader } = createLedger()
  const text = await create(() => reading(reader)).text()
  const exported = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1])
  expect(new Set(exported)).toEqual(new Set(METRIC_NAMES))
  expect(exported).toHaveLength(METRIC_NAMES.length)
  expect(new Set(METRIC_NAMES).size).toBe(METRIC_NAMES.length)
})

test('lanes that are nobody’s answer are in no request count', async () => {
  const { recorder, reader } = createLedger()
  for (const lane of [LANES.indexOf('mirror'), LANES.indexOf('reverse')]) {
    recorder.started(1, lane)
    recorder.finished(1, lane, ASSIGNED_BY_BUCKET, 1, 5, 5)
  }
  const samples = await scrape(create(() => reading(reader)))
  for (const [key, value] of samples) if (/requests_total\{route|duration_seconds/.test(key)) expect(value, key).toBe(0)
})
