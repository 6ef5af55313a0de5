/** What a rollback does to requests that are already on their way to v2. */
import { describe, expect, it } from 'vitest'
import { get, post, request } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { value } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'
import { hungConnect } from '../support/proxy/frozen.ts'
import { after, answerAs, gate, hang, status } from '../support/proxy/scripts.ts'
import { COMPLETE, stages } from '../support/proxy/stage.ts'

const open = stages()
/** Far longer than these tests: only a rollback can end a wait before. */
const PATIENT = { timeouts: { connectMs: 20_000 }, fallback: { afterMs: 20_000 } }

describe('when v2 is taken away', () => {
  it.each([
    ['latched', { ...COMPLETE, latched: true }],
    ['killed', { ...COMPLETE, killed: true }],
    ['under a ceiling of 0', { ...COMPLETE, ceilingZero: true }],
    ['in the shadow stage', { stage: 'shadow' as const }],
    ['at weight 0', { stage: 'canary' as const, weightBps: 0 }],
    ['gone with its route', { ...COMPLETE, live: false }],
  ])('requests that wait for its answer are answered by v1 at once: %s', async (_name, word) => {
    const stage = await open({ v2: hang, word: COMPLETE, route: PATIENT })
    const clients = Array.from({ length: 8 }, () => stage.client())
    for (const [index, client] of clients.entries()) await client.send(get(`/${index}`))
    await until('v2 has them', () => stage.v2.requests.length === 8)
    const started = performance.now()
    stage.setWord(word)
    for (const [index, client] of clients.entries()) {
      const answer = await client.answer()
      expect([answer.body.toString(), value(answer, 'x-banyan-backend')]).toEqual([`v1 GET /${index} 0`, 'v1'])
    }
    expect(performance.now() - started).toBeLessThan(2_000)
    // Nobody is blamed: v2 was given no time to answer.
    expect(stage.counted('v2')).toEqual({ aborted: 8 })
    expect(stage.counted('fallback')).toEqual({ '2xx': 8 })
    await until('v2’s connections ended', () => stage.v2.open.length === 0)
  })

  it('by the global latch, the same', async () => {
    const stage = await open({ v2: hang, word: COMPLETE, route: PATIENT })
    const client = stage.client()
    await client.send(get('/'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    stage.setGatewayWord({ killed: true })
    expect((await client.answer()).body.toString()).toBe('v1 GET / 0')
  })

  it('writes it has received are left to it', async () => {
    const { opened, open: answer } = gate()
    const stage = await open({ v2: after(opened, answerAs('v2')), word: COMPLETE, route: PATIENT })
    const [client, other] = [stage.client(), stage.client()]
    await client.send(post('/write', 'body', 'x-once: w'))
    await other.send(get('/read'))
    await until('v2 has both', () => stage.v2.complete.length === 2)
    stage.setWord({ ...COMPLETE, latched: true })
    expect((await other.answer()).body.toString()).toBe('v1 GET /read 0')
    expect(client.answers).toHaveLength(0)
    answer()
    expect((await client.answer()).body.toString()).toBe('v2 POST /write 4')
    expect(stage.counted('v2')).toEqual({ aborted: 1, '2xx': 1 })
  })

  it('an answer that has begun goes on to its end', async () => {
    const { opened, open: finish } = gate()
    const stage = await open({
      word: COMPLETE,
      v2: async (exchange) => {
        await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst')
        await opened
        await exchange.send('last5')
      },
    })
    const client = stage.client()
    await client.send(get('/'))
    await until('the answer has begun', () => client.received > 0)
    stage.setWord({ ...COMPLETE, latched: true })
    expect((await stage.ask(get('/next'))).body.toString()).toBe('v1 GET /next 0')
    finish()
    expect((await client.answer()).body.toString()).toBe('firstlast5')
  })

  it('requests that still stream their body, all of it held, move on with it', async () => {
    const stage = await open({ v2: hang, word: COMPLETE, route: PATIENT })
    const client = stage.client()
    await client.send(request('GET', '/body', ['Content-Length: 10']) + 'first')
    await until('v2 has the beginning', () => stage.v2.requests[0]?.received === 5)
    stage.setWord({ ...COMPLETE, latched: true })
    await until('v1 has the beginning', () => stage.v1.requests[0]?.received === 5)
    await client.send('last5')
    expect((await client.answer()).body.toString()).toBe('v1 GET /body 10')
    expect(stage.v1.complete[0]?.body.toString()).toBe('firstlast5')
  })

  it('requests in the wait queue of its pool go to v1, writes too: v2 never saw them', async () => {
    const stage = await open({ v2: hang, word: COMPLETE, route: PATIENT, config: { pool: { connections: 1 } } })
    const first = stage.client()
    await first.send(get('/first'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    const waiting = Array.from({ length: 4 }, () => stage.client())
    for (const [index, client] of waiting.entries())
      await client.send(index % 2 === 0 ? get(`/${index}`) : post(`/${index}`, 'b', `x-once: ${index}`))
    await until('they wait', () => stage.ctx.pools.v2.waiting === 4)
    stage.setWord({ ...COMPLETE, latched: true })
    for (const client of waiting) expect(value(await client.answer(), 'x-banyan-backend')).toBe('v1')
    expect((await first.answer()).status).toBe(200)
    expect(stage.v2.requests).toHaveLength(1)
    expect(stage.counted('v2')).toEqual({ aborted: 5 })
  })

  it('requests whose connect to it is under way go to v1, writes too', async () => {
    const hung = await hungConnect()
    try {
      const stage = await open({ endpoints: { v2: resolved([hung.port], 10) }, word: COMPLETE, route: PATIENT })
      const [reader, writer] = [stage.client(), stage.client()]
      await reader.send(get('/r'))
      await writer.send(post('/w', 'body', 'x-once: w'))
      await until('both are on their way', () => stage.lane('v2').started === 2)
      stage.setWord({ ...COMPLETE, latched: true })
      expect((await reader.answer()).body.toString()).toBe('v1 GET /r 0')
      expect((await writer.answer()).body.toString()).toBe('v1 POST /w 4')
    } finally {
      await hung.close()
    }
  })

  it('only those above a lowered weight move', async () => {
    const stage = await open({ v2: hang, word: { stage: 'canary', weightBps: 10_000 - 1 }, route: PATIENT })
    // Buckets of vectors/buckets.json under the salt `gateway`: alice 17, bob 957, 42 4264.
    const users = ['alice', 'bob', '42'].map((user) => ({ user, client: stage.client() }))
    for (const { user, client } of users) await client.send(get('/', `X-User-Id: ${user}`))
    await until('v2 has them', () => stage.v2.requests.length === 3)
    stage.setWord({ stage: 'canary', weightBps: 500 })
    for (const { user, client } of users.slice(1)) expect([user, (await client.answer()).status]).toEqual([user, 200])
    await stage.ticks()
    expect(users[0]?.client.answers).toHaveLength(0)
    expect(stage.counted('v2')).toEqual({ aborted: 2 })
  })

  it('those a test forces past the latch stay', async () => {
    const force = { header: 'x-force', secret: 's', whileTripped: true }
    const stage = await open({ v2: hang, word: COMPLETE, route: { ...PATIENT, force } })
    const client = stage.client()
    await client.send(get('/', 'X-Force: v2;s'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    stage.setWord({ ...COMPLETE, latched: true })
    expect((await stage.ask(get('/other'))).body.toString()).toBe('v1 GET /other 0')
    await stage.ticks()
    expect(client.answers).toHaveLength(0)
    stage.setGatewayWord({ killed: true })
    expect(value(await client.answer(), 'x-banyan-backend')).toBe('v1')
  })

  it('a retry does not go back to it', async () => {
    const stage = await open({
      v2: async (exchange) => {
        await exchange.whole
        stage.setWord({ ...COMPLETE, latched: true })
        exchange.rst()
      },
      word: COMPLETE,
    })
    expect(value(await stage.ask(get('/')), 'x-banyan-backend')).toBe('v1')
    expect(stage.v2.requests).toHaveLength(1)
    expect(stage.v1.requests).toHaveLength(1)
  })

  it('v1 failing in its turn is v1’s error', async () => {
    const stage = await open({ v2: hang, v1: status(500, 'v1 is ill'), word: COMPLETE, route: PATIENT })
    const client = stage.client()
    await client.send(get('/'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    stage.setWord({ ...COMPLETE, latched: true })
    const answer = await client.answer()
    expect([answer.status, value(answer, 'x-banyan-backend')]).toEqual([500, 'v1'])
  })
})
