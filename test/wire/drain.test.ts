/** Draining: what runs is finished, what is idle is closed, and nobody who still gets in is turned away rudely. */
import { describe, expect, it } from 'vitest'
import { RawBackend, answerOk, type Exchange } from '../support/wire/backend.ts'
import { get, RawClient } from '../support/wire/client.ts'
import { startEngine, type TestEngine } from '../support/wire/engine.ts'
import { connectionTokens } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'

async function withEngine(work: (engine: TestEngine, backend: RawBackend, client: () => RawClient) => Promise<void>): Promise<void> {
  const backend = new RawBackend()
  const engine = await startEngine({ v1: await backend.listen() })
  const clients: RawClient[] = []
  try {
    await work(engine, backend, () => {
      const client = new RawClient({ port: engine.port })
      clients.push(client)
      return client
    })
  } finally {
    for (const client of clients) client.close()
    await engine.close()
    await backend.close()
  }
}

describe('a drain', () => {
  it('lets a request in flight finish, and then ends its connection', () =>
    withEngine(async (engine, backend, connect) => {
      const held: Exchange[] = []
      backend.reset((exchange) => void held.push(exchange))
      const client = connect()
      await client.send(get('/running'))
      await until('it at the backend', () => held.length === 1)
      const drained = engine.engine.drain(0, 5_000)
      for (const exchange of held) await answerOk(exchange)
      expect((await client.answer()).body.toString()).toBe('/running')
      await client.end()
      await drained
    }))

  it('keeps serving during its delay, and says close', () =>
    withEngine(async (engine, _backend, connect) => {
      const drained = engine.engine.drain(600, 2_000)
      const client = connect()
      await client.send(get('/late'))
      const answer = await client.answer()
      expect([answer.status, connectionTokens(answer)]).toEqual([200, ['close']])
      expect(await client.end()).toBe('fin')
      await drained
    }))

  it('then closes idle connections and takes no new ones', () =>
    withEngine(async (engine, _backend, connect) => {
      const idle = connect()
      await idle.send(get('/'))
      await idle.answer()
      await engine.engine.drain(0, 2_000)
      expect(await idle.end()).toBe('fin')
      await expect(connect().connected()).rejects.toThrow()
    }))

  it('cuts what is left after its grace, visibly', () =>
    withEngine(async (engine, backend, connect) => {
      backend.reset(async (exchange) => exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'))
      const client = connect()
      await client.send(get('/forever'))
      await until('half of it', () => client.text.includes('half'))
      const since = performance.now()
      await engine.engine.drain(0, 400)
      expect(performance.now() - since).toBeLessThan(2_000)
      await engine.engine.close()
      await client.end()
      expect(client.complete).toEqual([])
    }))
})

describe('close', () => {
  it('leaves no connection behind on either side', () =>
    withEngine(async (engine, backend, connect) => {
      const clients = Array.from({ length: 5 }, () => connect())
      for (const client of clients) {
        await client.send(get('/'))
        await client.answer()
      }
      await engine.engine.close()
      await until(
        'all ended',
        () => clients.every((client) => client.ended !== null) && backend.connections.every((one) => one.ended !== null),
      )
    }))
})

describe('a new snapshot', () => {
  it('is obeyed by the next request, on the same connection', () =>
    withEngine(async (engine, _backend, connect) => {
      const client = connect()
      await client.send(get('/'))
      await client.answer(1)
      engine.reconfigure({ limits: { requestLineBytes: 50 } })
      await client.send(get(`/${'x'.repeat(100)}`))
      expect((await client.answer(2)).status).toBe(414)
    }))
})
