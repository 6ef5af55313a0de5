/** One route as `GET status` shows it. */
import { effectiveOf, toBps } from '../core/control/effective.ts'
import { groupOf } from '../core/control/state.ts'
import type { RouteConfig } from '../core/model/config.ts'
import type { ControlState, Effective, GroupState } from '../core/model/control.ts'
import { COUNTERS, LANE_FALLBACK, LANE_V1, LANE_V2 } from '../core/model/observation.ts'
import type { RouteStatus } from '../core/model/status.ts'
import type { Verdict } from '../core/model/verdict.ts'
import { counterOf, failuresOf, finishedOf } from '../ledger/totals.ts'
import type { SlotTotals } from '../ledger/totals.ts'
import type { Traffic } from './recent.ts'

export interface RouteParts {
  readonly route: RouteConfig
  readonly state: ControlState
  /** The state could not be read: nothing about this route is known but its config. */
  readonly unknown: boolean
  readonly totals: SlotTotals
  readonly recent: Traffic | null
  readonly verdict: Verdict
}

const DROPPED = COUNTERS.filter((counter) => counter.startsWith('mirror_dropped_'))

export function routeStatus(parts: RouteParts): RouteStatus {
  const { route, state, totals } = parts
  const group = groupOf(state, route.group)
  return {
    name: route.name,
    group: route.group,
    stage: group?.stage ?? 'off',
    weight: weightStatus(parts, group),
    tripped: trippedStatus(group),
    verdict: parts.verdict,
    ramp: null,
    share: shareStatus(parts, group),
    requests: { v1: finishedOf(totals, LANE_V1) + finishedOf(totals, LANE_FALLBACK), v2: finishedOf(totals, LANE_V2) },
    failures: { v1: failuresOf(totals, LANE_V1) + failuresOf(totals, LANE_FALLBACK), v2: failuresOf(totals, LANE_V2) },
    fallbacks: counterOf(totals, 'fallbacks'),
    shadow: { sent: counterOf(totals, 'mirror_sent'), dropped: droppedStatus(totals) },
    comparisons: {
      match: counterOf(totals, 'compare_match'),
      mismatch: counterOf(totals, 'compare_mismatch'),
      ignored: counterOf(totals, 'compare_ignored'),
      incomparable: counterOf(totals, 'compare_incomparable'),
    },
  }
}

/** What is in force: the state's word on it, but zero while the state is unknown. */
export function effectiveNow(state: ControlState, group: string, unknown: boolean): Effective {
  return unknown ? { weightBps: 0, heldBy: 'unknown' } : effectiveOf(state, group)
}

function weightStatus({ route, state, unknown }: RouteParts, group: GroupState | null): RouteStatus['weight'] {
  const { weightBps, heldBy } = effectiveNow(state, route.group, unknown)
  return {
    configured: toBps(route.weight) / 100,
    wanted: (group?.wantedBps ?? 0) / 100,
    effective: weightBps / 100,
    heldBy,
  }
}

function trippedStatus(group: GroupState | null): RouteStatus['tripped'] {
  const latch = group?.latch ?? null
  if (latch === null) return null
  return { at: new Date(latch.at).toISOString(), cause: latch.cause, reason: latch.reason, epoch: latch.epoch }
}

function shareStatus({ recent, totals }: RouteParts, group: GroupState | null): RouteStatus['share'] {
  const sinceStart = { v1: finishedOf(totals, LANE_V1), v2: finishedOf(totals, LANE_V2), keyless: counterOf(totals, 'keyless') }
  const traffic = recent === null || recent.v1 + recent.v2 === 0 ? sinceStart : recent
  const all = traffic.v1 + traffic.v2
  return {
    wanted: (group?.wantedBps ?? 0) / 100,
    actual: all === 0 ? null : percent(traffic.v2, all),
    keyless: all === 0 ? null : percent(Math.min(traffic.keyless, all), all),
  }
}

function percent(part: number, all: number): number {
  return Math.round((part / all) * 10_000) / 100
}

function droppedStatus(totals: SlotTotals): Readonly<Record<string, number>> {
  const dropped = DROPPED.map((counter) => [counter.slice('mirror_dropped_'.length), counterOf(totals, counter)] as const)
  return Object.fromEntries(dropped.filter(([, count]) => count > 0))
}
