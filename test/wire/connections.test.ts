/** Keep-alive, pipelining and HTTP/1.0 on the client's side, reuse on the backend's. */
import { describe, expect, it } from 'vitest'
import { answerBytes, answerOk, ok, type Exchange } from '../support/wire/backend.ts'
import { get, post } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { connectionTokens, has, values } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'

const gateway = useGateway()

describe('pipelining', () => {
  it('answers come in the order of the requests, however fast each backend answer is', async () => {
    const held: Exchange[] = []
    gateway.backend.reset(async (exchange) => {
      if (exchange.request.target === '/slow') held.push(exchange)
      else await answerOk(exchange)
    })
    const client = gateway.client()
    await client.send(get('/slow') + get('/fast') + get('/faster'))
    await until('the slow one at the backend', () => held.length === 1)
    expect(client.received).toBe(0)
    for (const exchange of held) await answerOk(exchange)
    await client.answer(3)
    expect(client.complete.map((answer) => answer.body.toString())).toEqual(['/slow', '/fast', '/faster'])
  })

  it('200 requests in one write get 200 answers', async () => {
    const targets = Array.from({ length: 200 }, (_, i) => `/${i}`)
    const client = gateway.client()
    await client.send(targets.map((target) => get(target)).join(''))
    await client.answer(200)
    expect(client.complete.map((answer) => answer.body.toString())).toEqual(targets)
  })

  it('bodies of every framing between them do not shift anything', async () => {
    gateway.backend.reset(async (exchange) => {
      if (await exchange.whole) await exchange.send(ok(`${exchange.request.target}:${exchange.request.body.toString()}`))
    })
    const client = gateway.client({ methods: ['POST', 'GET', 'POST', 'HEAD', 'DELETE', 'GET'] })
    const chunked = 'POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n'
    const bytes = [
      post('/0', 'GET / HTTP/1.1\r\n'),
      get('/1'),
      chunked,
      'HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n',
      '\r\n',
      `DELETE /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy`,
      get('/5'),
    ]
    await client.send(bytes.join(''))
    await client.answer(6)
    expect(client.complete.map((answer) => answer.body.toString())).toEqual(['/0:GET / HTTP/1.1\r\n', '/1:', '/2:abc', '', '/4:xy', '/5:'])
  })

  it('a refused request after good ones: their answers come first, then the refusal, then the end', async () => {
    const client = gateway.client()
    await client.send(`${get('/1')}${get('/2')}BAD REQUEST LINE\r\n\r\n${get('/3')}`)
    await client.end()
    expect(client.complete.map((answer) => answer.status)).toEqual([200, 200, 400])
    expect(gateway.backend.requests.map((request) => request.target)).toEqual(['/1', '/2'])
  })
})

describe('the client connection', () => {
  it('is kept over many requests', async () => {
    const client = gateway.client()
    for (let i = 1; i <= 20; i++) {
      await client.send(get(`/${i}`))
      expect((await client.answer(i)).body.toString()).toBe(`/${i}`)
    }
    expect([client.ended, connectionTokens(client.complete[0] as never)]).toEqual([null, []])
  })

  it.each(['close', 'x, close', 'CLOSE', 'keep-alive, close', ' close ,'])(
    'Connection: %s: this one is finished, then it ends',
    async (option) => {
      const client = gateway.client()
      await client.send(get('/1', `Connection: ${option}`) + get('/2'))
      expect(await client.end()).toBe('fin')
      expect(client.complete.map((answer) => answer.body.toString())).toEqual(['/1'])
      expect(connectionTokens(client.complete[0] as never)).toContain('close')
      expect(gateway.backend.requests.length).toBe(1)
    },
  )

  it('a large answer before a close is delivered whole', async () => {
    gateway.backend.reset(answerBytes(ok('x'.repeat(3_000_000))))
    const client = gateway.client()
    await client.send(get('/', 'Connection: close'))
    expect((await client.answer()).received).toBe(3_000_000)
    expect(await client.end()).toBe('fin')
  })
})

describe('an HTTP/1.0 client', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nX-T: 1\r\n\r\n'

  it('without Host gets the endpoint’s authority as Host', async () => {
    const { request } = await gateway.exchange('GET /x HTTP/1.0\r\n\r\n')
    expect([request.version, values(request, 'host')]).toEqual(['1.1', [`127.0.0.1:${gateway.backend.port}`]])
  })

  it('gets a chunked answer close-delimited', async () => {
    gateway.backend.reset(answerBytes(chunked))
    const client = gateway.client()
    await client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(await client.end()).toBe('fin')
    const answer = await client.answer()
    expect([answer.framing, answer.body.toString()]).toEqual(['close', 'abcdef'])
    expect([has(answer, 'transfer-encoding'), has(answer, 'trailer'), has(answer, 'content-length')]).toEqual([false, false, false])
  })

  it('gets a close-delimited answer close-delimited', async () => {
    gateway.backend.reset(answerBytes('HTTP/1.0 200 OK\r\n\r\nabc', 'close'))
    const client = gateway.client()
    await client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(await client.end()).toBe('fin')
    expect((await client.answer()).body.toString()).toBe('abc')
  })

  it('that asks for keep-alive gets either a promise that is kept, or a close', async () => {
    const client = gateway.client()
    await client.send('GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')
    const answer = await client.answer()
    if (connectionTokens(answer).includes('keep-alive')) {
      await client.send('GET /2 HTTP/1.0\r\nHost: a\r\n\r\n')
      await client.answer(2)
    }
    expect(await client.end()).toBe('fin')
  })

  it('that asks for keep-alive cannot be told a chunked answer’s end otherwise than by closing', async () => {
    gateway.backend.reset(answerBytes(chunked))
    const client = gateway.client()
    await client.send('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')
    expect(await client.end()).toBe('fin')
    expect((await client.answer()).body.toString()).toBe('abcdef')
  })

  it('may post a body of known length', async () => {
    const { request } = await gateway.exchange('POST /p HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello')
    expect([request.body.toString(), request.version]).toEqual(['hello', '1.1'])
  })
})

describe('the upstream connection', () => {
  it('is used again for requests of many clients', async () => {
    await gateway.backend.disconnect()
    for (let i = 0; i < 10; i++) await gateway.exchange(get(`/${i}`))
    expect(gateway.backend.connections.length).toBe(1)
  })

  it('is one per request in flight', async () => {
    await gateway.backend.disconnect()
    const held: Exchange[] = []
    gateway.backend.reset((exchange) => void held.push(exchange))
    const clients = Array.from({ length: 5 }, () => gateway.client())
    for (const client of clients) await client.send(get('/'))
    await until('five at the backend', () => held.length === 5)
    expect(gateway.backend.connections.length).toBe(5)
    for (const exchange of held) await answerOk(exchange)
    for (const client of clients) await client.answer()
  })

  it('is not used while its answer is not over', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(async (exchange) => {
      if (exchange.request.target === '/long') await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      else await answerOk(exchange)
    })
    const client = gateway.client()
    await client.send(get('/long'))
    await until('half of it', () => client.text.includes('half'))
    const other = gateway.client()
    await other.send(get('/other'))
    await other.answer()
    expect(gateway.backend.connections.length).toBe(2)
  })

  it.each([
    ['Connection: close', ok('x', 'Connection: close')],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx'],
  ])('is not used again after %s', async (_, bytes) => {
    await gateway.backend.disconnect()
    gateway.backend.reset(answerBytes(bytes))
    const client = gateway.client()
    await client.send(get('/1') + get('/2'))
    await client.answer(2)
    expect(gateway.backend.connections.length).toBe(2)
  })
})
