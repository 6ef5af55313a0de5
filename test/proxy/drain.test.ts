/** The end of a thread's life: it says so, lets what runs finish, and is gone within its grace. */
import { describe, expect, it } from 'vitest'
import { ok } from '../support/wire/backend.ts'
import { get } from '../support/wire/client.ts'
import { connectionTokens, value } from '../support/wire/message.ts'
import { until as eventually } from '../support/until.ts'
import { until } from '../support/wire/until.ts'
import { after, answerAs, gate, hang } from '../support/proxy/scripts.ts'
import { stages, type Stage } from '../support/proxy/stage.ts'

const open = stages()
const HEALTH = { config: { listen: { health: '/ready' } } }

async function ready(stage: Stage): Promise<number> {
  return (await stage.ask(get('/ready?probe'))).status
}

/** Starts a drain; `over` says whether it has resolved. */
function drain(stage: Stage, delayMs: number, graceMs: number): { over: boolean; readonly done: Promise<void> } {
  const state = { over: false, done: Promise.resolve() }
  state.done = stage.engine.drain(delayMs, graceMs).then(() => void (state.over = true))
  return state
}

describe('readiness on the data port', () => {
  it('follows what the thread is told, and never reaches a backend', async () => {
    const stage = await open(HEALTH)
    expect(await ready(stage)).toBe(503)
    stage.engine.setReady(true)
    expect(await ready(stage)).toBe(200)
    expect(stage.v1.requests).toHaveLength(0)
    const drained = drain(stage, 300, 1_000)
    expect(await ready(stage)).toBe(503)
    await drained.done
  })

  it('is a path like any other where none is configured', async () => {
    const stage = await open()
    expect((await stage.ask(get('/ready'))).body.toString()).toBe('v1 GET /ready 0')
  })
})

describe('a drain', () => {
  it('goes on listening for its delay, and says close with every answer', async () => {
    const stage = await open({ routes: [{ match: { path: '/api/**' } }], ...HEALTH })
    const drained = drain(stage, 400, 3_000)
    for (const path of ['/api/x', '/none', '/ready']) {
      const client = stage.client()
      await client.send(get(path))
      expect([path, connectionTokens(await client.answer())]).toEqual([path, ['close']])
      expect(await client.end()).toBe('fin')
    }
    expect(drained.over).toBe(false)
    await drained.done
    await expect(stage.client().connected()).rejects.toThrow(/ECONNREFUSED/)
  })

  it('closes idle connections when the delay is over, not before', async () => {
    const stage = await open()
    const idle = stage.client()
    await idle.send(get('/'))
    await idle.answer()
    const fresh = await stage.client().connected()
    const drained = drain(stage, 250, 3_000)
    await stage.ticks(1)
    expect([idle.ended, fresh.ended]).toEqual([null, null])
    expect(await idle.end()).toBe('fin')
    expect(await fresh.end()).toBe('fin')
    await drained.done
  })

  it('lets requests in flight finish, and waits for no longer than that', async () => {
    const { opened, open: answer } = gate()
    const stage = await open({ v1: after(opened, answerAs('v1')) })
    const client = stage.client()
    await client.send(get('/slow'))
    await until('the backend has it', () => stage.v1.requests.length === 1)
    const drained = drain(stage, 0, 20_000)
    await eventually('it no longer listens', async () => !(await connects(stage)))
    expect(drained.over).toBe(false)
    answer()
    const got = await client.answer()
    expect([got.body.toString(), connectionTokens(got)]).toEqual(['v1 GET /slow 0', ['close']])
    expect(await client.end()).toBe('fin')
    await drained.done
  })

  it('closes a connection whose answer had begun before, once that is complete', async () => {
    const { opened, open: finish } = gate()
    const stage = await open({
      v1: async (exchange) => {
        await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
        await opened
        await exchange.send('half')
      },
    })
    const client = stage.client()
    await client.send(get('/'))
    await until('it has begun', () => client.received > 0)
    const drained = drain(stage, 0, 20_000)
    await eventually('it no longer listens', async () => !(await connects(stage)))
    finish()
    expect((await client.answer()).body.toString()).toBe('halfhalf')
    expect(await client.end()).toBe('fin')
    await drained.done
  })

  it('closes a connection whose request turns out an error', async () => {
    const stage = await open({ v1: hang, route: { timeouts: { firstByteMs: 400 } } })
    const client = stage.client()
    await client.send(get('/'))
    await until('the backend has it', () => stage.v1.requests.length === 1)
    const drained = drain(stage, 0, 20_000)
    const answer = await client.answer()
    expect([answer.status, value(answer, 'connection')]).toEqual([504, 'close'])
    await drained.done
  })

  it('is over within its grace although something hangs', async () => {
    const stage = await open({ v1: hang })
    const client = stage.client()
    await client.send(get('/'))
    await until('the backend has it', () => stage.v1.requests.length === 1)
    const started = performance.now()
    await stage.engine.drain(100, 600)
    expect(performance.now() - started).toBeLessThan(1_500)
    expect(client.ended).toBe(null)
    await stage.engine.close()
    expect(await client.end()).toBe('rst')
  })

  it('answers pipelined requests up to the one it says close with', async () => {
    const stage = await open({ v1: (exchange) => exchange.send(ok(exchange.request.target)) })
    const client = stage.client()
    const drained = drain(stage, 300, 3_000)
    await client.send(get('/1') + get('/2') + get('/3'))
    await client.answer(1)
    expect(await client.end()).toBe('fin')
    expect(client.complete).toHaveLength(1)
    expect(stage.v1.requests).toHaveLength(1)
    await drained.done
  })
})

/** Whether the listener still takes connections. */
function connects(stage: Stage): Promise<boolean> {
  const client = stage.client()
  return client.connected().then(
    () => true,
    () => false,
  )
}
