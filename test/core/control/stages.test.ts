import { describe, expect, it } from 'vitest'
import { apply } from '../../../src/core/control/apply.ts'
import { effectiveOf } from '../../../src/core/control/effective.ts'
import { REFUSALS } from '../../../src/core/control/refusals.ts'
import { isRefusal } from '../../../src/core/control/state.ts'
import type { Stage } from '../../../src/core/model/config.ts'
import type { Command } from '../../../src/core/model/control.ts'
import { after, BY, groupIn, passed, refused, started, T0 } from './fixtures.ts'

const stageTo = (stage: Stage, more: object = {}): Command => ({ kind: 'stage', group: 'orders', stage, ...BY, ...more })
const weightTo = (weightBps: number, more: object = {}): Command => ({ kind: 'weight', group: 'orders', weightBps, ...BY, ...more })

describe('the transition table', () => {
  const STAGES: readonly Stage[] = ['off', 'shadow', 'canary', 'complete']
  const REFUSED: Readonly<Record<string, string>> = {
    'off → canary': 'one-stage-at-a-time',
    'off → complete': 'one-stage-at-a-time',
    'shadow → complete': 'one-stage-at-a-time',
    'canary → complete': 'complete-needs-full-weight',
  }
  for (const from of STAGES) {
    for (const to of STAGES) {
      const expected = REFUSED[`${from} → ${to}`] ?? 'passes'
      it(`${from} → ${to}: ${expected}`, () => {
        const result = apply(started({ orders: { stage: from, weight: 50 } }), stageTo(to), T0)
        expect(isRefusal(result) ? result.code : 'passes').toBe(expected)
        if (!isRefusal(result)) expect(groupIn(result.state, 'orders').stage).toBe(to)
      })
    }
  }

  it('entering canary starts at the lower of wanted and the first step', () => {
    const enter = (weight: number, steps: readonly number[]): number =>
      groupIn(after(started({ orders: { stage: 'shadow', weight, steps } }), T0, stageTo('canary')), 'orders').wantedBps
    expect(enter(50, [1, 5])).toBe(100)
    expect(enter(0.5, [1, 5])).toBe(50)
    expect(enter(0, [1, 5])).toBe(0)
    expect(enter(50, [])).toBe(100)
    expect(enter(50, [20])).toBe(2_000)
  })

  it('complete is entered from weight 100, or by force, and wants 100', () => {
    const state = started({ orders: { stage: 'canary', weight: 50 } })
    const full = after(state, T0, weightTo(10_000), stageTo('complete'))
    expect(groupIn(full, 'orders')).toMatchObject({ stage: 'complete', wantedBps: 10_000 })
    const forced = after(state, T0, stageTo('complete', { force: true }))
    expect(effectiveOf(forced, 'orders')).toEqual({ weightBps: 10_000, heldBy: 'none' })
  })

  it('force is no way past a stage', () => {
    expect(refused(apply(started({ orders: {} }), stageTo('canary', { force: true }), T0)).message).toContain('banyan stage orders shadow')
  })

  it('complete goes back to canary at 95', () => {
    const state = after(started({ orders: { stage: 'complete' } }), T0, stageTo('canary', { reason: '' }))
    expect(groupIn(state, 'orders')).toMatchObject({ stage: 'canary', wantedBps: 9_500 })
  })

  it('going down and up again starts at the first step', () => {
    const state = after(started({ orders: { stage: 'complete' } }), T0, stageTo('off'), stageTo('shadow'), stageTo('canary'))
    expect(groupIn(state, 'orders').wantedBps).toBe(100)
  })

  it('a stage that is none is named', () => {
    const result = refused(apply(started({ orders: {} }), { ...BY, kind: 'stage', group: 'orders', stage: 'half' as Stage }, T0))
    expect(result).toMatchObject({ code: 'invalid-stage', status: 400 })
    expect(result.message).toContain('"half"')
  })
})

