/**
 * `/metrics` of a gateway where everything happens: every counter of the ledger grows between two scrapes,
 * and every state is one that a chart should show.
 */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { ASSIGNED_BY_BUCKET, COUNTERS, LANES, OUTCOMES, REJECTIONS, REPAIRS } from '../../src/core/model/observation.ts'
import { createReader } from '../../src/ledger/reader.ts'
import type { Reader } from '../../src/ledger/reader.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import type { Recorder } from '../../src/ledger/recorder.ts'
import { createMemory } from '../../src/supervisor/memory.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import type { MetricsReading, RouteReading } from '../../src/telemetry/reading.ts'

/** Route names by slot from 1 on. */
const ROUTES = ['orders', 'rest']

/** Serves the text; each request of it finds more done than the one before. */
export function createBusyGateway(): Server {
  const memory = createMemory(1)
  const [recorder, reader] = [createRecorder(memory, 0), createReader(memory)]
  let scrapes = 0
  const metrics = createMetrics({ read: () => reading(reader, scrapes) })
  const server = createServer((_req, res) => {
    scrapes++
    happen(recorder)
    metrics.observeRollback(3)
    void metrics.text().then((text) => res.end(text))
  })
  server.on('close', () => metrics.close())
  return server
}

function happen(recorder: Recorder): void {
  for (const slot of ROUTES.map((_, index) => index + 1)) {
    for (const lane of LANES.keys())
      for (const outcome of OUTCOMES.keys()) {
        recorder.started(slot, lane)
        recorder.finished(slot, lane, ASSIGNED_BY_BUCKET, outcome, 5 * (outcome + 1), 80)
      }
    for (const counter of COUNTERS.keys()) recorder.count(slot, counter)
  }
  for (const reason of REJECTIONS.keys()) recorder.rejected(reason)
  for (const backend of [0, 1]) for (const kind of REPAIRS.keys()) recorder.repaired(backend, kind)
}

function reading(reader: Reader, scrapes: number): MetricsReading {
  return {
    version: '1.0.0',
    routes: ROUTES.map((name, index): RouteReading => ({
      name,
      stage: 'canary',
      effectiveBps: 1_000,
      wantedBps: 2_500,
      tripped: true,
      verdict: 'regression',
      totals: reader.slot(index + 1),
      latency: (lane) => reader.latency(index + 1, lane),
      rollbacks: { errors: scrapes, rollback: scrapes, kill: scrapes, ceiling: scrapes },
    })),
    gateway: reader.gateway(),
    backendUp: { v1: true, v2: false },
    ceiling: { env: null, file: 50, redis: null, lowest: 50 },
    killed: true,
    storeUp: true,
    inflight: 3,
    judgeLagMs: 2,
    configReloads: { applied: scrapes, invalid: scrapes },
    lastReloadSuccessful: true,
    logDropped: scrapes,
    alerts: [{ receiver: 'log', result: 'failed', count: scrapes }],
    threads: [{ name: 'data-0', up: true, loopLagMs: 1, clientConnections: 2, heldBytes: 3 }],
  }
}
