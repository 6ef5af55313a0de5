/**
 * From state to what the data threads obey: ceiling, effective weight, routing word.
 *
 * Effective is the minimum of the wanted weight and the lowest ceiling, and zero while the global latch or
 * the route's own latch is set or the stage sends nobody to v2. Nothing here can make it larger than wanted.
 */
import type { Ceiling, ControlState, Effective, GroupState, Latch } from '../model/control.ts'
import { BUCKETS, packWord } from '../model/routing.ts'
import type { CeilingStatus } from '../model/status.ts'
import { percentToBps } from '../units.ts'
import { groupOf, unrouted } from './state.ts'

/** After a trip nothing reaches v2 for this long, mirrors included: it may be down for load (DESIGN 6). */
export const MIRRORS_PAUSE_MS = 5 * 60_000

const SOURCES = ['env', 'file', 'redis'] as const satisfies readonly (keyof Ceiling)[]

/** The lowest of the sources; 100 from `none` when no source says anything. */
export function ceilingOf(state: ControlState): CeilingStatus {
  let percent = 100
  let source: CeilingStatus['source'] = 'none'
  for (const name of SOURCES) {
    const said = state.ceiling[name]
    if (said === null || (said >= percent && source !== 'none')) continue
    percent = said
    source = name
  }
  return { percent, source, ...state.ceiling }
}

export function ceilingBps(state: ControlState): number {
  return toBps(ceilingOf(state).percent)
}

/** Percent to basis points; anything above 0 stays above 0, else a ceiling of 0.004 would read as "zero for everybody". */
export function toBps(percent: number): number {
  return percent > 0 ? Math.max(1, percentToBps(percent)) : 0
}

/** v2's share in force, and what holds it below wanted: the first of kill, latch, stage, ceiling. */
export function effectiveOf(state: ControlState, name: string): Effective {
  const group = groupOf(state, name)
  if (group === null) return { weightBps: 0, heldBy: 'unknown' }
  if (state.killed !== null) return { weightBps: 0, heldBy: 'kill' }
  if (group.latch !== null) return { weightBps: 0, heldBy: 'latch' }
  if (group.removedAt !== null) return { weightBps: 0, heldBy: 'unknown' }
  if (unrouted(group.stage)) return { weightBps: 0, heldBy: 'stage' }
  const ceiling = ceilingBps(state)
  return ceiling < group.wantedBps ? { weightBps: ceiling, heldBy: 'ceiling' } : { weightBps: group.wantedBps, heldBy: 'none' }
}

/** The word of a route's slot. `live`: the slot belongs to a route of the published snapshot. */
export function wordOf(state: ControlState, name: string, { live, now }: { readonly live: boolean; readonly now: number }): number {
  const group = groupOf(state, name)
  return packWord({
    weightBps: effectiveOf(state, name).weightBps,
    stage: group?.stage ?? 'off',
    latched: (group?.latch ?? null) !== null,
    killed: state.killed !== null,
    ceilingZero: ceilingBps(state) === 0,
    live,
    mirrorsOff: pausesMirrors(state.killed, now) || pausesMirrors(group?.latch ?? null, now),
  })
}

/** The word of slot 0: kill and ceiling for whatever belongs to no route. */
export function gatewayWordOf(state: ControlState, now: number): number {
  return packWord({
    weightBps: state.killed === null ? Math.min(BUCKETS, ceilingBps(state)) : 0,
    stage: 'off',
    latched: false,
    killed: state.killed !== null,
    ceilingZero: ceilingBps(state) === 0,
    live: true,
    mirrorsOff: pausesMirrors(state.killed, now),
  })
}

/** When the words change next by time alone, or null: control writes them again then. */
export function nextWordChange(state: ControlState, now: number): number | null {
  const ends = [state.killed, ...Object.values(state.groups).map((group: GroupState) => group.latch)]
    .map((latch) => (latch === null ? now : latch.at + MIRRORS_PAUSE_MS))
    .filter((end) => end > now)
  return ends.length === 0 ? null : Math.min(...ends)
}

// A clock that went back makes the pause longer, never shorter.
function pausesMirrors(latch: Latch | null, now: number): boolean {
  return latch !== null && now - latch.at < MIRRORS_PAUSE_MS
}
