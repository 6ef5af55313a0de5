/** What the engine may use, and that it gives it back: connections, memory, sockets, room for others. */
import { describe, expect, it } from 'vitest'
import { ok } from '../support/wire/backend.ts'
import { get, request } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { value } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'
import { hungConnect } from '../support/proxy/frozen.ts'
import { answerAs, hang, same } from '../support/proxy/scripts.ts'
import { COMPLETE, SHADOW, stages, type Stage } from '../support/proxy/stage.ts'
import { REJECTIONS } from '../../src/core/model/observation.ts'
import { createReader } from '../../src/ledger/reader.ts'

const open = stages()

function rejected(stage: Stage, reason: (typeof REJECTIONS)[number]): number {
  return createReader(stage.memory).gateway().rejections[REJECTIONS.indexOf(reason)] ?? 0
}

describe('limits of clients', () => {
  it('more connections than allowed are told 503 and closed; when one leaves there is room', async () => {
    const stage = await open({ config: { limits: { connections: 2 } } })
    const [first, second] = [stage.client(), stage.client()]
    for (const client of [first, second]) {
      await client.send(get('/'))
      await client.answer()
    }
    const third = stage.client()
    const answer = await third.answer()
    expect([answer.status, value(answer, 'connection'), await third.end()]).toEqual([503, 'close', 'fin'])
    expect(rejected(stage, 'connections')).toBe(1)
    second.rst()
    await until('it has left', () => stage.ctx.clients.size === 1)
    expect((await stage.ask(get('/'))).status).toBe(200)
  })

  it.each(['127.0.0.1', '::'])('one address has its share only, on a listener at %s', async (host) => {
    const stage = await open({ listen: { host }, config: { limits: { perClient: 2 } } })
    const own = [stage.client(), stage.client()]
    for (const client of own) {
      await client.send(get('/'))
      await client.answer()
    }
    expect((await stage.client().answer()).status).toBe(503)
    expect((await stage.ask(get('/'), { from: '127.0.0.2' })).status).toBe(200)
    own[0]?.rst()
    await until('it has left', () => stage.ctx.clients.size === 2)
    expect((await stage.ask(get('/'))).status).toBe(200)
  })

  it('while memory is short new requests are told 503 and close, and served again after', async () => {
    const stage = await open({
      v1: (exchange) => (exchange.request.target === '/held' ? undefined : answerAs('v1')(exchange)),
      config: { limits: { buffersBytes: 20_000 } },
    })
    const holder = stage.client()
    await holder.send(`${request('PUT', '/held', ['Content-Length: 40000'])}${'x'.repeat(30_000)}`)
    await until('held', () => stage.ctx.heldBytes > 20_000)
    const answer = await stage.ask(get('/'))
    expect([answer.status, value(answer, 'connection')]).toEqual([503, 'close'])
    expect([JSON.parse(answer.body.toString()).code, rejected(stage, 'buffers')]).toEqual(['buffers', 1])
    holder.rst()
    await until('let go', () => stage.ctx.heldBytes === 0)
    expect((await stage.ask(get('/'))).status).toBe(200)
  })

  it('what is sent behind a request that waits is held, up to a bound, and counted', async () => {
    const stage = await open({ v1: hang, route: { timeouts: { firstByteMs: 1_500 } } })
    const client = stage.client()
    await client.send(get('/first'))
    await until('the backend has it', () => stage.v1.requests.length === 1)
    void client.send(Buffer.alloc(30_000_000, 'GET / HTTP/1.1\r\n'))
    await until('held', () => stage.ctx.heldBytes > 32_768)
    expect(stage.ctx.heldBytes).toBeLessThan(32_768 + 2 * 65_536)
    await client.answer()
  })
})

describe('deadlines of 0 are none', () => {
  it('of a head, a connection, a connect, a first byte, an idle body', async () => {
    const none = { headMs: 0, keepAliveMs: 0, connectMs: 0, firstByteMs: 0, idleMs: 0, totalMs: 0 }
    const stage = await open({
      route: { timeouts: none, fallback: { afterMs: 0 } },
      word: COMPLETE,
      v2: async (exchange) => {
        if (!(await exchange.whole)) return
        await stage.ticks(3)
        await exchange.send(ok('late'))
      },
    })
    const client = stage.client()
    await client.send('POST / HTTP/1.1\r\nHo')
    await stage.ticks(3)
    await client.send('st: a\r\nContent-Length: 4\r\n\r\nbo')
    await stage.ticks(3)
    await client.send('dy')
    expect((await client.answer()).body.toString()).toBe('late')
    await stage.ticks(3)
    await client.send(get('/again'))
    expect((await client.answer(2)).status).toBe(200)
  })
})