describe('weight', () => {
  const state = started({ orders: { stage: 'canary', weight: 10 } })

  it('goes up with a reason and down without', () => {
    expect(refused(apply(state, weightTo(2_000, { reason: ' ' }), T0))).toMatchObject({ code: 'reason-required', status: 400 })
    const up = passed(apply(state, weightTo(2_000), T0))
    expect(up.raised).toBe(true)
    expect(effectiveOf(up.state, 'orders').weightBps).toBe(2_000)
    const down = passed(apply(state, weightTo(500, { reason: '' }), T0))
    expect(down.raised).toBe(false)
    expect(effectiveOf(down.state, 'orders').weightBps).toBe(500)
  })

  it('a raise meant for another revision is refused, a lowering is not', () => {
    const seen = { ifRevision: state.revision + 1 }
    expect(refused(apply(state, weightTo(2_000, seen), T0))).toMatchObject({ code: 'revision-moved', status: 409 })
    passed(apply(state, weightTo(500, seen), T0))
    passed(apply(state, weightTo(2_000, { ifRevision: state.revision }), T0))
  })

  it.each([-1, 10_001, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('%d basis points is no weight', (weightBps) => {
    expect(refused(apply(state, weightTo(weightBps), T0))).toMatchObject({ code: 'invalid-weight', status: 400 })
  })

  it.each(['off', 'shadow'] as const)('is refused in %s, but for zero', (stage) => {
    const waiting = started({ orders: { stage, weight: 10 } })
    const refusal = refused(apply(waiting, weightTo(500), T0))
    expect(refusal).toMatchObject({ code: 'weight-needs-canary', status: 409 })
    expect(refusal.message).toContain('banyan stage orders')
    expect(groupIn(after(waiting, T0, weightTo(0)), 'orders').wantedBps).toBe(0)
  })

  it('below 100 in complete is the way back to canary', () => {
    const complete = started({ orders: { stage: 'complete' } })
    expect(groupIn(after(complete, T0, weightTo(3_000, { reason: '' })), 'orders')).toMatchObject({ stage: 'canary', wantedBps: 3_000 })
    expect(groupIn(after(complete, T0, weightTo(10_000)), 'orders').stage).toBe('complete')
  })

  it.each(['nobody', 'constructor', '__proto__', 'toString'])('a route called %s that is not there is unknown', (group) => {
    for (const command of [
      { kind: 'weight', weightBps: 0 },
      { kind: 'stage', stage: 'off' },
      { kind: 'rollback' },
      { kind: 'rearm' },
    ] as const) {
      expect(refused(apply(state, { ...BY, ...command, group }, T0))).toMatchObject({ code: 'unknown-route', status: 404 })
    }
    expect(refused(apply(state, { ...BY, kind: 'trip', cause: 'errors', group }, T0)).code).toBe('unknown-route')
    expect(effectiveOf(state, group)).toEqual({ weightBps: 0, heldBy: 'unknown' })
  })
})

describe('the audit line', () => {
  it('says who did what, why, before and after', () => {
    const state = started({ orders: { stage: 'canary', weight: 10 } })
    const { entry } = passed(apply(state, weightTo(2_550, { evidence: { ticket: 7 } }), T0))
    expect(entry).toEqual({
      at: '2026-01-05T12:00:00.000Z',
      actor: 'tester',
      reason: 'because',
      kind: 'weight',
      subject: 'orders',
      before: 'canary 10 %',
      after: 'canary 25.5 %',
      revision: state.revision + 1,
      evidence: { ticket: 7 },
    })
  })

  it('names the whole gateway *', () => {
    const state = started({ orders: { stage: 'canary', weight: 10 } })
    expect(passed(apply(state, { ...BY, kind: 'kill' }, T0)).entry).toMatchObject({
      subject: '*',
      before: 'no ceiling',
      after: `no ceiling, killed by kill (epoch ${state.revision + 1})`,
      evidence: null,
    })
    expect(passed(apply(state, { ...BY, kind: 'ceiling', source: 'file', percent: 5 }, T0)).entry.after).toBe('ceiling 5 % (file)')
  })
})

it('every refusal says something to do and has a status of its kind', () => {
  for (const [code, { status, message }] of Object.entries(REFUSALS)) {
    expect(code).toMatch(/^[a-z]+(-[a-z0-9]+)*$/)
    expect([400, 404, 409, 428]).toContain(status)
    expect(message('orders', 'canary').length, code).toBeGreaterThan(20)
  }
})
