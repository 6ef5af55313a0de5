/** Rigs of one test file, closed after each test, and what tests do to them. */
import { afterEach } from 'vitest'
import { isRefusal } from '../../../src/core/control/state.ts'
import type { Command } from '../../../src/core/model/control.ts'
import { ASSIGNED_BY_BUCKET, LANE_V1, LANE_V2, OUTCOME_REFUSED } from '../../../src/core/model/observation.ts'
import { startRig } from './rig.ts'
import type { Rig, RigOptions } from './rig.ts'

export const by = { actor: 'tester', reason: 'test' }
export const ORDERS = { routes: [{ name: 'orders' }, { name: 'rest', path: '/**', stage: 'off', weight: 0 }] }

export interface Rigs {
  start(options?: Partial<RigOptions>): Rig
  /** The successor of a control that died. */
  crashed(old: Rig, changes?: Partial<RigOptions>): Promise<Rig>
}

export function useRigs(): Rigs {
  const rigs: Rig[] = []
  afterEach(async () => {
    for (const rig of rigs.splice(0).toReversed()) await rig.close()
  })
  return {
    start: (options = {}) => {
      const made = startRig(options)
      rigs.push(made)
      return made
    },
    crashed: async (old, changes = {}) => {
      const next = await old.crash(changes)
      rigs.splice(rigs.indexOf(old), 1, next)
      return next
    },
  }
}

export function submit(at: Rig, command: Command): void {
  const result = at.control.submit(command)
  if (isRefusal(result)) throw new Error(result.message)
}

/** `total` v2 answers of which `bad` were refused, and `v1` good ones of v1's, in this moment. */
export function answers(at: Rig, route: string, { total, bad, v1 = 0 }: { total: number; bad: number; v1?: number }): void {
  const recorder = at.threads[0]?.recorder
  const slot = at.slotOf(route)
  const one = (lane: number, outcome: number): void => {
    recorder?.started(slot, lane)
    recorder?.finished(slot, lane, ASSIGNED_BY_BUCKET, outcome, 5, 5)
  }
  for (let index = 0; index < total; index++) one(LANE_V2, index < bad ? OUTCOME_REFUSED : 1)
  for (let index = 0; index < v1; index++) one(LANE_V1, 1)
}
