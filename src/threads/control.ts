/**
 * The control thread: builds the parts and closes the loop. Read this first.
 *
 *   config files ─► control ─► routing words, snapshot ─► data threads ─► ledger ─► judge ─► control
 *   admin, CLI   ─►    │   └─► control.db, audit                            metrics, log, alerts ◄─┘
 *
 * It may die at any moment: data threads go on with the last snapshot and the words, and its successor finds
 * the state in the store, slots in the notes, and the last good config with main.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { createAdminServer } from '../admin/server.ts'
import type { AdminServer } from '../admin/server.ts'
import type { AdminSource } from '../admin/source.ts'
import { loadConfig } from '../config/load.ts'
import type { LoadResult } from '../config/load.ts'
import { parseConfig } from '../config/parse.ts'
import { formatProblem } from '../config/problem.ts'
import { watchConfig } from '../config/watch.ts'
import type { ConfigWatch } from '../config/watch.ts'
import { createControl } from '../control/control.ts'
import type { Control } from '../control/control.ts'
import { createLocalStore } from '../control/local-store.ts'
import { pinned } from '../control/restart-sections.ts'
import type { ControlStore } from '../control/store.ts'
import { threadReadings } from '../control/thread-readings.ts'
import type { GatewayConfig } from '../core/model/config.ts'
import type { ControlStart, FromMain, ToMain } from '../core/model/messages.ts'
import { createAlerts } from '../notify/alerts.ts'
import type { Alerts } from '../notify/alerts.ts'
import { createLogReceiver } from '../notify/log.ts'
import { usableHost } from '../supervisor/address.ts'
import { createLog } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { MetricsReading } from '../telemetry/reading.ts'

const start = workerData as ControlStart
const log = createLog({ level: start.env['LOG_LEVEL'], thread: 'control' })
const { logger } = log
/** Set once there is something to stop. */
let stop: () => Promise<void> = () => Promise.resolve(tell({ kind: 'drained' }))

const read = loadConfig(start.configPath, start.env)
const config = read.ok ? pinned(read.config, start.inForce?.config ?? null) : (start.inForce?.config ?? null)
if (config === null) refuse(2, read.ok ? [] : read.problems.map(formatProblem))
else await run(config)

async function run(running: GatewayConfig): Promise<void> {
  // Messages that came before are delivered once somebody listens.
  const parts = await build(running)
  const { control, store, admin } = parts
  parentPort?.on('message', (message: FromMain) => control.neighbours.receive(message))
  let watch: ConfigWatch | null = null
  stop = async () => {
    watch?.close()
    await admin.close()
    await control.close()
    store.close()
    parts.metrics.close()
    await log.flush()
    tell({ kind: 'drained' })
  }
  try {
    const { host, port } = await admin.listen()
    tell({ kind: 'admin-listening', host, port })
  } catch (error) {
    refuse(1, [error instanceof Error ? error.message : String(error)])
    return
  }
  if (start.inForce !== null && !read.ok) await control.resume(start.inForce)
  take(control, read)
  watch = watchConfig(start.configPath, start.env, (result) => take(control, result), { seen: read.fingerprint })
}

interface Parts {
  readonly control: Control
  readonly store: ControlStore
  readonly admin: AdminServer
  readonly metrics: Metrics
}

async function build(running: GatewayConfig): Promise<Parts> {
  const now = Date.now
  const store = createLocalStore({ folder: running.store.path })
  const alerts = createAlerts({ receivers: [createLogReceiver(logger)], now })
  const control = createControl({
    start,
    store,
    log: logger,
    alerts,
    tell,
    onLog: (lines, dropped) => log.writeLines(lines, dropped),
    onRollback: (tookMs) => metrics.observeRollback(tookMs),
    onStop: () => void stop(),
    parse: (text) => {
      const parsed = parseConfig(text, 'the proposed config', start.env)
      return parsed.ok ? { config: parsed.config, hash: parsed.hash, problems: null } : { problems: parsed.problems.map(formatProblem) }
    },
    now,
    monotonic: () => performance.now(),
  })
  const metrics = createMetrics({ read: () => readingOf(control, alerts) })
  const { port, hosts, tokens, metrics: access } = running.admin
  const host = await usableHost(running.admin.host)
  const onError = (error: unknown, request: object): void => logger.error({ err: error, request }, 'an admin request failed')
  const admin = createAdminServer(sourceOf(control, store, metrics), { host, port, hosts, tokens, metrics: access, onError })
  return { control, store, admin, metrics }
}

function sourceOf({ view, neighbours, explain, submit }: Control, store: ControlStore, metrics: Metrics): AdminSource {
  return {
    status: () => view.status(),
    ready: () => neighbours.ready(),
    metrics: () => metrics.text(),
    groupOf: (route) => view.groupOf(route),
    submit: (command, options) => submit(command, options),
    explain: (query) => explain(query),
    findings: (route) => neighbours.peers.findings(route),
    sample: (id) => neighbours.peers.sample(id),
    audit: (query) => store.audit(query),
    plan: (text) => view.plan(text),
  }
}

function readingOf(control: Control, alerts: Alerts): MetricsReading {
  return {
    ...control.view.reading(),
    version: start.version,
    judgeLagMs: control.judgeLagMs(),
    logDropped: log.dropped(),
    alerts: alerts.counts(),
    threads: threadReadings(start.memory, (thread) => control.neighbours.peers.isUp(thread)),
  }
}

/** A config that was read, good or not, at the start or later. */
function take(control: Control, result: LoadResult): void {
  if (!result.ok) return control.reject(result.problems.map(formatProblem), result.ceiling)
  logger.level = result.config.logLevel
  for (const warning of result.warnings) logger.warn({ config: { hash: result.hash } }, formatProblem(warning))
  void control.adopt(result)
}

function refuse(exitCode: number, problems: readonly string[]): void {
  for (const problem of problems) logger.error(problem)
  tell({ kind: 'refused-to-start', exitCode, problems })
}

function tell(message: ToMain): void {
  parentPort?.postMessage(message)
}
