/** One retry at most, on a fresh connection, and only where it cannot do harm. */
import { describe, expect, it } from 'vitest'
import { RawBackend, answerOk, ok, type Exchange, type Script } from '../support/wire/backend.ts'
import { get, post, request as requestOf } from '../support/wire/client.ts'
import { REFUSED, startEngine } from '../support/wire/engine.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { until } from '../support/wire/until.ts'

const gateway = useGateway()

/** Leaves exactly one idle upstream connection behind. */
async function warm(): Promise<void> {
  await gateway.backend.disconnect()
  await gateway.exchange(get('/warm'))
  expect(gateway.backend.open.length).toBe(1)
}

/** Cuts the first request it gets, answers all others. */
function dieOnce(how: (exchange: Exchange) => void | Promise<void>): Script {
  let died = false
  return async (exchange) => {
    if (!(await exchange.whole)) return
    if (died) await answerOk(exchange)
    else {
      died = true
      await how(exchange)
    }
  }
}

const FIN = (exchange: Exchange): void => exchange.fin()
const RST = (exchange: Exchange): void => exchange.rst()

describe('a reused connection that dies under a request', () => {
  it.each([
    ['GET', get('/r'), FIN],
    ['GET', get('/r'), RST],
    ['HEAD', requestOf('HEAD', '/r'), FIN],
    ['OPTIONS', requestOf('OPTIONS', '/r'), RST],
    ['DELETE', requestOf('DELETE', '/r'), FIN],
    ['PUT with its body held', requestOf('PUT', '/r', ['Content-Length: 5']) + 'hello', RST],
    ['PUT, chunked and held', `${requestOf('PUT', '/r', ['Transfer-Encoding: chunked'])}5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`, FIN],
  ])('%s is asked again once, on a fresh connection', async (_, bytes, how) => {
    await warm()
    gateway.backend.reset(dieOnce(how))
    const client = gateway.client({ methods: [bytes.slice(0, bytes.indexOf(' '))] })
    await client.send(bytes)
    expect((await client.answer()).status).toBe(200)
    const [first, second] = gateway.backend.complete
    expect(gateway.backend.complete.length).toBe(2)
    expect([second?.method, second?.target, second?.body, second?.trailers]).toEqual([
      first?.method,
      first?.target,
      first?.body,
      first?.trailers,
    ])
    // Both carry the id of the one request they are.
    expect(second?.headers).toEqual(first?.headers)
  })

  it.each([
    ['POST', post('/w', 'hello')],
    ['POST without a body', post('/w', '')],
    ['PATCH', requestOf('PATCH', '/w', ['Content-Length: 2']) + 'hi'],
    ['an unknown method', requestOf('PURPLE', '/w')],
  ])('%s is never sent twice', async (_, bytes) => {
    await warm()
    gateway.backend.reset(dieOnce(RST))
    const client = gateway.client()
    await client.send(bytes)
    const answer = await client.answer()
    expect([answer.status, problem(answer).code]).toEqual([502, 'upstream_reset'])
    expect(gateway.backend.requests.length).toBe(1)
  })

  it('after the first byte of its answer is not asked again', async () => {
    await warm()
    gateway.backend.reset(
      dieOnce(async (exchange) => {
        await exchange.send('HTTP/1.1 2')
        exchange.fin()
      }),
    )
    const client = gateway.client()
    await client.send(get('/r'))
    expect((await client.answer()).status).toBe(502)
    expect(gateway.backend.requests.length).toBe(1)
  })

  it('whose retry dies too is 502 after two attempts', async () => {
    await warm()
    gateway.backend.reset(async (exchange) => {
      if (await exchange.whole) exchange.rst()
    })
    const client = gateway.client()
    await client.send(get('/r'))
    expect((await client.answer()).status).toBe(502)
    expect(gateway.backend.requests.length).toBe(2)
  })

  it('under a PUT whose body is past what is held is not asked again', async () => {
    await warm()
    gateway.backend.reset(async (exchange) => {
      if (await exchange.whole) exchange.rst()
    })
    const client = gateway.client()
    await client.send(`${requestOf('PUT', '/big', ['Content-Length: 500000'])}${'x'.repeat(500_000)}`)
    expect((await client.answer()).status).toBe(502)
    expect(gateway.backend.requests.length).toBe(1)
  })
})

describe('the retry budget', () => {
  it('lets a backend that kills every reused connection see at most a tenth more requests', async () => {
    const engine = await startEngine({ v1: gateway.backend.port })
    const asked = new Map<number, number>()
    gateway.backend.reset(async (exchange) => {
      const nth = (asked.get(exchange.connection.id) ?? 0) + 1
      asked.set(exchange.connection.id, nth)
      if (nth === 1) await answerOk(exchange)
      else exchange.rst()
    })
    const client = gateway.client({ port: engine.port })
    for (let i = 1; i <= 200; i++) {
      await client.send(get('/budget'))
      expect([200, 502]).toContain((await client.answer(i)).status)
    }
    // A tenth, and the few a quiet gateway may always have.
    expect(gateway.backend.requests.length).toBeLessThanOrEqual(200 + 20 + 15)
    expect(gateway.backend.requests.length).toBeGreaterThan(200)
    client.close()
    await engine.close()
  })
})

describe('a fresh connection that dies under a request', () => {
  it.each([
    ['GET', get('/f')],
    ['POST', post('/f', 'x')],
  ])('is not asked again: %s', async (_, bytes) => {
    await gateway.backend.disconnect()
    gateway.backend.reset(dieOnce(FIN))
    const client = gateway.client()
    await client.send(bytes)
    expect((await client.answer()).status).toBe(502)
    expect(gateway.backend.requests.length).toBe(1)
  })
})

