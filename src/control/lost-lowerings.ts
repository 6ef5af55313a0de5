/**
 * What the words know and the store does not: lowerings whose saving control did not live to see.
 *
 * A lowering writes the words first. When the control thread dies before the disk has it, its successor
 * reads an older, laxer state. The words, which outlived it, are what users have now, and they must not
 * become laxer by a restart; so the difference is submitted again, as commands, audited like all others.
 * (A raise or rearm that was saved but not yet written looks the same and is taken back: its caller never
 * got an answer, and lowering is the side to err on.)
 */
import { ceilingBps, effectiveOf } from '../core/control/effective.ts'
import type { Command, ControlState, GroupState } from '../core/model/control.ts'
import { CEILING_ZERO, KILLED, LATCHED, LIVE, STAGE_CANARY, STAGES, stageOf, weightOf } from '../core/model/routing.ts'

const BY = { actor: 'control', reason: 'in force before control restarted, but not saved' } as const

/** `wordOf`: the word of a route's slot; null when the route has none. */
export function lostLowerings(state: ControlState, gatewayWord: number, wordOf: (route: string) => number | null): readonly Command[] {
  // Of another process's state nothing is in the words.
  if ((gatewayWord & LIVE) === 0) return []
  const killed = (gatewayWord & KILLED) !== 0
  const kills: readonly Command[] = killed && state.killed === null ? [{ ...BY, kind: 'kill' }] : []
  // Under a kill or a lower ceiling the words say nothing about weights; a ceiling is said again by its source.
  const silent = killed || (gatewayWord & CEILING_ZERO) !== 0 || weightOf(gatewayWord) < ceilingBps(state)
  const groups = Object.entries(state.groups).flatMap(([group, was]) => {
    const routes = state.applied?.groups[group]?.routes ?? []
    const words = routes.map(({ name }) => wordOf(name) ?? 0).filter((word) => (word & LIVE) !== 0)
    return words.length === 0 ? [] : lostOf(state, group, was, strictest(words), silent)
  })
  return [...kills, ...groups]
}

interface Bounds {
  readonly latched: boolean
  readonly stage: number
  readonly weightBps: number
}

/** Routes of a group share all of it; where a death came between two of their words, the stricter counts. */
function strictest(words: readonly number[]): Bounds {
  return {
    latched: words.some((word) => (word & LATCHED) !== 0),
    stage: Math.min(...words.map(stageOf)),
    weightBps: Math.min(...words.map(weightOf)),
  }
}

function lostOf(state: ControlState, group: string, was: GroupState, word: Bounds, silent: boolean): readonly Command[] {
  const stage = STAGES[word.stage] ?? 'off'
  const stages: readonly Command[] = word.stage < STAGES.indexOf(was.stage) ? [{ ...BY, kind: 'stage', group, stage }] : []
  if (word.latched) return was.latch === null ? [...stages, { ...BY, kind: 'rollback', group }] : stages
  const lower = !silent && was.latch === null && word.stage >= STAGE_CANARY && word.weightBps < effectiveOf(state, group).weightBps
  return lower ? [...stages, { ...BY, kind: 'weight', group, weightBps: word.weightBps }] : stages
}
