/**
 * Errors of our own: wherever one is thrown, it costs the connection it happened on, by RST, and nothing else.
 *
 * They are put in through a snapshot whose config throws when it is read: from inside the request, the answer,
 * a deadline, a rollback, a wait queue.
 */
import { describe, expect, it } from 'vitest'
import type { RouteConfig } from '../../src/core/model/config.ts'
import { createFaults } from '../../src/proxy/faults.ts'
import { get } from '../support/wire/client.ts'
import { value } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'
import { after, answerAs, gate, hang, same } from '../support/proxy/scripts.ts'
import { COMPLETE, SHADOW, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'

const open = stages()

interface Mine {
  /** The n-th reading of the property from now throws; 0 = none. */
  armed: number
  /** How often it has thrown. */
  sprung: number
}

/** A copy of `of` that throws where its mine says. */
function mined<T extends object>(of: T, property: keyof T & string, state: Mine): T {
  return Object.defineProperty({ ...of }, property, {
    get: () => {
      if (state.armed > 0 && --state.armed === 0) {
        state.sprung++
        throw new Error(`injected into ${property}`)
      }
      return of[property]
    },
  })
}

function publish(stage: Stage, change: (route: RouteConfig) => RouteConfig): void {
  const { config } = stage.snapshot
  stage.publish({ config: { ...config, routes: config.routes.map(change) } })
}

/** Publishes the stage's snapshot with one property of its route mined. */
function mine(stage: Stage, property: keyof RouteConfig): Mine {
  const state: Mine = { armed: 0, sprung: 0 }
  publish(stage, (route) => mined(route, property, state))
  return state
}

/** The one deadline that is read when an exchange is over. */
function mineKeepAlive(stage: Stage): Mine {
  const state: Mine = { armed: 0, sprung: 0 }
  publish(stage, (route) => ({ ...route, timeouts: mined(route.timeouts, 'keepAliveMs', state) }))
  return state
}

/** A stage with another client's request in flight, which must not notice anything. */
async function withWitness(options: StageOptions): Promise<{ stage: Stage; witness: () => Promise<void> }> {
  const { opened, open: answer } = gate()
  const v1 = options.v1 === undefined || options.v1 === 'refuses' ? answerAs('v1') : options.v1
  const stage = await open({
    ...options,
    v1: (exchange) => (exchange.request.target === '/witness' ? after(opened, answerAs('v1'))(exchange) : v1(exchange)),
  })
  stage.expectedErrors = 1
  const word = Atomics.load(stage.ctx.words, 1)
  stage.setWord({ stage: 'off' })
  const client = stage.client()
  await client.send(get('/witness'))
  await until('the witness is in flight', () => stage.v1.requests.length === 1)
  Atomics.store(stage.ctx.words, 1, word)
  await stage.ticks()
  const witness = async (): Promise<void> => {
    answer()
    expect((await client.answer()).body.toString()).toBe('v1 GET /witness 0')
    // And whoever comes next is served.
    expect((await stage.ask(get('/next'))).status).toBe(200)
    expect(String(stage.errors[0])).toMatch(/injected/)
  }
  return { stage, witness }
}

describe('an error of our own cuts its connection and no other, thrown', () => {
  it.each(['timeouts', 'bodyBytes', 'mirror'] as const)('while the request is read (%s)', async (property) => {
    const { stage, witness } = await withWitness({ word: SHADOW, v2: same(), route: { mirror: { sample: 100 } } })
    const trap = mine(stage, property)
    const client = stage.client()
    await client.connected()
    trap.armed = 1
    await client.send(get('/'))
    expect([await client.end(), client.received, trap.sprung]).toEqual(['rst', 0, 1])
    await witness()
  })

  it('while the answer is read', async () => {
    const { stage, witness } = await withWitness({
      word: SHADOW,
      v2: hang,
      v1: answerAs('v1'),
      route: { mirror: { sample: 100, timeoutMs: 300 } },
    })
    const trap = mine(stage, 'compare')
    const client = stage.client()
    trap.armed = 1
    await client.send(get('/'))
    expect([await client.end(), client.received, trap.sprung]).toEqual(['rst', 0, 1])
    await witness()
  })

  it('while a mirror’s answer is read: its primary has its own', async () => {
    const { opened, open: answer } = gate()
    const { stage, witness } = await withWitness({ word: SHADOW, v2: after(opened, answerAs('v2')), route: { mirror: { sample: 100 } } })
    const trap = mine(stage, 'compare')
    expect((await stage.ask(get('/'))).status).toBe(200)
    trap.armed = 1
    answer()
    await until('it was thrown', () => stage.errors.length === 1)
    await witness()
  })

  it('while a connection opens', async () => {
    const { stage, witness } = await withWitness({})
    const trap = mine(stage, 'timeouts')
    const client = stage.client()
    // The total and the connect deadline are read with the request, the third when the connection is there.
    trap.armed = 3
    await client.send(get('/'))
    expect([await client.end(), client.received, trap.sprung]).toEqual(['rst', 0, 1])
    expect(thrownFrom(stage)).toMatch(/onOpen/)
    await witness()
  })

  it('on leaving a wait queue: whoever made room for it has his answer', async () => {
    const { opened, open: answer } = gate()
    const { stage, witness } = await withWitness({
      v1: after(opened, answerAs('v1')),
      config: { pool: { connections: 2 } },
    })
    const trap = mine(stage, 'timeouts')
    const [first, second] = [stage.client(), stage.client()]
    await first.send(get('/first'))
    await until('the first is in flight', () => stage.v1.requests.length === 2)
    await second.send(get('/second'))
    await until('the second waits', () => stage.ctx.pools.v1.waiting === 1)
    // The first's answer reads its idle deadline with its head and with its body.
    trap.armed = 3
    answer()
    expect((await first.answer()).body.toString()).toBe('v1 GET /first 0')
    expect([await second.end(), trap.sprung]).toEqual(['rst', 1])
    expect(thrownFrom(stage)).toMatch(/serveQueue/)
    await witness()
  })

  it('behind an answer that is complete, when its connection serves somebody else already', async () => {
    const { opened, open: answer } = gate()
    const { stage, witness } = await withWitness({ v1: after(opened, answerAs('v1')), config: { pool: { connections: 2 } } })
    const trap = mineKeepAlive(stage)
    const [first, second] = [stage.client(), stage.client()]
    await first.send(get('/first'))
    await until('the first is in flight', () => stage.v1.requests.length === 2)
    await second.send(get('/second'))
    await until('the second waits', () => stage.ctx.pools.v1.waiting === 1)
    trap.armed = 1
    answer()
    expect((await first.answer()).body.toString()).toBe('v1 GET /first 0')
    expect([await first.end(), trap.sprung]).toEqual(['rst', 1])
    expect((await second.answer()).body.toString()).toBe('v1 GET /second 0')
    expect(stage.counter('retries')).toBe(0)
    await witness()
  })

  it('by a deadline', async () => {
    const { stage, witness } = await withWitness({ word: COMPLETE, v2: hang, route: { fallback: { afterMs: 300 } } })
    const trap = mine(stage, 'fallback')
    const client = stage.client()
    await client.send(get('/'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    trap.armed = 1
    expect([await client.end(), trap.sprung]).toEqual(['rst', 1])
    await until('v2 was left', () => stage.v2.open.length === 0)
    stage.setWord({ stage: 'off' })
    await witness()
  })

  it('by a rollback: the others it moves are moved', async () => {
    const { stage, witness } = await withWitness({ word: COMPLETE, v2: hang, route: { fallback: { afterMs: 20_000 } } })
    const trap = mine(stage, 'timeouts')
    const clients = [0, 1, 2].map(() => stage.client())
    for (const [index, client] of clients.entries()) {
      await client.send(get(`/${index}`))
      await until('v2 has it', () => stage.v2.requests.length === index + 1)
    }
    trap.armed = 1
    stage.setWord({ ...COMPLETE, latched: true })
    await until('all have ended', () => clients.every((client) => client.ended !== null || client.complete.length === 1))
    expect(clients.map((client) => client.ended)).toEqual(['rst', null, null])
    for (const client of clients.slice(1)) expect(value(await client.answer(), 'x-banyan-backend')).toBe('v1')
    await witness()
  })

  it('when a backend breaks off', async () => {
    const { stage, witness } = await withWitness({
      word: COMPLETE,
      v2: async (exchange) => {
        await exchange.whole
        trap.armed = 1
        exchange.rst()
      },
    })
    const trap = mine(stage, 'fallback')
    const client = stage.client()
    await client.send(get('/'))
    expect([await client.end(), trap.sprung]).toEqual(['rst', 1])
    stage.setWord({ stage: 'off' })
    await witness()
  })

  it('in a pipelined request read when the one before it was answered: that answer is whole', async () => {
    const { opened, open: answer } = gate()
    const { stage, witness } = await withWitness({ v1: after(opened, answerAs('v1')) })
    const trap = mine(stage, 'timeouts')
    const client = stage.client()
    await client.send(get('/1') + get('/2'))
    await until('the first is in flight', () => stage.v1.requests.length === 2)
    trap.armed = 3
    answer()
    expect(await client.end()).toBe('rst')
    expect(client.complete.map((one) => one.body.toString())).toEqual(['v1 GET /1 0'])
    expect(thrownFrom(stage)).toMatch(/Client.#next/)
    await witness()
  })
})

/** Where the error came from: the test would prove nothing had it been thrown elsewhere. */
function thrownFrom(stage: Stage): string {
  const [error] = stage.errors
  return error instanceof Error ? (error.stack ?? '') : ''
}

describe('a thread’s own errors', () => {
  it('are three within ten seconds when it is to be replaced, and that is said once', () => {
    let now = 0
    const faults = createFaults(() => now)
    expect([faults.note(), faults.note()]).toEqual([false, false])
    now = 10_000
    expect([faults.note(), faults.note()]).toEqual([false, false])
    now = 19_999
    expect(faults.note()).toBe(true)
    expect([faults.note(), faults.note(), faults.note()]).toEqual([false, false, false])
  })
})
