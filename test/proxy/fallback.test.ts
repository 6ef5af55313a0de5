import { describe, expect, it } from 'vitest'
import { answerBytes, ok, reset } from '../support/wire/backend.ts'
import { get, post, request } from '../support/wire/client.ts'
import { value } from '../support/wire/message.ts'
import { resolved } from '../support/wire/config.ts'
import { until } from '../support/wire/until.ts'
import { hungConnect } from '../support/proxy/frozen.ts'
import { hang, inTurn, status } from '../support/proxy/scripts.ts'
import { COMPLETE, stages } from '../support/proxy/stage.ts'
import type { Script } from '../support/wire/backend.ts'

const open = stages()

/** Reads the request and cuts the connection with RST before a byte of the answer. */
const resetFirst: Script = async (exchange) => {
  await exchange.whole
  await reset(exchange)
}

const finFirst: Script = async (exchange) => {
  await exchange.whole
  exchange.fin()
}

/** A partial head that promises more, then the end. */
const partialHead: Script = async (exchange) => {
  await exchange.whole
  await exchange.send('HTTP/1.1 200 OK\r\nContent-Le')
  await reset(exchange)
}

const FAILURES: readonly (readonly [name: string, v2: Script | 'refuses', outcome: string])[] = [
  ['refuses', 'refuses', 'refused'],
  ['resets before its answer', resetFirst, 'reset'],
  ['closes before its answer', finFirst, 'reset'],
  ['resets inside its head', partialHead, 'reset'],
  ['answers what is no HTTP', answerBytes('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc'), 'malformed'],
  [
    'answers an unasked 101',
    answerBytes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
    'malformed',
  ],
  ['answers a head and dies with it', answerBytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'), 'malformed'],
  ['answers 502', status(502), '5xx'],
  ['answers 503', status(503), '5xx'],
  ['answers 504 without a body', answerBytes('HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n'), '5xx'],
]

describe('when v2 fails, v1 answers a GET', () => {
  it.each(FAILURES)('that v2 %s', async (_name, v2, outcome) => {
    const stage = await open({ v2, word: COMPLETE })
    for (let i = 0; i < 3; i++) {
      const answer = await stage.ask(get('/a?b=1', 'X-User-Id: alice'))
      expect(answer.status).toBe(200)
      expect(answer.body.toString()).toBe('v1 GET /a?b=1 0')
      expect(value(answer, 'x-banyan-backend')).toBe('v1')
      expect(value(answer, 'x-api-version')).toBe('v1')
    }
    // Counted once as v2's failure, and v1's answer in a lane that is no baseline.
    expect(stage.counted('v2')).toEqual({ [outcome]: 3 })
    expect(stage.counted('fallback')).toEqual({ '2xx': 3 })
    expect(stage.counted('v1')).toEqual({})
    expect(stage.counter('fallbacks')).toBe(3)
  })

  it('that v2 does not answer within fallback.after', async () => {
    const stage = await open({ v2: hang, word: COMPLETE, route: { fallback: { afterMs: 150 } } })
    const answer = await stage.ask(get('/slow'))
    expect(answer.body.toString()).toBe('v1 GET /slow 0')
    expect(stage.counted('v2')).toEqual({ timeout: 1 })
    expect(stage.counted('fallback')).toEqual({ '2xx': 1 })
  })

  it('to whose endpoint a connect hangs', async () => {
    const hung = await hungConnect()
    try {
      const stage = await open({
        endpoints: { v2: resolved([hung.port], 10) },
        word: COMPLETE,
        route: { timeouts: { connectMs: 200 } },
      })
      expect((await stage.ask(get('/h'))).body.toString()).toBe('v1 GET /h 0')
      expect(stage.counted('v2')).toEqual({ timeout: 1 })
      expect(stage.counted('fallback')).toEqual({ '2xx': 1 })
      // Nothing can have reached v2: a POST may go to v1 as well.
      expect((await stage.ask(post('/p', 'body', 'x-once: p'))).body.toString()).toBe('v1 POST /p 4')
      expect(stage.v1.requests.filter((one) => one.method === 'POST')).toHaveLength(1)
    } finally {
      await hung.close()
    }
  })

  it('that is a HEAD or an OPTIONS', async () => {
    const stage = await open({ v2: resetFirst, word: COMPLETE })
    expect((await stage.ask(request('HEAD', '/x'))).status).toBe(200)
    expect((await stage.ask(request('OPTIONS', '/x'))).body.toString()).toBe('v1 OPTIONS /x 0')
    expect(stage.counted('fallback')).toEqual({ '2xx': 2 })
  })

  it('when a status is listed that is no failure (read fallback)', async () => {
    const stage = await open({ v2: status(404), word: COMPLETE, route: { fallback: { statuses: [404] } } })
    expect((await stage.ask(get('/x'))).body.toString()).toBe('v1 GET /x 0')
    expect(stage.counted('v2')).toEqual({ '4xx': 1 })
  })
})

describe('v1 does not answer', () => {
  it('what v2 answered with a status that is not listed', async () => {
    const stage = await open({ v2: status(500, 'v2 broke'), word: COMPLETE })
    const answer = await stage.ask(get('/x'))
    expect(answer.status).toBe(500)
    expect(answer.body.toString()).toBe('v2 broke')
    expect(value(answer, 'x-banyan-backend')).toBe('v2')
    expect(stage.v1.requests).toHaveLength(0)
    expect(stage.counted('v2')).toEqual({ '5xx': 1 })
  })

  it.each([
    ['refuses', 'refuses' as const, 502],
    ['resets', resetFirst, 502],
  ])('when fallback is off and v2 %s', async (_name, v2, code) => {
    const stage = await open({ v2, word: COMPLETE, route: { fallback: { connect: false, timeout: false, statuses: [] } } })
    const answer = await stage.ask(get('/x'))
    expect(answer.status).toBe(code)
    expect(value(answer, 'x-banyan-backend')).toBe('v2')
    expect(stage.v1.requests).toHaveLength(0)
    expect(stage.counter('fallbacks')).toBe(0)
  })

  it('when part of v2’s answer has been passed on: the client sees the cut', async () => {
    const stage = await open({
      word: COMPLETE,
      v2: async (exchange) => {
        await exchange.whole
        await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
        await until('half has been passed on', () => client.received > 0)
        await reset(exchange)
      },
    })
    const client = stage.client()
    await client.send(get('/x'))
    expect(await client.end()).toBe('rst')
    expect(client.complete).toHaveLength(0)
    expect(stage.v1.requests).toHaveLength(0)
    expect(stage.counted('v2')).toEqual({ reset: 1 })
  })
})

describe('both backends fail', () => {
  it.each([
    ['with its length', status(503, 'v2 is sorry', 'X-From: v2')],
    ['in chunks', answerBytes('HTTP/1.1 503 Some Reason\r\nX-From: v2\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nv2 is sorry\r\n0\r\n\r\n')],
    ['until it closes', answerBytes('HTTP/1.1 503 Some Reason\r\nX-From: v2\r\n\r\nv2 is sorry', 'close')],
    [
      'in pieces',
      answerBytes([Buffer.from('HTTP/1.1 503 Some Reason\r\nX-From: v2\r\nContent-Length: 11\r\n\r\nv2 is'), Buffer.from(' sorry')]),
    ],
  ])('v2’s complete answer %s is delivered', async (_name, v2) => {
    const stage = await open({ v2, v1: resetFirst, word: COMPLETE })
    const answer = await stage.ask(get('/x'))
    expect(answer.status).toBe(503)
    expect(answer.start).toBe('HTTP/1.1 503 Some Reason')
    expect(answer.body.toString()).toBe('v2 is sorry')
    expect(value(answer, 'x-from')).toBe('v2')
    expect(value(answer, 'x-banyan-backend')).toBe('v2')
    expect(stage.counted('v2')).toEqual({ '5xx': 1 })
    expect(stage.counted('fallback')).toEqual({ reset: 1 })
  })

  it('v2’s answer to HEAD keeps the length it told, and the connection goes on', async () => {
    const stage = await open({ v2: answerBytes('HTTP/1.1 503 No\r\nContent-Length: 77\r\n\r\n'), v1: resetFirst, word: COMPLETE })
    const client = stage.client({ methods: ['HEAD', 'HEAD'] })
    await client.send(request('HEAD', '/x') + request('HEAD', '/y'))
    const answer = await client.answer(2)
    expect(answer.status).toBe(503)
    expect(answer.declared).toBe(77)
  })

  it('an empty answer of v2 is an answer', async () => {
    const stage = await open({ v2: answerBytes('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'), v1: resetFirst, word: COMPLETE })
    const answer = await stage.ask(get('/x'))
    expect([answer.status, answer.declared, value(answer, 'x-banyan-backend')]).toEqual([503, 0, 'v2'])
  })

  it('v1’s error is told when v2 has no complete answer', async () => {
    const stage = await open({ v2: 'refuses', v1: resetFirst, word: COMPLETE })
    const answer = await stage.ask(get('/x'))
    expect(answer.status).toBe(502)
    expect(value(answer, 'x-banyan-backend')).toBe('v1')
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'upstream_reset' })
  })

  it('v1’s error is told when v2’s answer was larger than may be held', async () => {
    const stage = await open({
      v2: status(503, 'x'.repeat(5_000)),
      v1: resetFirst,
      word: COMPLETE,
      config: { limits: { holdBytes: 4_096 } },
    })
    expect((await stage.ask(get('/x'))).status).toBe(502)
  })

  it('what is held of v2’s answer is counted as memory, and let go', async () => {
    const stage = await open({ v2: status(503, 'x'.repeat(5_000)), v1: hang, word: COMPLETE })
    const client = stage.client()
    await client.send(get('/x'))
    await until('held', () => stage.ctx.heldBytes === 5_000)
    client.rst()
    await until('let go', () => stage.ctx.heldBytes === 0)
  })

  it('v1’s own error answer stands when it has one', async () => {
    const stage = await open({ v2: status(503), v1: status(500, 'v1 too'), word: COMPLETE })
    const answer = await stage.ask(get('/x'))
    expect([answer.status, answer.body.toString(), value(answer, 'x-banyan-backend')]).toEqual([500, 'v1 too', 'v1'])
  })

  it('v2’s connection is used again after its listed answer', async () => {
    const stage = await open({ v2: inTurn(status(503, 'v2 is sorry')), word: COMPLETE })
    for (let i = 0; i < 4; i++) expect((await stage.ask(get('/x'))).status).toBe(200)
    expect(stage.v2.requests).toHaveLength(4)
    expect(stage.v2.connections).toHaveLength(1)
  })

  it('v2’s answer that never ends is left when v1 has answered', async () => {
    const stage = await open({ v2: async (exchange) => exchange.send('HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nhalf'), word: COMPLETE })
    expect((await stage.ask(get('/x'))).body.toString()).toBe('v1 GET /x 0')
    await until('v2’s connection ended', () => stage.v2.open.length === 0)
  })
})

