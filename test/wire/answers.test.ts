/** Answers of a legacy backend beyond the golden vectors: repaired or refused, re-framed, and never reused when in doubt. */
import { describe, expect, it } from 'vitest'
import { REPAIRS } from '../../src/core/model/observation.ts'
import { answerBytes, ok } from '../support/wire/backend.ts'
import { get, request as requestOf } from '../support/wire/client.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { has, value, values, type Message } from '../support/wire/message.ts'
import { byteByByte } from '../support/wire/random.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'

const gateway = useGateway()
const strict = useGateway({ config: { backends: { v1: { strict: true } } } })

const CHUNKS = '2\r\nok\r\n0\r\n\r\n'
const head = (...lines: string[]): string => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`

async function answered(bytes: string, then: 'keep' | 'close' = 'keep', method = 'GET', on = gateway): Promise<Message> {
  const raw = Buffer.from(bytes, 'latin1')
  const whole = await on.exchange(requestOf(method, '/'), answerBytes(raw, then))
  const cut = await on.exchange(requestOf(method, '/'), answerBytes(byteByByte(raw), then))
  expect([cut.answer.status, cut.answer.body]).toEqual([whole.answer.status, whole.answer.body])
  return whole.answer
}

describe('repaired', () => {
  const repairs = (): number[] => [...gateway.engine.ledger.gateway().repairs.v1]

  it.each([
    ['obs_fold', `HTTP/1.1 200 OK\r\nX: a\r\n  \t b\r\nContent-Length: 2\r\n\r\nok`, ['a b']],
    ['obs_fold', `HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n c\r\nContent-Length: 2\r\n\r\nok`, ['a b c']],
    ['space_before_colon', `HTTP/1.1 200 OK\r\nX \t: a\r\nContent-Length : 2\r\n\r\nok`, ['a']],
    ['equal_content_lengths', head('Content-Length: 2', 'X: a', 'Content-Length: 2') + 'ok', ['a']],
    ['equal_content_lengths', `${head('Content-Length: 2, 2', 'X: a')}ok`, ['a']],
    ['transfer_encoding_wins', head('Content-Length: 99', 'X: a', 'Transfer-Encoding: chunked') + CHUNKS, ['a']],
    ['bare_lf', 'HTTP/1.1 200 OK\nX: a\nContent-Length: 2\n\nok', ['a']],
    ['bare_lf', 'HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nok', ['a']],
    ['chunk_size_space', head('X: a', 'Transfer-Encoding: chunked') + '2  \r\nok\r\n0 \r\n\r\n', ['a']],
  ] as const)('%s, and counted: %j', async (kind, bytes, x) => {
    const before = repairs()
    const answer = await answered(bytes)
    expect([answer.status, answer.body.toString(), values(answer, 'x')]).toEqual([200, 'ok', x])
    expect(values(answer, 'content-length').length + values(answer, 'transfer-encoding').length).toBe(1)
    const index = REPAIRS.indexOf(kind)
    expect((repairs()[index] ?? 0) - (before[index] ?? 0)).toBe(2)
  })

  it.each([
    ['obs-fold', `HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok`],
    ['space before the colon', 'HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok'],
    ['equal Content-Lengths', head('Content-Length: 2', 'Content-Length: 2') + 'ok'],
    ['Transfer-Encoding beside Content-Length', head('Content-Length: 99', 'Transfer-Encoding: chunked') + CHUNKS],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
  ])('nothing of a strict backend: %s is 502', async (_, bytes) => {
    expect((await answered(bytes, 'keep', 'GET', strict)).status).toBe(502)
  })
})

describe('refused with 502', () => {
  it.each([
    ['differing Content-Lengths', head('Content-Length: 2', 'Content-Length: 3') + 'ok'],
    ['a list of differing Content-Lengths', head('Content-Length: 2, 3') + 'ok'],
    ['a signed Content-Length', head('Content-Length: +2') + 'ok'],
    ['a huge Content-Length', head('Content-Length: 99999999999999999999') + 'ok'],
    ['an empty Content-Length', head('Content-Length:') + 'ok'],
    ['a control byte in Content-Length', head('Content-Length: \x0b2') + 'ok'],
    ['a control byte before Content-Length’s digits, beside chunked', head('Content-Length:\x0b3', 'Transfer-Encoding: chunked') + CHUNKS],
    ['a control byte before Transfer-Encoding’s coding', head('Transfer-Encoding: \x0bchunked') + CHUNKS],
    ['a control byte after Transfer-Encoding’s coding', head('Transfer-Encoding: chunked\x7f') + CHUNKS],
    ['a control byte after Content-Length’s digits', head('Content-Length: 2\x0b') + 'ok'],
    ['Transfer-Encoding: identity', head('Transfer-Encoding: identity') + 'ok'],
    ['Transfer-Encoding: gzip, chunked', head('Transfer-Encoding: gzip, chunked') + CHUNKS],
    ['Transfer-Encoding: chunked, gzip', head('Transfer-Encoding: chunked, gzip') + CHUNKS],
    ['Transfer-Encoding: xchunked', head('Transfer-Encoding: xchunked') + CHUNKS],
    ['NUL in the head', head('X: a\0b', 'Content-Length: 2') + 'ok'],
    ['NUL in a name', head('X\0: a', 'Content-Length: 2') + 'ok'],
    ['a bare CR in a value', head('X: a\rb', 'Content-Length: 2') + 'ok'],
    ['a line without a colon', head('no colon', 'Content-Length: 2') + 'ok'],
    ['an empty name', head(': a', 'Content-Length: 2') + 'ok'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['status 000', 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a status with a letter', 'HTTP/1.1 2o0 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['another protocol', 'ICY 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['lower-case http', 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['200 header lines too many', head(...Array.from({ length: 5_000 }, (_, i) => `X${i}: y`), 'Content-Length: 2') + 'ok'],
    ['an unasked 101', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('%s, and the connection dropped', async (_, bytes) => {
    await gateway.backend.disconnect()
    const answer = await answered(bytes)
    expect([answer.status, problem(answer).code]).toEqual([502, 'upstream_malformed'])
    await until('both connections dropped', () => gateway.backend.open.length === 0)
  })

  it.each([
    ['a bad size', 'x\r\nok\r\n0\r\n\r\n'],
    ['a missing line end', '2\r\nokXX0\r\n\r\n'],
    ['a size too long', '00000000000000002\r\nok\r\n0\r\n\r\n'],
    ['a negative size', '-2\r\nok\r\n0\r\n\r\n'],
  ])('or cut: a chunked answer with %s', async (_, chunks) => {
    await gateway.backend.disconnect()
    gateway.backend.reset(answerBytes(head('Transfer-Encoding: chunked') + chunks))
    const client = gateway.client()
    await client.send(get('/'))
    await until('an end', () => client.ended !== null || client.complete.length > 0)
    if (client.complete.length > 0) expect(client.complete[0]?.status).toBe(502)
    else expect([client.ended, client.text.includes('\r\n0\r\n')]).toEqual(['rst', false])
    await until('dropped', () => gateway.backend.open.length === 0)
  })
})

describe('accepted as they are', () => {
  it.each([
    ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 200],
    ['an empty reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', 200],
    ['a reason with high bytes', 'HTTP/1.1 404 Nicht gefunden \xfc\r\nContent-Length: 2\r\n\r\nok', 404],
    ['an unknown status', 'HTTP/1.1 799 ?\r\nContent-Length: 2\r\n\r\nok', 799],
    ['a 500', 'HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nok', 500],
  ])('%s', async (_, bytes, status) => {
    const answer = await answered(bytes)
    expect([answer.status, answer.body.toString()]).toEqual([status, 'ok'])
  })

  it.each([
    ['Content_Length', `${head('Content_Length: 3')}hello`, 'close'],
    ['Content_Length beside Content-Length', `${head('Content_Length: 3', 'Content-Length: 5')}hello`, 'keep'],
    ['Transfer_Encoding', `${head('Transfer_Encoding: chunked', 'Content-Length: 5')}hello`, 'keep'],
    ['Transfer_Encoding alone', `${head('Transfer_Encoding: chunked')}hello`, 'close'],
    ['Connection naming nothing, with an underscore', `${head('Connection_: X-A', 'Content-Length: 5')}hello`, 'keep'],
  ] as const)('%s is no framing header: an underscore is no hyphen', async (_, bytes, then) => {
    const answer = await answered(bytes, then)
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hello'])
  })

  it('a body, its coding and its type are not touched', async () => {
    const body = Buffer.from([0, 1, 2, 255, 254, 13, 10, 13, 10, 48, 13, 10]).toString('latin1')
    const { answer } = await gateway.exchange(get('/'), answerBytes(ok(body, 'Content-Encoding: x-strange', 'Content-Type: a/b; c="d"')))
    expect([answer.body.toString('latin1'), value(answer, 'content-encoding'), value(answer, 'content-type')]).toEqual([
      body,
      'x-strange',
      'a/b; c="d"',
    ])
  })
})

describe('without a body', () => {
  it.each([
    ['HEAD with Content-Length', 'HEAD', head('Content-Length: 5'), 200],
    ['HEAD with chunked', 'HEAD', head('Transfer-Encoding: chunked'), 200],
    ['HEAD without framing', 'HEAD', head('X: 1'), 200],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['204 with chunked', 'GET', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', 204],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', 304],
    ['304 with Content-Length', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 304],
  ])('%s ends with its head, and the connection lives', async (_, method, bytes, status) => {
    await gateway.backend.disconnect()
    gateway.backend.reset(answerBytes(bytes))
    const client = gateway.client({ methods: [method, method] })
    await client.send(requestOf(method, '/1'))
    await client.answer(1)
    await client.send(requestOf(method, '/2'))
    await client.answer(2)
    expect(client.complete.map((answer) => [answer.status, answer.received])).toEqual([
      [status, 0],
      [status, 0],
    ])
    expect(gateway.backend.connections.length).toBe(1)
  })

  it.each([
    ['HEAD', 'HEAD', `${head('Content-Length: 5')}hello`],
    ['HEAD, chunked', 'HEAD', `${head('Transfer-Encoding: chunked')}${CHUNKS}`],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\nhello'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello'],
    ['a complete answer', 'GET', `${ok('x')}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`],
    ['a complete chunked answer', 'GET', `${head('Transfer-Encoding: chunked')}${CHUNKS}HTTP/1.1 200 OK\r\n\r\npoison`],
  ])('bytes after %s reach nobody, and that connection is never used again', async (_, method, bytes) => {
    for (const pieces of [[Buffer.from(bytes)], byteByByte(Buffer.from(bytes))]) {
      await gateway.backend.disconnect()
      const used: number[] = []
      gateway.backend.reset(async (exchange) => {
        if (!(await exchange.whole)) return
        await exchange.send(exchange.request.target === '/first' ? pieces : ok('fine'))
        used.push(exchange.connection.id)
      })
      const client = gateway.client({ methods: [method, 'GET'] })
      await client.send(requestOf(method, '/first'))
      await client.answer(1)
      await until('all of it sent', () => used.length === 1)
      for (let i = 0; i < 3; i++) await turnOfLoop()
      await client.send(get('/second'))
      expect((await client.answer(2)).body.toString()).toBe('fine')
      expect(new Set(used).size).toBe(2)
      expect(gateway.backend.connections[0]?.ended).not.toBeNull()
      expect([client.complete.length, client.text.includes('poison')]).toEqual([2, false])
    }
  })
})

describe('close-delimited', () => {
  it.each(['HTTP/1.1', 'HTTP/1.0'])('an answer of %s is re-framed as chunked for a 1.1 client, whose connection lives', async (version) => {
    gateway.backend.reset(answerBytes(`${version} 200 OK\r\nX: 1\r\n\r\nbody bytes`, 'close'))
    const client = gateway.client()
    await client.send(get('/1') + get('/2'))
    await client.answer(2)
    for (const answer of client.complete) expect([answer.body.toString(), value(answer, 'x')]).toEqual(['body bytes', '1'])
    expect(client.complete.map((answer) => answer.framing)).not.toContain('close')
  })

  it('an empty one is an empty answer', async () => {
    expect((await answered('HTTP/1.1 200 OK\r\n\r\n', 'close')).received).toBe(0)
  })

  it('one that ends with RST is cut for a 1.0 client too: RST, never FIN', async () => {
    gateway.backend.reset(answerBytes('HTTP/1.1 200 OK\r\n\r\nhalf of it', 'rst'))
    const client = gateway.client()
    await client.send('GET / HTTP/1.0\r\n\r\n')
    await client.end()
    if (client.answers[0]?.status === 502) return
    expect([client.ended, client.complete.length]).toEqual(['rst', 0])
  })

  it('no connection header of 1.0 survives', async () => {
    const answer = await answered('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: x\r\nContent-Length: 2\r\n\r\nok')
    expect([answer.body.toString(), has(answer, 'keep-alive')]).toEqual(['ok', false])
  })
})
