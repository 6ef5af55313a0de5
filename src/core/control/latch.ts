/**
 * Latches: a trip or a rollback takes a route to zero and holds it there until somebody rearms it.
 *
 * Setting one is never refused to a person and needs nothing. Ending one is the only way up from it, so
 * restarts, reloads and GitOps re-applying a weight change nothing. Each latch has an epoch, so that a
 * rearm which was meant for an older latch can be told from one meant for this.
 */
import type { AppliedRoute, Command, ControlState, GroupState, Latch, Refusal } from '../model/control.ts'
import { percentOf } from './describe.ts'
import { isoTime } from './iso-time.ts'
import { checkCaller } from './raise.ts'
import { refuse } from './refusals.ts'
import { isRefusal, knownGroup, unrouted, withGroup } from './state.ts'

const TRIP_MEMORY_MS = 7 * 86_400_000
/** Within this time of a trip nobody has understood it yet. */
const COOL_DOWN_MS = 10 * 60_000
const TRIPS_BEFORE_FORCE = 3
/** Causes a person or a source set; every other cause is the judge's and counts as a trip. */
const BY_HAND = ['rollback', 'kill', 'ceiling']

type Of<K extends Command['kind']> = Extract<Command, { kind: K }>

export function rollback(state: ControlState, command: Of<'rollback'>, now: number): ControlState | Refusal {
  const group = knownGroup(state, command.group)
  if (isRefusal(group)) return group
  return latch(state, command.group, group, { at: now, cause: 'rollback', reason: command.reason, actor: command.actor })
}

/** The judge's own: refused in off and shadow, where no user gets v2 and nothing latches. */
export function trip(state: ControlState, command: Of<'trip'>, now: number): ControlState | Refusal {
  const group = knownGroup(state, command.group)
  if (isRefusal(group)) return group
  if (unrouted(group.stage)) return refuse('not-routed', command.group, group.stage)
  // Somebody was faster; the route is at zero and the older latch stands.
  if (group.latch !== null) return state
  const tripped = { ...group, trips: [...recent(group.trips, now), now] }
  return latch(state, command.group, tripped, { at: now, cause: command.cause, reason: command.reason, actor: command.actor })
}

function latch(state: ControlState, name: string, group: GroupState, set: Omit<Latch, 'epoch'>): ControlState {
  // A second rollback keeps the first latch: its time, and the weight before it, are what a rearm goes by.
  if (group.latch !== null) return state
  const epoch = group.epoch + 1
  return withGroup(state, name, {
    ...group,
    latch: { ...set, epoch },
    epoch,
    beforeTripBps: group.wantedBps,
    wantedBps: 0,
    changedAt: set.at,
  })
}

export function rearm(state: ControlState, command: Of<'rearm'>, now: number): ControlState | Refusal {
  const group = knownGroup(state, command.group)
  if (isRefusal(group)) return group
  if (group.latch === null) return refuse('not-latched', command.group)
  const refusal = checkRearm(state, command, group, group.latch, now)
  if (refusal !== null) return refusal
  const { tombstones: _gone, ...kept } = group
  // Killed only where the route is removed: its latch may go, but it must not wake with the rest.
  const wantedBps = state.killed === null ? Math.min(command.toBps ?? group.firstStepBps, group.beforeTripBps) : 0
  return withGroup(state, command.group, {
    ...kept,
    latch: null,
    wantedBps,
    stage: group.stage === 'complete' ? 'canary' : group.stage,
    // The epoch names the latch, so no two rearms of a group choose the same salt.
    resalt: command.resalt === true ? `r${String(group.epoch)}` : group.resalt,
    changedAt: now,
  })
}

function checkRearm(state: ControlState, command: Of<'rearm'>, group: GroupState, set: Latch, now: number): Refusal | null {
  const { group: name, toBps } = command
  if (toBps !== undefined && (!Number.isInteger(toBps) || toBps < 0)) return refuse('invalid-weight', name, String(toBps / 100))
  const refusal = checkCaller(state, command, `rearm ${name}`)
  if (refusal !== null) return refusal
  // Under the global latch a rearm would be a raise queued for its end. A removed route has nothing to raise.
  if (state.killed !== null && group.removedAt === null) return refuse('killed', state.killed.cause)
  if (toBps !== undefined && toBps > group.beforeTripBps) return refuse('above-before-trip', name, percentOf(group.beforeTripBps))
  if (command.force === true || BY_HAND.includes(set.cause)) return null
  // A clock that went back reads as "just now": refused, and --force is the way out.
  if (now - set.at < COOL_DOWN_MS) return refuse('rearm-too-soon', name, isoTime(set.at))
  const trips = recent(group.trips, now).length
  return trips >= TRIPS_BEFORE_FORCE ? refuse('too-many-trips', name, String(trips)) : null
}

/** The kill switch: every route to v1, each keeping what it wanted. */
export function kill(state: ControlState, command: Of<'kill'>, now: number): ControlState {
  return killBy(state, { at: now, cause: 'kill', reason: command.reason, actor: command.actor })
}

/** The revision that sets the global latch is its epoch: unique, and growing. */
export function killBy(state: ControlState, set: Omit<Latch, 'epoch'>): ControlState {
  return state.killed === null ? { ...state, killed: { ...set, epoch: state.revision + 1 } } : state
}

/** Ends the global latch and nothing else: routes latched on their own stay latched. */
export function rearmGlobal(state: ControlState, command: Of<'rearm-global'>): ControlState | Refusal {
  if (state.killed === null) return refuse('not-killed')
  return checkCaller(state, command, 'rearm --global') ?? { ...state, killed: null }
}

/** Matches of latched groups that no route of the config has any more: these requests go to v1. */
export function tombstonesOf(state: ControlState): readonly (AppliedRoute & { readonly group: string })[] {
  return Object.entries(state.groups).flatMap(([group, { tombstones }]) => (tombstones ?? []).map((route) => ({ ...route, group })))
}

function recent(trips: readonly number[], now: number): readonly number[] {
  return trips.filter((at) => now - at < TRIP_MEMORY_MS)
}