describe('an idle connection', () => {
  it.each([
    ['FIN', (exchange: Exchange) => exchange.fin()],
    ['RST', (exchange: Exchange) => exchange.rst()],
    ['unasked bytes', (exchange: Exchange) => void exchange.send('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')],
  ])('that shows %s is discarded, and a POST goes over a fresh one', async (_, then) => {
    await gateway.backend.disconnect()
    const exchanges: Exchange[] = []
    gateway.backend.reset(async (exchange) => {
      exchanges.push(exchange)
      await answerOk(exchange)
    })
    const client = gateway.client()
    await client.send(get('/1'))
    await client.answer(1)
    exchanges.slice(0, 1).forEach(then)
    await until('discarded', () => gateway.backend.connections.every(({ ended, socket }) => ended !== null || socket.destroyed))
    await client.send(post('/2', 'once'))
    expect((await client.answer(2)).body.toString()).toBe('/2')
    expect(gateway.backend.requests.map((request) => request.target)).toEqual(['/1', '/2'])
  })

  it('that dies at the very moment of use costs no POST: 100 times', async () => {
    // The backend answers and closes at once; the client sends on as soon as it has the answer.
    gateway.backend.reset(async (exchange) => {
      await answerOk(exchange)
      exchange.fin()
    })
    const client = gateway.client()
    for (let i = 1; i <= 100; i++) {
      await client.send(post(`/${i}`, 'x'))
      expect((await client.answer(i)).status).toBe(200)
    }
    expect(gateway.backend.requests.map((request) => request.target)).toEqual(Array.from({ length: 100 }, (_, i) => `/${i + 1}`))
  })

  it.each(['before', 'after'])('whose FIN comes in the same moment as a POST (%s it) costs no POST: 50 times', async (order) => {
    for (let i = 0; i < 50; i++) {
      const used: Exchange[] = []
      gateway.backend.reset(async (exchange) => {
        used.push(exchange)
        await answerOk(exchange)
      })
      const client = gateway.client()
      await client.send(get('/1'))
      await client.answer(1)
      // One turn of the loop for both: the engine finds the request and the FIN ready at the same time.
      if (order === 'before') used.forEach(FIN)
      client.socket.write(post('/2', 'x'))
      if (order === 'after') used.forEach(FIN)
      expect((await client.answer(2)).status).toBe(200)
      expect(gateway.backend.requests.map((request) => request.target)).toEqual(['/1', '/2'])
      client.close()
    }
  })

  it('for more than a second is not trusted with a POST, but with a GET', async () => {
    const backend = new RawBackend()
    const engine = await startEngine({ v1: await backend.listen() })
    const client = gateway.client({ port: engine.port })
    await client.send(get('/1'))
    await client.answer(1)
    // The law is about time itself: nothing else could be waited for.
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    await client.send(post('/2', 'x'))
    await client.answer(2)
    expect(backend.connections.length).toBe(2)
    await client.send(get('/3') + get('/4'))
    await client.answer(4)
    expect(backend.connections.length).toBe(2)
    client.close()
    await engine.close()
    await backend.close()
  })

  it('is given up before the backend’s Keep-Alive: timeout', async () => {
    await gateway.backend.disconnect()
    await gateway.exchange(get('/'), async (exchange) => exchange.send(ok('x', 'Keep-Alive: timeout=1, max=100')))
    const since = performance.now()
    const [connection] = gateway.backend.connections
    await until('given up', () => connection?.ended !== null, 3_000)
    expect(performance.now() - since).toBeLessThan(1_050)
  })

  it('is given up after pool.idle', async () => {
    const backend = new RawBackend()
    const engine = await startEngine({ v1: await backend.listen(), config: { pool: { idleMs: 300 } } })
    const client = gateway.client({ port: engine.port })
    await client.send(get('/'))
    await client.answer()
    await until('given up', () => backend.connections[0]?.ended !== null, 3_000)
    client.close()
    await engine.close()
    await backend.close()
  })
})

describe('connecting that fails', () => {
  it.each([
    ['GET', get('/c')],
    ['POST', post('/c', 'x')],
  ])('everywhere is 502: %s', async (_, bytes) => {
    const engine = await startEngine({ v1: REFUSED })
    const client = gateway.client({ port: engine.port })
    await client.send(bytes)
    const answer = await client.answer()
    expect([answer.status, problem(answer).code]).toEqual([502, 'upstream_refused'])
    expect(engine.dials.targets.filter((to) => to === '127.0.0.1:1').length).toBeLessThanOrEqual(2)
    client.close()
    await engine.close()
  })

  it('at one endpoint of two loses no request of any method, and none arrives twice', async () => {
    const backend = new RawBackend()
    const engine = await startEngine({ v1: [await backend.listen(), REFUSED] })
    for (let i = 0; i < 40; i++) {
      const client = gateway.client({ port: engine.port })
      await client.send(i % 2 === 0 ? post(`/${i}`, 'x') : get(`/${i}`))
      expect((await client.answer()).status).toBe(200)
      client.close()
      // Every request has to connect anew.
      if (i % 4 === 3) await backend.disconnect()
      const targets = backend.requests.map((request) => request.target)
      expect(targets.filter((target) => target === `/${i}`).length).toBe(1)
    }
    await engine.close()
    await backend.close()
  })
})
