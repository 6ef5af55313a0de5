/**
 * `configure`: the config itself becomes part of the state: which groups exist, their first ramp step, and
 * the values to compare the next config with.
 *
 * Changed stages and weights of known groups are commands of their own (`commandsForConfig`), so that each
 * is refused or audited alone. Here is what no single command says:
 *   - a new group starts as the config says, at first sight only (at zero while the global latch is set);
 *   - a group that is gone keeps its state for 30 days, and for ever while latched: a trip must not be
 *     undone by deleting and re-adding a route, nor by changing what it matches (tombstones);
 *   - in off and shadow a changed weight is remembered: it bounds the first step of a later canary.
 */
import type { AppliedConfig, AppliedGroup, AppliedRoute, Command, ControlState, GroupState } from '../model/control.ts'
import type { MatchConfig } from '../model/config.ts'
import { STAGES } from '../model/routing.ts'
import { DEFAULT_FIRST_STEP_BPS, groupOf, lastApplied, newGroup, own, unrouted } from './state.ts'

const KEPT_MS = 30 * 86_400_000

type ConfigureCommand = Extract<Command, { kind: 'configure' }>
type Named<T> = readonly [name: string, value: T]

export function configure(state: ControlState, command: ConfigureCommand, now: number): ControlState {
  const { config, firstStepsBps } = command
  const present = Object.entries(config.groups).map(([name, wants]): Named<GroupState> => {
    const group = groupOf(state, name)
    const firstStepBps = own(firstStepsBps, name) ?? group?.firstStepBps ?? DEFAULT_FIRST_STEP_BPS
    const next = group === null ? firstSight(state, wants, firstStepBps, now) : adopted(state, name, group, wants, now)
    return [name, withTombstones({ ...next, firstStepBps }, state, name, wants.routes ?? [])]
  })
  const removed = Object.entries(state.groups)
    .filter(([name]) => !Object.hasOwn(config.groups, name))
    .map(([name, group]): Named<GroupState> => [name, withTombstones({ ...group, removedAt: group.removedAt ?? now }, state, name, [])])
    .filter(([, group]) => group.latch !== null || now - (group.removedAt ?? now) < KEPT_MS)
  return { ...state, groups: Object.fromEntries([...removed, ...present]), applied: remember(state, config, removed) }
}

function firstSight(state: ControlState, wants: AppliedGroup, firstStepBps: number, now: number): GroupState {
  if (state.killed === null) return newGroup(wants.stage, wants.weightBps, firstStepBps, now)
  // Ending the global latch must not start what was never running: the weight is not queued either.
  return newGroup(wants.stage === 'complete' ? 'canary' : wants.stage, 0, firstStepBps, now)
}

function adopted(state: ControlState, name: string, group: GroupState, wants: AppliedGroup, now: number): GroupState {
  const was = lastApplied(state, name)
  const returning = group.removedAt !== null
  const held = group.latch !== null || state.killed !== null
  const weightChanged = was?.weightBps !== wants.weightBps
  const back = returning ? { ...group, removedAt: null, changedAt: now } : group
  if (returning && (weightChanged || was.stage !== wants.stage)) {
    // Back in the config, and edited: as at first sight. While held only downwards.
    if (!held) return { ...back, stage: wants.stage, wantedBps: newGroup(wants.stage, wants.weightBps, 0, now).wantedBps }
    return { ...back, stage: lowerStage(group, wants), wantedBps: Math.min(group.wantedBps, wants.weightBps) }
  }
  if (!weightChanged || !unrouted(back.stage)) return back
  return { ...back, wantedBps: held ? Math.min(back.wantedBps, wants.weightBps) : wants.weightBps }
}

function lowerStage(group: GroupState, wants: AppliedGroup): GroupState['stage'] {
  return STAGES.indexOf(wants.stage) < STAGES.indexOf(group.stage) ? wants.stage : group.stage
}

/** What a latched group matched and matches no longer. Renaming a route or its match is no way round a latch. */
function withTombstones(group: GroupState, state: ControlState, name: string, now: readonly AppliedRoute[]): GroupState {
  const { tombstones, ...rest } = group
  if (group.latch === null) return rest
  const before = lastApplied(state, name)?.routes ?? []
  const matched = new Set(now.map(({ match }) => matchKey(match)))
  const gone = new Map<string, AppliedRoute>()
  for (const route of [...(tombstones ?? []), ...before]) {
    const key = matchKey(route.match)
    if (!matched.has(key)) gone.set(key, route)
  }
  return gone.size === 0 ? rest : { ...rest, tombstones: [...gone.values()] }
}

function matchKey({ path, methods, host, header }: MatchConfig): string {
  const headers = Object.entries(header).map(([name, value]) => `${name}: ${value}`)
  return JSON.stringify([path, [...methods].sort(), host, headers.sort()])
}

/** Removed groups' values stay, so that a group which comes back unchanged is no edit of the file. */
function remember(state: ControlState, config: AppliedConfig, removed: readonly Named<GroupState>[]): AppliedConfig {
  const kept = removed.flatMap(([name]): Named<AppliedGroup>[] => {
    const was = lastApplied(state, name)
    return was === null ? [] : [[name, was]]
  })
  return { hash: config.hash, groups: Object.fromEntries([...kept, ...Object.entries(config.groups)]) }
}
