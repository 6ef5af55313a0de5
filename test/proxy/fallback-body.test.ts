/** What happens to a request's body when its backend fails: sent again whole and unchanged, or not at all. */
import { describe, expect, it } from 'vitest'
import { answerOk, reset, type Script } from '../support/wire/backend.ts'
import { get, post, request } from '../support/wire/client.ts'
import { value } from '../support/wire/message.ts'
import { createRandom, randomBody } from '../support/wire/random.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'
import { hang, status } from '../support/proxy/scripts.ts'
import { COMPLETE, stages } from '../support/proxy/stage.ts'
import { frozen } from '../support/proxy/frozen.ts'
import { resolved } from '../support/wire/config.ts'

const open = stages()
const HOLD = 65_536

const resetWhenWhole: Script = async (exchange) => {
  if (await exchange.whole) await reset(exchange)
}

function withBody(method: string, body: Buffer, ...lines: string[]): Buffer {
  return Buffer.concat([Buffer.from(request(method, '/body', [...lines, `Content-Length: ${body.length}`])), body])
}

/** Chunks of odd sizes, an extension that must not travel, and a trailer that must. */
function chunked(body: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from(request('GET', '/body', ['Transfer-Encoding: chunked', 'Trailer: X-Sum']))]
  for (let at = 0; at < body.length; at += 9_973) {
    const chunk = body.subarray(at, at + 9_973)
    parts.push(Buffer.from(`${chunk.length.toString(16)};ext=1\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\nX-Sum: 42\r\n\r\n')])
}

describe('a safe request with a body', () => {
  it.each([1, 1_000, HOLD - 1, HOLD])('of %i bytes, all held, is sent to v1 byte for byte', async (size) => {
    const stage = await open({ v2: resetWhenWhole, word: COMPLETE })
    const body = randomBody(createRandom(size), size)
    const client = stage.client()
    await client.send(withBody('GET', body))
    expect((await client.answer()).body.toString()).toBe(`v1 GET /body ${size}`)
    expect(stage.v1.complete[0]?.body.equals(body)).toBe(true)
    expect(stage.v2.complete[0]?.body.equals(body)).toBe(true)
  })

  it('in chunks keeps its bytes and its trailers', async () => {
    const stage = await open({ v2: resetWhenWhole, word: COMPLETE })
    const body = randomBody(createRandom(7), 50_000)
    const client = stage.client()
    await client.send(chunked(body))
    expect((await client.answer()).status).toBe(200)
    const [first, second] = [stage.v2.complete[0], stage.v1.complete[0]]
    expect(first?.body.equals(body)).toBe(true)
    expect(second?.body.equals(body)).toBe(true)
    expect(second?.trailers).toEqual([['X-Sum', '42']])
    expect(second?.headers).toEqual(first?.headers)
  })

  it('is sent to v1 when v2 answers with a listed status', async () => {
    const stage = await open({ v2: status(503), word: COMPLETE })
    const body = randomBody(createRandom(9), 20_000)
    const client = stage.client()
    await client.send(withBody('GET', body))
    expect((await client.answer()).body.toString()).toBe('v1 GET /body 20000')
    expect(stage.v1.complete[0]?.body.equals(body)).toBe(true)
  })

  it('is sent to v1 when the body streams on while v2 has reset', async () => {
    const stage = await open({
      v2: (exchange) => void until('some of it came', () => exchange.request.received > 0).then(() => exchange.rst()),
      word: COMPLETE,
    })
    const client = stage.client()
    await client.send(request('GET', '/body', ['Content-Length: 10']) + 'first')
    await until('v1 got the beginning', () => stage.v1.requests[0]?.received === 5)
    await client.send('last5')
    expect((await client.answer()).body.toString()).toBe('v1 GET /body 10')
    expect(stage.v1.complete[0]?.body.toString()).toBe('firstlast5')
  })

  it('larger than may be held is not sent again', async () => {
    const stage = await open({ v2: resetWhenWhole, word: COMPLETE })
    const client = stage.client()
    await client.send(withBody('GET', Buffer.alloc(HOLD + 1)))
    expect((await client.answer()).status).toBe(502)
    expect(stage.v1.requests).toHaveLength(0)
  })

  it('of which nothing may be held is not sent again', async () => {
    const stage = await open({ v2: resetWhenWhole, word: COMPLETE, config: { limits: { holdBytes: 0 } } })
    const client = stage.client()
    await client.send(withBody('GET', Buffer.alloc(100)))
    expect((await client.answer()).status).toBe(502)
    expect(stage.v1.requests).toHaveLength(0)
    // Without a body there is nothing to hold.
    expect((await stage.ask(get('/'))).status).toBe(200)
  })
})

describe('a reused connection that turns out dead', () => {
  /** Answers the first request; the second dies without a byte. */
  const deadAfterOne: Script = async (exchange) => {
    if (!(await exchange.whole)) return
    if (exchange.connection.reader.messages.length > 1) await reset(exchange)
    else await answerOk(exchange)
  }

  it.each(['GET', 'PUT', 'DELETE'])('is replaced once, with the whole body, for %s', async (method) => {
    const stage = await open({ v1: deadAfterOne })
    const body = randomBody(createRandom(3), 10_000)
    await stage.ask(get('/warm'))
    const client = stage.client()
    await client.send(withBody(method, body))
    expect((await client.answer()).status).toBe(200)
    const seen = stage.v1.complete.filter((one) => one.target === '/body')
    expect(seen.map((one) => one.body.equals(body))).toEqual([true, true])
    expect(stage.counter('retries')).toBe(1)
    expect(stage.counted('v1')).toEqual({ '2xx': 2 })
  })

  it('is not replaced for a POST: it was seen once, and the client is told', async () => {
    const stage = await open({ v1: deadAfterOne })
    await stage.ask(get('/warm'))
    const answer = await stage.ask(post('/p', 'body', 'x-once: p'))
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'upstream_reset' })
    expect(stage.counter('retries')).toBe(0)
  })

  it('is replaced at most once', async () => {
    const stage = await open({
      v1: async (exchange) => {
        if (!(await exchange.whole)) return
        if (exchange.index === 0) await answerOk(exchange)
        else await reset(exchange)
      },
    })
    await stage.ask(get('/warm'))
    expect((await stage.ask(get('/x'))).status).toBe(502)
    expect(stage.v1.requests.filter((one) => one.target === '/x')).toHaveLength(2)
  })

  it('a POST whose pooled connection is being closed goes out on a fresh one', async () => {
    const stage = await open()
    const client = stage.client()
    for (let i = 0; i < 10; i++) {
      await client.send(get('/warm'))
      await client.answer(2 * i + 1)
      const idle = stage.v1.open
      await turnOfLoop()
      // Both in one turn of the loop: the request is read first, the FIN right behind it.
      client.socket.write(post(`/p${i}`, 'body', `x-once: ${i}`))
      for (const connection of idle) connection.socket.destroy()
      const answer = await client.answer(2 * i + 2)
      expect([answer.status, value(answer, 'x-banyan-backend')]).toEqual([200, 'v1'])
    }
    expect(stage.counted('v1')).toEqual({ '2xx': 20 })
  })
})

describe('a backend that does not take the body', () => {
  it('is the one blamed, not the client', async () => {
    const stuck = await frozen()
    try {
      const stage = await open({
        endpoints: { v2: resolved([stuck.port], 10) },
        word: COMPLETE,
        route: { timeouts: { idleMs: 300 } },
      })
      const client = stage.client()
      void client.send(Buffer.concat([Buffer.from(request('POST', '/up', ['Content-Length: 20000000'])), Buffer.alloc(20_000_000)]))
      const answer = await client.answer()
      expect(answer.status).toBe(504)
      expect(stage.counted('v2')).toEqual({ timeout: 1 })
    } finally {
      await stuck.close()
    }
  })

  it('and a client that stops sending is told so', async () => {
    const stage = await open({ v1: hang, route: { timeouts: { idleMs: 200 } } })
    const client = stage.client()
    await client.send(request('POST', '/up', ['Content-Length: 10']) + 'abc')
    expect((await client.answer()).status).toBe(408)
    expect(stage.counted('v1')).toEqual({ aborted: 1 })
  })
})
