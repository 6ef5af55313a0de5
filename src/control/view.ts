/**
 * What control shows of the gateway: status, metrics, explain, plan. It reads everything and changes nothing.
 *
 * Names and shapes are those the admin API and the metrics ask for (`admin/source.ts`,
 * `telemetry/reading.ts`); the composition root joins them.
 */
import { ceilingOf } from '../core/control/effective.ts'
import { groupOf } from '../core/control/state.ts'
import type { Backend, GatewayConfig, RouteConfig } from '../core/model/config.ts'
import type { PlanBody, PlanProblems } from '../core/model/plan.ts'
import type { StatusBody } from '../core/model/status.ts'
import type { Reader } from '../ledger/reader.ts'
import type { Holder } from './holder.ts'
import type { Judging } from './judging.ts'
import { plan } from './plan.ts'
import type { ProbeStatus } from './probes.ts'
import type { Published, Publisher } from './publisher.ts'
import type { Recent, Traffic } from './recent.ts'
import type { Reload } from './reload.ts'
import type { Rollbacks } from './rollbacks.ts'
import { effectiveNow, routeStatus } from './route-status.ts'
import type { Saver } from './saver.ts'
import { statusBody } from './status.ts'
import type { StatusParts } from './status.ts'
import type { ControlStore } from './store.ts'

export interface ViewParts {
  readonly version: string
  readonly configPath: string
  readonly now: () => number
  readonly holder: Holder
  readonly saver: Saver
  readonly store: Pick<ControlStore, 'kind' | 'up'>
  readonly reload: Reload
  readonly publisher: Publisher
  readonly judging: Judging
  readonly recent: Recent
  readonly rollbacks: Rollbacks
  readonly reader: Reader
  readonly probe: (backend: Backend) => ProbeStatus
  readonly unresolved: () => readonly string[]
  readonly threads: () => StatusParts['threads']
  /** Reads a config document as `check` does; null: it is valid. */
  readonly parse: (text: string) => ParsedConfig
}

export type ParsedConfig =
  { readonly config: GatewayConfig; readonly hash: string; readonly problems: null } | { readonly problems: readonly string[] }

export interface View {
  status(): StatusBody
  /** Group of a route by its name, removed but still latched ones included; null = there is no such route. */
  groupOf(route: string): string | null
  plan(text: string): PlanBody | PlanProblems
  reading(): ViewReading
}

/** The part of a metrics reading that control's own parts know. */
type ViewReading = ReturnType<typeof readingOf>

export function createView(parts: ViewParts): View {
  return {
    status: () => statusOf(parts),
    groupOf: (route) => findGroup(parts, route),
    plan: (text) => planOf(parts, text),
    reading: () => readingOf(parts),
  }
}

interface Shown {
  readonly route: RouteConfig
  readonly slot: number
}

function shownRoutes(published: Published | null): readonly Shown[] {
  const routes = published?.snapshot.config.routes ?? []
  return routes.map((route) => ({ route, slot: published?.snapshot.slots[route.name] ?? 0 }))
}

function statusOf(parts: ViewParts): StatusBody {
  const { holder, judging, reader, recent, saver, store } = parts
  const state = holder.state()
  const unknown = holder.unknown()
  const routes = shownRoutes(parts.publisher.current()).map(({ route, slot }) =>
    routeStatus({
      route,
      state,
      unknown: unknown !== null,
      totals: reader.slot(slot),
      recent: recent.of(slot),
      verdict: judging.verdict(route.name),
    }),
  )
  return statusBody({
    version: parts.version,
    configPath: parts.configPath,
    state,
    unknown,
    store: { kind: store.kind, up: storeUp(parts), problem: saver.problem(), unsaved: saver.waiting() },
    probes: { v1: parts.probe('v1'), v2: parts.probe('v2') },
    reload: parts.reload.status(),
    resolver: parts.unresolved(),
    threads: parts.threads(),
    routes,
  })
}

function storeUp({ store, saver, holder }: ViewParts): boolean {
  return store.up() && saver.problem() === null && holder.unknown() === null
}

function findGroup({ publisher, holder }: ViewParts, name: string): string | null {
  const route = shownRoutes(publisher.current()).find((shown) => shown.route.name === name)
  if (route !== undefined) return route.route.group
  const group = groupOf(holder.state(), name)
  if (group !== null && (group.removedAt === null || group.latch !== null)) return name
  const removed = Object.entries(holder.state().groups).find(([, { tombstones }]) => (tombstones ?? []).some((dead) => dead.name === name))
  return removed?.[0] ?? null
}

function planOf({ parse, reload, holder, publisher, recent, now }: ViewParts, text: string): PlanBody | PlanProblems {
  const parsed = parse(text)
  if (parsed.problems !== null) return { problems: parsed.problems }
  const running = reload.inForce()
  if (running === null) return { problems: ['no config is in force yet, so there is nothing to compare with'] }
  const slots = publisher.current()?.snapshot.slots ?? {}
  const trafficOf = (route: string): Traffic | null => {
    const slot = slots[route]
    return slot === undefined ? null : recent.of(slot)
  }
  return plan({ running, proposed: parsed, state: holder.state(), unknown: holder.unknown() !== null, now: now(), recent: trafficOf })
}

function readingOf(parts: ViewParts) {
  const { holder, reader, judging, rollbacks, reload } = parts
  const state = holder.state()
  const { env, file, redis, percent } = ceilingOf(state)
  return {
    routes: shownRoutes(parts.publisher.current()).map(({ route, slot }) => {
      const group = groupOf(state, route.group)
      return {
        name: route.name,
        stage: group?.stage ?? ('off' as const),
        effectiveBps: effectiveNow(state, route.group, holder.unknown() !== null).weightBps,
        wantedBps: group?.wantedBps ?? 0,
        tripped: (group?.latch ?? null) !== null,
        verdict: judging.verdict(route.name).kind,
        totals: reader.slot(slot),
        latency: (lane: number) => reader.latency(slot, lane),
        rollbacks: rollbacks.of(route.group),
      }
    }),
    gateway: reader.gateway(),
    backendUp: { v1: parts.probe('v1').up, v2: parts.probe('v2').up },
    ceiling: { env, file, redis, lowest: percent },
    killed: state.killed !== null,
    storeUp: storeUp(parts),
    inflight: reader.inFlight(),
    configReloads: reload.counts(),
    lastReloadSuccessful: reload.status().lastError.length === 0,
  }
}
