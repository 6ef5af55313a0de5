import { describe, expect, it } from 'vitest'
import { createAlerts } from '../../src/notify/alerts.ts'
import type { Alert, Notice, Receiver } from '../../src/notify/alerts.ts'
import { createLogReceiver } from '../../src/notify/log.ts'

const alert = (changes: Partial<Alert> = {}): Alert => ({
  severity: 'warning',
  incident: 'store',
  text: 'control.db cannot be written',
  route: null,
  evidence: null,
  ...changes,
})

function setup(receivers: Receiver[] = []) {
  const heard: Notice[] = []
  const clock = { now: 0 }
  const recorder: Receiver = { name: 'log', send: (notice) => void heard.push(notice) }
  const alerts = createAlerts({ receivers: [...receivers, recorder], now: () => clock.now, repeatMs: 1_000 })
  return { alerts, heard, clock, events: () => heard.map((notice) => notice.event) }
}

describe('alerts', () => {
  it('tell an incident once while it lasts, again when it gets worse, after the repeat time, and when it ends', () => {
    const { alerts, heard, clock, events } = setup()
    alerts.raise(alert())
    alerts.raise(alert({ text: 'still' }))
    alerts.raise(alert({ severity: 'critical' }))
    alerts.raise(alert({ severity: 'warning' }))
    expect(events()).toEqual(['opened', 'worse'])
    clock.now = 1_000
    alerts.raise(alert())
    expect(events()).toEqual(['opened', 'worse', 'repeated'])
    expect(heard.at(-1)?.suppressed).toBe(2)
    alerts.resolve('store', 'it is back')
    expect(heard.at(-1)).toMatchObject({ event: 'resolved', text: 'it is back' })
    alerts.resolve('store', 'again')
    expect(events().length).toBe(4)
    expect(alerts.open()).toEqual([])
    alerts.raise(alert())
    expect(events().at(-1)).toBe('opened')
  })

  it('keep incidents apart by their key', () => {
    const { alerts, events } = setup()
    alerts.raise(alert({ incident: 'trip/a/1' }))
    alerts.raise(alert({ incident: 'trip/b/1' }))
    expect(events()).toEqual(['opened', 'opened'])
    expect(alerts.open().map((notice) => notice.incident)).toEqual(['trip/a/1', 'trip/b/1'])
  })

  it('reach every other receiver when one throws or rejects, and count both', async () => {
    const bad: Receiver = {
      name: 'slack',
      send: () => {
        throw new Error('no')
      },
    }
    const worse: Receiver = { name: 'webhook', send: () => Promise.reject(new Error('no')) }
    const { alerts, heard } = setup([bad, worse])
    alerts.raise(alert())
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard.length).toBe(1)
    const counts = alerts.counts().filter(({ count }) => count > 0)
    expect(counts).toEqual([
      { receiver: 'slack', result: 'failed', count: 1 },
      { receiver: 'webhook', result: 'failed', count: 1 },
      { receiver: 'log', result: 'ok', count: 1 },
    ])
  })

  it('never hold more incidents than their bound', () => {
    const { alerts } = setup()
    for (let index = 0; index < 3_000; index++) alerts.raise(alert({ incident: `i${index}` }))
    expect(alerts.open().length).toBe(2_048)
    expect(alerts.open().at(-1)?.incident).toBe('i2999')
  })
})

describe('the log receiver', () => {
  it('writes critical alerts as errors, warnings as warnings, and ends as information', () => {
    const lines: [string, string][] = []
    const write = (level: string) => (_fields: object, text: string) => void lines.push([level, text])
    const receiver = createLogReceiver({ info: write('info'), warn: write('warn'), error: write('error') })
    const { alerts } = setup([receiver])
    alerts.raise(alert({ severity: 'critical', incident: 'a', text: 'a' }))
    alerts.raise(alert({ severity: 'warning', incident: 'b', text: 'b' }))
    alerts.raise(alert({ severity: 'info', incident: 'c', text: 'c' }))
    alerts.resolve('a', 'over')
    expect(lines).toEqual([
      ['error', 'a'],
      ['warn', 'b'],
      ['info', 'c'],
      ['info', 'over'],
    ])
  })
})
