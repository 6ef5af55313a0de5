/** Upgrade: a tunnel for WebSocket alone, and only once the backend has said 101. */
import { describe, expect, it } from 'vitest'
import { answerOk, type Exchange } from '../support/wire/backend.ts'
import { get, request as requestOf } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { connectionTokens, has, value, values } from '../support/wire/message.ts'
import { createRandom } from '../support/wire/random.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'

const gateway = useGateway({ route: { timeouts: { connectMs: 300, firstByteMs: 500 } } })

const WS = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

/** Answers 101 and sends back whatever comes. */
function echo(exchange: Exchange): void {
  const { connection } = exchange
  connection.reader.openTunnel()
  connection.socket.on('data', (chunk) => connection.socket.write(chunk))
  void exchange.send(SWITCH)
}

describe('a WebSocket', () => {
  it('opens after the 101, and passes every byte in both directions', async () => {
    gateway.backend.reset(echo)
    const client = gateway.client()
    await client.send(get('/chat/../x?y=%41', ...WS, 'X-Forwarded-For: 6.6.6.6', 'Cookie: a=1'))
    await until('101', () => client.interim.some((answer) => answer.status === 101))
    const [request] = gateway.backend.requests
    if (request === undefined) throw new Error('no request')
    expect(request.target).toBe('/chat/../x?y=%41')
    expect([value(request, 'upgrade')?.toLowerCase(), connectionTokens(request)]).toEqual(['websocket', ['upgrade']])
    expect([values(request, 'host'), values(request, 'x-forwarded-for'), value(request, 'cookie')]).toEqual([['a'], ['127.0.0.1'], 'a=1'])
    expect(values(request, 'x-banyan-hop')).toEqual(['banyan'])
    const bytes = createRandom(3).bytes(200_000)
    await client.send(bytes)
    await until('everything back', () => client.reader.tunnel.length >= bytes.length)
    expect(client.reader.tunnel.equals(bytes)).toBe(true)
  })

  it('bytes sent before the 101 do not reach the backend before it, and are not lost', async () => {
    let early = ''
    gateway.backend.reset(async (exchange) => {
      const head = Buffer.concat(exchange.connection.raw).toString('latin1')
      for (let i = 0; i < 30; i++) await turnOfLoop()
      early = Buffer.concat(exchange.connection.raw)
        .toString('latin1')
        .slice(head.indexOf('\r\n\r\n') + 4)
      echo(exchange)
    })
    const client = gateway.client()
    await client.send(`${get('/ws', ...WS)}early bytes`)
    await until('the early bytes back', () => client.reader.tunnel.toString() === 'early bytes')
    expect(early).toBe('')
  })

  it('that the backend declines is answered as plain, and what follows is a request or nothing', async () => {
    const client = gateway.client()
    await client.send(get('/plain', ...WS) + get('/second'))
    expect((await client.answer()).body.toString()).toBe('/plain')
    await until('the second answered or the end', () => client.complete.length === 2 || client.ended !== null)
    expect(client.interim).toEqual([])
    for (const request of gateway.backend.requests.slice(1)) expect([request.target, has(request, 'upgrade')]).toEqual(['/second', false])
  })

  it.each([
    ['the backend', (_client: { rst(): void }, exchange: Exchange) => exchange.rst()],
    ['the client', (client: { rst(): void }) => client.rst()],
  ])('ended by %s is ended on the other side too', async (_, end) => {
    const exchanges: Exchange[] = []
    gateway.backend.reset((exchange) => {
      exchanges.push(exchange)
      echo(exchange)
    })
    const client = gateway.client()
    await client.send(get('/ws', ...WS))
    await until('101', () => client.interim.length === 1)
    for (const exchange of exchanges) end(client, exchange)
    await until(
      'both gone',
      () =>
        (client.ended !== null || client.socket.destroyed) &&
        exchanges.every(({ connection }) => connection.socket.destroyed || connection.ended !== null),
    )
  })

  it('whose backend never says 101 is 504 in time', async () => {
    gateway.backend.reset(() => undefined)
    const client = gateway.client()
    await client.send(get('/ws', ...WS))
    expect((await client.answer()).status).toBe(504)
  })

  it('whose backend breaks off is 502', async () => {
    gateway.backend.reset((exchange) => exchange.rst())
    const client = gateway.client()
    await client.send(get('/ws', ...WS))
    expect((await client.answer()).status).toBe(502)
  })
})

describe('an upgrade with a body', () => {
  it.each([
    ['Content-Length', `${get('/ws', ...WS, 'Content-Length: 5')}hello`],
    ['chunked', `${get('/ws', ...WS, 'Transfer-Encoding: chunked')}0\r\n\r\n`],
  ])('is refused (%s)', async (_, bytes) => {
    const { answer } = await gateway.refusal(bytes)
    expect(answer.status).toBe(400)
  })
})

describe('any other upgrade is dropped and answered as plain', () => {
  it.each([
    ['h2c', get('/x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk')],
    ['TLS/1.0', get('/x', 'Connection: upgrade', 'Upgrade: TLS/1.0')],
    ['a list with websocket', get('/x', 'Connection: Upgrade', 'Upgrade: h2c, websocket')],
    ['websocket twice', get('/x', 'Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: h2c')],
    ['websocket that Connection does not name', get('/x', 'Upgrade: websocket')],
    ['websocket in a POST', requestOf('POST', '/x', ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0'])],
    ['websocket in HTTP/1.0', 'GET /x HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    const { request, answer } = await gateway.exchange(bytes)
    expect([answer.status, answer.body.toString()]).toEqual([200, '/x'])
    expect(['upgrade', 'http2-settings'].filter((name) => has(request, name))).toEqual([])
    expect(connectionTokens(request)).not.toContain('upgrade')
  })

  it('and a 101 nobody asked for is 502', async () => {
    const { answer } = await gateway.exchange(get('/x', 'Upgrade: websocket'), (exchange) => exchange.send(SWITCH))
    expect(answer.status).toBe(502)
  })
})

describe('a tunnel to v2', () => {
  const both = useGateway({ v2: 1, route: { stage: 'canary', weight: 100 }, word: { stage: 'canary', weightBps: 10_000 } })

  it('is closed within five seconds of a rollback', async () => {
    // v2 is the same backend here: what matters is the word.
    both.engine.engine.setSnapshot({
      ...both.engine.engine.ctx.runtime.snapshot,
      endpoints: {
        ...both.engine.engine.ctx.runtime.snapshot.endpoints,
        v2: both.engine.engine.ctx.runtime.snapshot.endpoints.v1.map((one) => ({ ...one, id: 9 })),
      },
    })
    both.backend.reset(echo)
    const client = both.client()
    await client.send(get('/ws', ...WS, 'X-User-Id: u'))
    await until('101', () => client.interim.length === 1)
    await client.send('ping')
    await until('an echo', () => client.reader.tunnel.toString() === 'ping')
    both.engine.setWord({ stage: 'canary', weightBps: 0, latched: true })
    await client.end(6_500)
  })

  it('a plain request is served by v2 until then', async () => {
    both.engine.setWord({ stage: 'canary', weightBps: 10_000 })
    both.backend.reset(answerOk)
    const { answer } = await both.exchange(get('/x', 'X-User-Id: u'))
    expect(value(answer, 'x-banyan-backend')).toBe('v2')
  })
})
