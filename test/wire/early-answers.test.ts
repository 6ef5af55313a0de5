/** Answers before the request's end, half-closed and vanished clients: the answer gets through, nothing is left behind. */
import { describe, expect, it } from 'vitest'
import { answerOk, ok, type Script } from '../support/wire/backend.ts'
import { get, post } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { connectionTokens } from '../support/wire/message.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'

const gateway = useGateway()

const early =
  (bytes: string): Script =>
  async (exchange) => {
    await exchange.send(bytes)
  }

const LONG = 'POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n'
const CHUNKED = 'POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'

describe('an answer before the end of the request', () => {
  it.each([
    ['Content-Length', `${LONG}part`],
    ['chunked', CHUNKED],
  ])('is passed on at once and the connection closed (%s)', async (_, bytes) => {
    gateway.backend.reset(early(ok('too much', 'X-Early: 1')))
    const client = gateway.client()
    await client.send(bytes)
    const answer = await client.answer()
    expect([answer.status, answer.body.toString()]).toEqual([200, 'too much'])
    expect(connectionTokens(answer)).toContain('close')
    expect(await client.end()).toBe('fin')
    expect(gateway.backend.complete).toEqual([])
  })

  it('is delivered to a client that goes on sending', async () => {
    gateway.backend.reset(early(ok('x'.repeat(100_000))))
    const client = gateway.client()
    await client.send(LONG)
    await client.send([...Array(60)].map(() => Buffer.alloc(16_000, 'b')))
    const answer = await client.answer()
    expect([answer.status, answer.received]).toEqual([200, 100_000])
    expect(await client.end()).toBe('fin')
  })

  it('is delivered to a client that pours without reading it at first', async () => {
    gateway.backend.reset(early(ok('read me')))
    const client = gateway.client()
    client.socket.pause()
    await client.send(LONG)
    await Promise.race([
      client.send([...Array(60)].map(() => Buffer.alloc(16_000, 'b'))),
      until('answered', () => gateway.backend.requests.length === 1),
    ])
    client.socket.resume()
    expect((await client.answer()).body.toString()).toBe('read me')
  })

  it('frees the upstream connection of the rest of the body', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(early(ok('no')))
    const client = gateway.client()
    await client.send(`${LONG}part`)
    await client.answer()
    await until('the upstream connection given up', () => gateway.backend.connections[0]?.ended !== null)
    expect((await gateway.exchange(get('/next'))).request.target).toBe('/next')
  })

  it('still streaming when the request ends makes one whole exchange', async () => {
    gateway.backend.reset(async (exchange) => {
      await exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n')
      if (await exchange.whole) await exchange.send('6\r\nsecond\r\n0\r\n\r\n')
    })
    const client = gateway.client()
    await client.send('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello')
    await until('the first half', () => client.text.includes('first'))
    await client.send('world')
    expect((await client.answer()).body.toString()).toBe('firstsecond')
    expect(gateway.backend.complete[0]?.body.toString()).toBe('helloworld')
  })

  it('a client that keeps pouring for ever is cut after a bounded drain', async () => {
    gateway.backend.reset(early(ok('no')))
    const client = gateway.client()
    await client.send('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000000\r\n\r\n')
    const block = Buffer.alloc(65_536, 'b')
    let sent = 0
    const end = performance.now() + 20_000
    while (!client.socket.destroyed && client.socket.writable && performance.now() < end) {
      await client.send(block)
      sent += block.length
      await turnOfLoop()
    }
    expect(client.complete.map((answer) => answer.body.toString())).toEqual(['no'])
    expect(performance.now()).toBeLessThan(end)
    expect(sent).toBeLessThan(9_000_000_000)
  })
})

describe('a half-closed client', () => {
  it.each([
    ['a GET', get('/half')],
    ['a POST with length', post('/half', 'hello')],
    ['a chunked POST', `${CHUNKED.replace('/up', '/half')}0\r\n\r\n`],
  ])('still gets its answer: %s', async (_, bytes) => {
    const client = gateway.client()
    gateway.backend.reset(async (exchange) => {
      await until('the FIN sent', () => client.socket.writableFinished)
      for (let i = 0; i < 20; i++) await turnOfLoop()
      await answerOk(exchange)
    })
    await client.send(bytes)
    client.fin()
    expect((await client.answer()).body.toString()).toBe('/half')
    expect(await client.end()).toBe('fin')
  })

  it('gets the answers of everything it pipelined', async () => {
    const client = gateway.client()
    await client.send(get('/1') + get('/2') + get('/3'))
    client.fin()
    await client.answer(3)
    expect(client.complete.map((answer) => answer.body.toString())).toEqual(['/1', '/2', '/3'])
    expect(await client.end()).toBe('fin')
  })

  it.each([
    ['an empty line', '\r\n'],
    ['half a head', 'GET /2 HTTP/1.1\r\nHos'],
    ['half a body', 'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe'],
  ])('that left %s behind its request gets the one answer, and the end at once', async (_, rest) => {
    const client = gateway.client()
    await client.send(get('/1') + rest)
    client.fin()
    expect((await client.answer(1)).body.toString()).toBe('/1')
    await client.end(2_000)
    expect(client.complete.filter((answer) => answer.status < 400).length).toBe(1)
    expect(gateway.backend.complete.map((request) => request.target)).toEqual(['/1'])
  })

  it('that sent nothing is closed', async () => {
    const client = gateway.client()
    await client.connected()
    client.fin()
    expect(await client.end()).toBe('fin')
    expect(client.received).toBe(0)
  })
})

describe('a client that leaves', () => {
  it.each([
    ['RST in the body', `${LONG}part`, 'rst'],
    ['FIN in the body', `${LONG}part`, 'fin'],
    ['RST in a chunked body', CHUNKED, 'rst'],
    ['FIN in a chunked body', CHUNKED, 'fin'],
  ] as const)('by %s aborts the upstream request, which never looks complete', async (_, bytes, how) => {
    await gateway.backend.disconnect()
    const client = gateway.client()
    await client.send(bytes)
    await until('the head at the backend', () => gateway.backend.requests.length === 1)
    if (how === 'fin') client.fin()
    else client.rst()
    const since = performance.now()
    await until('the upstream connection given up', () => gateway.backend.connections[0]?.ended !== null)
    expect(performance.now() - since).toBeLessThan(300)
    expect(gateway.backend.complete).toEqual([])
  })

  it('by RST while it waits aborts the upstream request within 100 ms', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(() => undefined)
    const client = gateway.client()
    await client.send(get('/hang'))
    await until('the request at the backend', () => gateway.backend.complete.length === 1)
    client.rst()
    const since = performance.now()
    await until('the upstream connection given up', () => gateway.backend.connections[0]?.ended !== null)
    expect(performance.now() - since).toBeLessThan(200)
  })

  it('in the middle of its answer leaves nothing of it for the next', async () => {
    gateway.backend.reset(async (exchange) => {
      await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${'a'.repeat(50)}`)
      await until('the client gone', () => client.socket.destroyed)
      await exchange.send('b'.repeat(50))
    })
    const client = gateway.client()
    await client.send(get('/1'))
    await until('half the answer', () => client.text.includes('aaa'))
    client.rst()
    const { answer } = await gateway.exchange(get('/2'))
    expect(answer.body.toString()).toBe('/2')
  })

  it('in the middle of a head costs nothing', async () => {
    const client = gateway.client()
    await client.send('GET / HTTP/1.1\r\nHos')
    client.fin()
    await client.end()
    expect(client.complete.filter((answer) => answer.status < 400)).toEqual([])
    expect(gateway.backend.requests).toEqual([])
  })
})