describe('a write', () => {
  it.each([
    ['resets before its answer', resetFirst, 502],
    ['resets inside its head', partialHead, 502],
    ['answers 503', status(503), 503],
    ['answers nonsense', answerBytes('nonsense\r\n\r\n'), 502],
  ])('is never repeated: v2 %s', async (_name, v2, code) => {
    const stage = await open({ v2, word: COMPLETE })
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'BREW']) {
      const answer = await stage.ask(`${request(method, `/${method}`, [`x-once: ${method}`, 'Content-Length: 4'])}body`)
      expect(answer.status).toBe(code)
      expect(value(answer, 'x-banyan-backend')).toBe('v2')
    }
    expect(stage.v2.requests).toHaveLength(5)
    expect(stage.v1.requests).toHaveLength(0)
  })

  it('is not repeated when v2 does not answer in time', async () => {
    const stage = await open({ v2: hang, word: COMPLETE, route: { timeouts: { firstByteMs: 250 }, fallback: { afterMs: 100 } } })
    const answer = await stage.ask(post('/p', 'body', 'x-once: p'))
    expect(answer.status).toBe(504)
    expect(stage.v1.requests).toHaveLength(0)
  })

  it('goes to v1 when connecting to v2 failed', async () => {
    const stage = await open({ v2: 'refuses', word: COMPLETE })
    const answer = await stage.ask(post('/p', 'a body', 'x-once: p'))
    expect(answer.body.toString()).toBe('v1 POST /p 6')
    expect(stage.counted('v2')).toEqual({ refused: 1 })
    expect(stage.counted('fallback')).toEqual({ '2xx': 1 })
  })

  it('goes to v1 whole when its body was still streaming while connecting failed', async () => {
    const hung = await hungConnect()
    try {
      const stage = await open({ endpoints: { v2: resolved([hung.port], 10) }, word: COMPLETE, route: { timeouts: { connectMs: 200 } } })
      const client = stage.client()
      const body = 'x'.repeat(300_000)
      await client.send(request('POST', '/big', ['x-once: big', `Content-Length: ${body.length}`]) + body)
      expect((await client.answer()).body.toString()).toBe(`v1 POST /big ${body.length}`)
      expect(stage.v1.complete[0]?.body.toString()).toBe(body)
    } finally {
      await hung.close()
    }
  })
})

describe('ok', () => {
  it('without a failure nothing falls back', async () => {
    const stage = await open({ word: COMPLETE, v2: answerBytes(ok('fine')) })
    expect(value(await stage.ask(get('/')), 'x-banyan-backend')).toBe('v2')
    expect(stage.v1.requests).toHaveLength(0)
    expect(stage.counted('v2')).toEqual({ '2xx': 1 })
  })
})
