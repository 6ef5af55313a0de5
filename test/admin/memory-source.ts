/** An AdminSource over the real core, in memory: what control's composition root will do, without threads or disk. */
import { apply } from '../../src/core/control/apply.ts'
import { commandsForConfig } from '../../src/core/control/config-commands.ts'
import { ceilingOf, effectiveOf, gatewayWordOf, wordOf } from '../../src/core/control/effective.ts'
import { groupOf, initialState, isRefusal } from '../../src/core/control/state.ts'
import { explain } from '../../src/core/split/explain.ts'
import { createFacts } from '../../src/core/split/facts.ts'
import { compileRoutes } from '../../src/core/split/match.ts'
import type { AdminSource, Readiness } from '../../src/admin/source.ts'
import type { GatewayConfig, RouteConfig } from '../../src/core/model/config.ts'
import type { AuditEntry, Command, ControlState } from '../../src/core/model/control.ts'
import type { Finding, Sample } from '../../src/core/model/finding.ts'
import type { RouteStatus, StatusBody } from '../../src/core/model/status.ts'
import { gatewayConfig, routeConfig } from '../support/wire/config.ts'

export const NOW = Date.parse('2026-03-01T12:00:00Z')

export const FINDING: Finding = {
  id: 'f1',
  route: 'orders',
  endpoint: 'GET /api/orders/:id',
  path: '/items/*/price',
  kind: 'value',
  state: 'regression',
  count: 12,
  compared: 800,
  share: [0.008, 0.026],
  firstSeen: '2026-03-01T11:00:00Z',
  lastSeen: '2026-03-01T11:59:00Z',
  examples: ['s1'],
}

export const SAMPLE: Sample = {
  id: 's1',
  finding: 'f1',
  route: 'orders',
  method: 'GET',
  target: '/api/orders/7',
  at: '2026-03-01T11:59:00Z',
  requestId: 'r-1',
  v1: { status: 200, headers: { 'content-type': 'application/json' }, body: '{"price":10}' },
  v2: { status: 200, headers: { 'content-type': 'application/json' }, body: '{"price":"10"}' },
  differences: [{ path: '/price', kind: 'type', v1: '10', v2: '"10"' }],
}

export interface MemorySource extends AdminSource {
  readonly state: () => ControlState
  /** Commands as the API handed them over, dry runs included. */
  readonly commands: Command[]
  readonly set: (parts: Partial<Settings>) => void
}

interface Settings {
  readonly readiness: Readiness
  readonly saved: boolean
  readonly findings: readonly Finding[]
  readonly patch: Partial<StatusBody>
  readonly patchRoute: (route: RouteStatus) => RouteStatus
}

const ROUTES = [
  routeConfig({ name: 'orders', group: 'orders', match: { path: '/api/orders/**' }, stage: 'canary', weight: 10 }),
  routeConfig({ name: 'odd name/ü', group: 'odd', match: { path: '/odd' }, stage: 'shadow' }),
  routeConfig({ name: 'rest', group: 'rest', match: { path: '/**' }, stage: 'off' }),
]

export function createMemorySource(routes: readonly RouteConfig[] = ROUTES, now: () => number = () => NOW): MemorySource {
  const config = gatewayConfig(routes, [1], [2])
  const entries: AuditEntry[] = []
  const commands: Command[] = []
  let state = initialState()
  let settings: Settings = {
    readiness: { ready: true, why: [] },
    saved: true,
    findings: [FINDING],
    patch: {},
    patchRoute: (route) => route,
  }
  for (const command of commandsForConfig(state, config, 'hash-1', 'config')) {
    const applied = apply(state, command, now())
    if (!isRefusal(applied)) state = applied.state
  }
  const groupNamed = (route: string): string | null => config.routes.find(({ name }) => name === route)?.group ?? null

  return {
    state: () => state,
    commands,
    set: (parts) => (settings = { ...settings, ...parts }),
    status: () => ({ ...statusOf(config, state, settings.patchRoute), ...settings.patch }),
    ready: () => settings.readiness,
    metrics: () => Promise.resolve('banyan_killed 0\n'),
    groupOf: groupNamed,
    submit: (command, { dryRun }) => {
      commands.push(command)
      const result = apply(state, command, now())
      if (isRefusal(result) || dryRun) return result
      state = result.state
      entries.unshift({ ...result.entry, id: entries.length + 1 })
      return { entry: result.entry, saved: settings.saved }
    },
    explain: ({ route, ...request }) => {
      const slots = Object.fromEntries(config.routes.map(({ name }, index) => [name, index + 1]))
      const words = [gatewayWordOf(state, now()), ...config.routes.map(({ group }) => wordOf(state, group, { live: true, now: now() }))]
      return explain(compileRoutes(config, { slots, resalts: {} }), words, createFacts(request), route)
    },
    findings: (route) => settings.findings.filter((finding) => route === null || finding.route === route),
    sample: (id) => (id === SAMPLE.id ? SAMPLE : null),
    audit: ({ sinceMs, limit }) => entries.filter(({ at }) => sinceMs === null || Date.parse(at) >= sinceMs).slice(0, limit),
    plan: (text) =>
      text.includes('weight: 400')
        ? { problems: ['gateway.yaml:1:9: weight: 400 is above 100', 'gateway.yaml:2:1: wieght: unknown key, did you mean weight?'] }
        : { from: 'hash-1', to: 'hash-2', routes: [], notes: [`${Buffer.byteLength(text)} bytes`] },
  }
}

function statusOf(config: GatewayConfig, state: ControlState, patch: (route: RouteStatus) => RouteStatus): StatusBody {
  return {
    version: '1.0.0',
    revision: state.revision,
    degraded: false,
    problems: [],
    killed: state.killed !== null,
    ceiling: ceilingOf(state),
    store: { kind: 'local', up: true },
    backends: { v1: { up: true, why: null }, v2: { up: true, why: null } },
    config: { path: 'config/', hash: 'hash-1', loadedAt: new Date(NOW).toISOString(), lastError: [] },
    threads: { data: 2, up: 2, compare: true },
    routes: config.routes.map((route) => patch(routeStatus(route, state))),
    pods: [],
  }
}

function routeStatus(route: RouteConfig, state: ControlState): RouteStatus {
  const group = groupOf(state, route.group)
  const { weightBps, heldBy } = effectiveOf(state, route.group)
  const latch = group?.latch ?? null
  return {
    name: route.name,
    group: route.group,
    stage: group?.stage ?? 'off',
    weight: { configured: route.weight, wanted: (group?.wantedBps ?? 0) / 100, effective: weightBps / 100, heldBy },
    tripped: latch === null ? null : { at: new Date(latch.at).toISOString(), cause: latch.cause, reason: latch.reason, epoch: latch.epoch },
    verdict: { kind: 'insufficient', reason: 'no traffic yet', at: NOW, numbers: {} },
    ramp: null,
    share: { wanted: (group?.wantedBps ?? 0) / 100, actual: null, keyless: null },
    requests: { v1: 0, v2: 0 },
    failures: { v1: 0, v2: 0 },
    fallbacks: 0,
    shadow: { sent: 0, dropped: {} },
    comparisons: { match: 0, mismatch: 0, ignored: 0, incomparable: 0 },
  }
}
