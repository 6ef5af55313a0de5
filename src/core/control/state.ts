/**
 * Control state as a value: the empty one, looking into it, and changing one group of it.
 *
 * Group names come from users and reach us through URLs, so look-ups ask for own properties only: a
 * route called `constructor` must be unknown, not a function.
 */
import type { Stage } from '../model/config.ts'
import type { AppliedGroup, ControlState, GroupState, Refusal } from '../model/control.ts'
import { BUCKETS } from '../model/routing.ts'
import { refuse } from './refusals.ts'

/** First ramp step when the config names none: 1 %. */
export const DEFAULT_FIRST_STEP_BPS = 100

export function initialState(): ControlState {
  return { revision: 0, groups: {}, killed: null, ceiling: { env: null, file: null, redis: null }, applied: null }
}

/** The group of this name, removed ones included. */
export function groupOf(state: ControlState, name: string): GroupState | null {
  return own(state.groups, name)
}

export function own<T>(record: Readonly<Record<string, T>>, name: string): T | null {
  const value = record[name]
  return value !== undefined && Object.hasOwn(record, name) ? value : null
}

/** What the config last applied said about this group. */
export function lastApplied(state: ControlState, name: string): AppliedGroup | null {
  return state.applied === null ? null : own(state.applied.groups, name)
}

/** The group of a route that is in the config now, or the refusal that says where it went. */
export function presentGroup(state: ControlState, name: string): GroupState | Refusal {
  const group = groupOf(state, name)
  if (group === null) return refuse('unknown-route', name)
  return group.removedAt === null ? group : refuse('route-removed', name)
}

export function knownGroup(state: ControlState, name: string): GroupState | Refusal {
  return groupOf(state, name) ?? refuse('unknown-route', name)
}

export function isRefusal(value: object): value is Refusal {
  return 'refused' in value && value.refused === true
}

/** The state with one group changed; revision and audit are `apply`'s. */
export function withGroup(state: ControlState, name: string, group: GroupState): ControlState {
  return { ...state, groups: { ...state.groups, [name]: group } }
}

/** In these stages users get v1 whatever the weight. */
export function unrouted(stage: Stage): boolean {
  return stage === 'off' || stage === 'shadow'
}

/** A group as the config shows it at first sight. */
export function newGroup(stage: Stage, weightBps: number, firstStepBps: number, now: number): GroupState {
  return {
    stage,
    wantedBps: stage === 'complete' ? BUCKETS : weightBps,
    beforeTripBps: 0,
    latch: null,
    epoch: 0,
    trips: [],
    resalt: '',
    changedAt: now,
    firstStepBps,
    removedAt: null,
  }
}
