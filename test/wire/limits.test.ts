/** Size limits: each with its status, at its edge, and before anything is forwarded where that is possible. */
import { describe, expect, it } from 'vitest'
import { ok } from '../support/wire/backend.ts'
import { get, post } from '../support/wire/client.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { connectionTokens } from '../support/wire/message.ts'
import { byteByByte } from '../support/wire/random.ts'
import { until } from '../support/wire/until.ts'

const small = useGateway({ config: { limits: { requestLineBytes: 100, headBytes: 1_000, lines: 10, bodyBytes: 1_000 } } })

/** A GET whose request line has exactly this many bytes, without its CRLF. */
const lineOf = (bytes: number): string => get(`/${'a'.repeat(bytes - 'GET / HTTP/1.1'.length)}`)
/** A GET whose head is about this large. */
const headOf = (bytes: number): string => get('/', `X: ${'y'.repeat(bytes - 40)}`)
const linesOf = (count: number): string => get('/', ...Array.from({ length: count - 1 }, (_, i) => `X${i}: y`))

describe('the head', () => {
  it.each([
    ['a request line well over its limit is 414', lineOf(150), 414],
    ['a request line one byte over is 414', lineOf(101), 414],
    ['a head well over its limit is 431', headOf(1_100), 431],
    ['a line too many is 431', linesOf(11), 431],
    ['many lines too many is 431', linesOf(60), 431],
  ])('%s, whole or byte by byte', async (_, bytes, status) => {
    for (const pieces of [[Buffer.from(bytes)], byteByByte(Buffer.from(bytes))]) {
      const client = small.client()
      await client.send(pieces)
      expect(await client.end()).toBe('fin')
      const [answer] = client.complete
      expect([answer?.status, answer && connectionTokens(answer)]).toEqual([status, ['close']])
      expect(small.backend.requests).toEqual([])
    }
  })

  it.each([
    ['a request line of exactly its limit', lineOf(100)],
    ['a head within its limit', headOf(900)],
    ['as many lines as allowed', linesOf(10)],
  ])('%s passes, whole or byte by byte', async (_, bytes) => {
    for (const pieces of [[Buffer.from(bytes)], byteByByte(Buffer.from(bytes))]) {
      const client = small.client()
      await client.send(pieces)
      expect((await client.answer()).status).toBe(200)
    }
  })

  it('without an end is refused as soon as it is too long, not when it ends', async () => {
    const client = small.client()
    await client.send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(5_000)}`)
    expect(await client.end()).toBe('fin')
    expect(client.complete.map((answer) => answer.status)).toEqual([431])
  })
})

describe('the body', () => {
  it('of known length is refused before anything is forwarded', async () => {
    await small.backend.disconnect()
    small.engine.dials.clear()
    const { answer } = await small.refusal('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n')
    expect([answer.status, problem(answer).code, connectionTokens(answer)]).toEqual([413, 'body_too_large', ['close']])
    expect(small.engine.dials.targets.filter((to) => to.endsWith(`:${small.backend.port}`))).toEqual([])
  })

  it('of exactly the limit passes', async () => {
    const { request } = await small.exchange(post('/', 'x'.repeat(1_000)))
    expect(request.received).toBe(1_000)
  })

  it.each(['whole', 'in chunks'])('of unknown length is refused when it passes the limit (%s)', async (how) => {
    const client = small.client()
    const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
    const pieces = ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', chunk, chunk, chunk, '0\r\n\r\n']
    await client.send(how === 'whole' ? pieces.join('') : pieces.map((piece) => Buffer.from(piece)))
    expect(await client.end()).toBe('fin')
    expect(client.complete.map((answer) => answer.status)).toEqual([413])
    await until('no request left open at the backend', () => small.backend.requests.every((one) => !one.complete))
  })

  it('of unknown length and exactly the limit passes', async () => {
    const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
    const { request } = await small.exchange(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`)
    expect(request.received).toBe(1_000)
  })

  it('that goes past the limit after the answer began: the answer is cut or closed, never followed by another', async () => {
    small.backend.reset(async (exchange) => {
      await exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n')
    })
    const client = small.client()
    await client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
    await until('the first bytes of the answer', () => client.text.includes('hi'))
    await client.send(`7d0\r\n${'x'.repeat(2_000)}\r\n0\r\n\r\n`)
    await client.end()
    expect(client.complete).toEqual([])
    expect(client.answers.map((answer) => answer.status)).toEqual([200])
  })
})

describe('a route of its own', () => {
  const routes = useGateway({
    routes: [
      { name: 'up', match: { path: '/up/**' }, bodyBytes: 10 },
      { name: 'api', match: { path: '/api/**' } },
    ],
  })

  it('has a body limit of its own', async () => {
    const { answer } = await routes.refusal(post('/up/x', 'x'.repeat(11)))
    expect(answer.status).toBe(413)
    expect((await routes.exchange(post('/up/x', 'x'.repeat(10)))).answer.status).toBe(200)
    expect((await routes.exchange(post('/api/x', 'x'.repeat(1_000)))).answer.status).toBe(200)
  })

  it('a path of no route is 404, and the connection goes on', async () => {
    const client = routes.client({ methods: ['GET', 'HEAD', 'GET'] })
    await client.send(`${get('/other')}HEAD /other HTTP/1.1\r\nHost: a\r\n\r\n${get('/api/x')}`)
    await client.answer(3)
    expect(client.complete.map((answer) => answer.status)).toEqual([404, 404, 200])
    expect(problem(client.complete[0] as never)).toMatchObject({ status: 404, code: 'no_route' })
    expect(client.complete[1]?.received).toBe(0)
  })

  it('a body sent to no route is read past, or the connection closed: never taken for a request', async () => {
    const client = routes.client()
    await client.send(post('/other', get('/api/smuggled')) + get('/api/after'))
    await until('an end', () => client.ended !== null || client.complete.length === 2)
    expect(client.complete[0]?.status).toBe(404)
    expect(routes.backend.requests.map((request) => request.target)).not.toContain('/api/smuggled')
  })
})

describe('the gateway’s own answers', () => {
  it('say what went wrong as problem+json with a stable code', async () => {
    const { answer } = await small.refusal(lineOf(200))
    expect(problem(answer)).toMatchObject({ status: 414, code: 'uri_too_long', title: expect.any(String) })
  })

  it('count: one refusal, one rejection', async () => {
    const before = [...small.engine.ledger.gateway().rejections]
    await small.refusal(linesOf(20))
    const after = [...small.engine.ledger.gateway().rejections]
    expect(after.reduce((sum, n, i) => sum + n - (before[i] ?? 0), 0)).toBe(1)
  })

  it('a response head too large is the backend’s fault: 502', async () => {
    const { answer } = await small.exchange(get('/'), async (exchange) => exchange.send(ok('x', `X: ${'y'.repeat(100_000)}`)))
    expect(answer.status).toBe(502)
  })
})