describe('a connect that hangs', () => {
  it('hangs for as long as it likes where it has no deadline', async () => {
    const hung = await hungConnect()
    const stage = await open({ endpoints: { v1: resolved([hung.port], 0) }, route: { timeouts: { connectMs: 0 } } })
    const client = stage.client()
    await client.send(get('/'))
    await stage.ticks(5)
    expect([client.complete.length, client.ended]).toEqual([0, null])
    client.rst()
    await hung.close()
  })

  it('is given up with its deadline: no socket goes on trying', async () => {
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const hung = await hungConnect()
    try {
      const stage = await open({ endpoints: { v1: resolved([hung.port], 0) }, route: { timeouts: { connectMs: 100 } } })
      const client = await stage.client().connected()
      await until('it is accepted', () => stage.ctx.clients.size === 1)
      const before = sockets()
      await client.send(get('/1') + get('/2') + get('/3'))
      await until('a connect is under way', () => sockets() > before)
      await client.answer(3)
      expect(client.complete.map((one) => one.status)).toEqual([504, 504, 504])
      await until('none goes on', () => sockets() === before)
    } finally {
      await hung.close()
    }
  })

  it('to an endpoint that has left the snapshot costs the request nothing: v1 answers, once', async () => {
    const hung = await hungConnect()
    try {
      const stage = await open({ endpoints: { v2: resolved([hung.port], 10) }, word: COMPLETE, route: { timeouts: { connectMs: 300 } } })
      const clients = Array.from({ length: 5 }, () => stage.client())
      for (const client of clients) await client.send(get('/'))
      await until('they are on their way', () => stage.lane('v2').started === 5)
      // Both backends move: nobody they wait for is in the snapshot any more.
      stage.publish({ endpoints: { v1: resolved([stage.v1.port], 3), v2: resolved([stage.v2.port], 13) } })
      for (const client of clients) expect((await client.answer()).status).toBe(200)
      expect([stage.lane('v2').finished, stage.lane('fallback').finished]).toEqual([5, stage.counted('fallback')['2xx'] ?? 0])
      expect(stage.counted('v1')).toEqual({})
    } finally {
      await hung.close()
    }
  })
})

describe('mirrors of several routes', () => {
  it('do not take one another’s connections', async () => {
    const mirror = { sample: 100, concurrency: 2, queue: 2, timeoutMs: 3_000 }
    const stage = await open({
      v1: same(),
      v2: hang,
      routes: [
        { name: 'a', group: 'a', match: { path: '/a/**' }, mirror },
        { name: 'b', group: 'b', match: { path: '/b/**' }, mirror },
      ],
      word: SHADOW,
    })
    Object.defineProperty(stage.ctx.wheel, 'lagMs', { get: () => 0, set: () => undefined })
    for (const path of ['/a/1', '/a/2', '/b/1', '/b/2']) await stage.ask(get(path))
    await until('all four reached v2', () => stage.v2.requests.length === 4)
    await stage.v2.disconnect()
  })
})

describe('a new snapshot', () => {
  it('moves requests to its endpoints at once, while those under way finish on theirs', async () => {
    const held: (() => void)[] = []
    const stage = await open({ v1: (exchange) => void held.push(() => void exchange.send(ok('from the old one'))) })
    const client = stage.client()
    await client.send(get('/'))
    await until('it is there', () => held.length === 1)
    stage.publish({ endpoints: { ...stage.snapshot.endpoints, v1: resolved([stage.v2.port], 5) } })
    expect((await stage.ask(get('/'))).body.toString()).toBe('v2 GET / 0')
    expect(stage.engine.oldestRevision()).toBe(1)
    held[0]?.()
    expect((await client.answer()).body.toString()).toBe('from the old one')
    expect(stage.engine.oldestRevision()).toBe(2)
    await until('the old connection ended', () => stage.v1.open.length === 0)
  })

  it('without endpoints is 503 no_backend, and requests go on when there are some again', async () => {
    const stage = await open()
    const { endpoints } = stage.snapshot
    stage.publish({ endpoints: { ...endpoints, v1: [] } })
    const answer = await stage.ask(get('/'))
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([503, 'no_backend'])
    stage.publish({ endpoints })
    expect((await stage.ask(get('/'))).status).toBe(200)
  })

  it('keeps its slot’s revision in use while a mirror or a tunnel of an older one still counts there', async () => {
    const stage = await open({ v1: same(), v2: hang, word: SHADOW, route: { mirror: { sample: 100, timeoutMs: 600 } } })
    Object.defineProperty(stage.ctx.wheel, 'lagMs', { get: () => 0, set: () => undefined })
    await stage.ask(get('/'))
    await until('the mirror runs', () => stage.v2.requests.length === 1)
    stage.publish({})
    expect(stage.engine.oldestRevision()).toBe(1)
    await stage.quiet()
    expect(stage.engine.oldestRevision()).toBe(2)
  })
})
