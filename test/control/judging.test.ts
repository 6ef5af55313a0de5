import { describe, expect, it } from 'vitest'
import {
  ASSIGNED_BY_BUCKET,
  LANE_FALLBACK,
  LANE_V2,
  OUTCOME_ABORTED,
  OUTCOME_BUSY,
  OUTCOME_REFUSED,
} from '../../src/core/model/observation.ts'
import { LATCHED, weightOf } from '../../src/core/model/routing.ts'
import { readConfig } from '../support/control/rig.ts'
import { answers, by, ORDERS, submit, useRigs } from '../support/control/rigs.ts'
import { until } from '../support/until.ts'

const rigs = useRigs()

describe('the judge', () => {
  it('takes a dead v2 to zero, latched, audited, alerted with its detection time, and it stays so', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    const began = performance.now()
    await until('the trip', () => {
      answers(at, 'orders', { total: 2, bad: 2, v1: 10 })
      return (at.word(at.slotOf('orders')) & LATCHED) !== 0
    })
    const took = performance.now() - began
    expect(took).toBeGreaterThan(900)
    expect(took).toBeLessThan(2_500)
    expect(weightOf(at.word(at.slotOf('orders')))).toBe(0)

    const [entry] = at.store.audit({ sinceMs: null, limit: 1 })
    expect(entry).toMatchObject({ kind: 'trip', actor: 'judge', subject: 'orders' })
    expect(entry?.reason).toMatch(/^v2 failed \d+ of \d+ requests/)
    expect(entry?.evidence?.['detectedMs']).toBeLessThan(2_500)
    const alert = at.notices.find(({ incident }) => incident.startsWith('latch/orders/'))
    expect(alert).toMatchObject({ severity: 'critical', event: 'opened' })
    expect(alert?.text).toMatch(/detected [\d.]+ ms after the first bad answer; zero in every thread within [\d.]+ ms/)
    const [status] = at.control.view.status().routes
    expect(status).toMatchObject({ tripped: { cause: 'errors', epoch: 1 }, weight: { effective: 0, heldBy: 'latch' } })
    expect(at.control.view.reading().routes[0]?.rollbacks).toMatchObject({ errors: 1 })
    expect(at.rollbacks.length).toBe(1)

    const again = await rigs.crashed(at)
    await again.control.adopt(readConfig(ORDERS))
    expect(again.word(again.slotOf('orders')) & LATCHED).toBe(LATCHED)
  })

  it('counts a fallback as the v2 failure it was, and neither clients that left nor our own full pool', async () => {
    const at = rigs.start()
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    const slot = at.slotOf('orders')
    const { recorder } = at.threads[0]!
    for (let index = 0; index < 500; index++)
      recorder.finished(slot, LANE_V2, ASSIGNED_BY_BUCKET, index % 2 ? OUTCOME_ABORTED : OUTCOME_BUSY, -1, -1)
    answers(at, 'orders', { total: 40, bad: 0 })
    await until('judged', () => at.control.view.status().routes[0]?.verdict.numbers['total'] === 40, 3_000)
    expect(at.control.view.status().routes[0]?.verdict).toMatchObject({ kind: 'healthy', numbers: { bad: 0, total: 40 } })
    recorder.finished(slot, LANE_V2, ASSIGNED_BY_BUCKET, OUTCOME_REFUSED, -1, -1)
    recorder.finished(slot, LANE_FALLBACK, ASSIGNED_BY_BUCKET, 1, 3, 3)
    await until('counted', () => at.control.view.status().routes[0]?.verdict.numbers['bad'] === 1, 3_000)
    expect(at.control.view.status().routes[0]?.verdict.numbers['total']).toBe(41)
  })

  it('does not judge again what a former control thread has seen', async () => {
    const at = rigs.start({ intervals: { judgeMs: 1e6 } })
    await at.control.adopt(readConfig(ORDERS))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    answers(at, 'orders', { total: 1_000, bad: 1_000 })
    const next = await rigs.crashed(at, { intervals: { judgeMs: 5 } })
    await next.control.adopt(readConfig(ORDERS))
    await until('judged', () => next.control.view.status().routes[0]?.verdict.reason !== 'not judged yet')
    expect(next.control.view.status().routes[0]).toMatchObject({
      verdict: { kind: 'insufficient' },
      failures: { v2: 1_000 },
      tripped: null,
    })
  })

  it('withholds a trip while v1 is seen to be dead, says so loudly, and obeys a person all the same', async () => {
    const at = rigs.start({ intervals: { judgeMs: 5 } })
    await at.control.adopt(readConfig({ ...ORDERS, probe: ', probe: { path: /health, interval: 100ms }' }))
    await until('the snapshot', () => at.threads[0]!.snapshot())
    // Longer ago than a good answer of v1 may be.
    at.clock.offset = 20_000
    await until('probed', () => at.control.view.status().backends.v1.why?.includes('ECONNREFUSED'))
    await until('withheld', () => {
      answers(at, 'orders', { total: 5, bad: 5 })
      return at.notices.find(({ incident }) => incident === 'cannot-roll-back/orders')
    })
    expect(at.notices.find(({ incident }) => incident === 'cannot-roll-back/orders')).toMatchObject({ severity: 'critical' })
    expect(at.word(at.slotOf('orders')) & LATCHED).toBe(0)
    submit(at, { ...by, kind: 'rollback', group: 'orders' })
    expect(at.word(at.slotOf('orders')) & LATCHED).toBe(LATCHED)
  })
})
