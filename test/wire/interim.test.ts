/** 1xx answers and Expect: passed on, never made up, and bounded. */
import { describe, expect, it } from 'vitest'
import { answerBytes, ok, type Script } from '../support/wire/backend.ts'
import { get, post } from '../support/wire/client.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { has, value, values } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'

const gateway = useGateway()
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

describe('interim answers of a backend', () => {
  it('pass in order, with their headers minus hop-by-hop ones', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Gone\r\nX-Gone: 1\r\nLink: </b>\r\n\r\n'
    gateway.backend.reset(answerBytes(`HTTP/1.1 102 Processing\r\n\r\n${hints}${ok('done')}`))
    const client = gateway.client()
    await client.send(get('/'))
    const answer = await client.answer()
    expect(client.interim.map((one) => one.status)).toEqual([102, 103])
    expect(values(client.interim[1] ?? answer, 'link')).toEqual(['</a>', '</b>'])
    expect(has(client.interim[1] ?? answer, 'x-gone')).toBe(false)
    expect([answer.status, answer.body.toString()]).toEqual([200, 'done'])
  })

  it('pass at once, not together with the final answer', async () => {
    const client = gateway.client()
    gateway.backend.reset(async (exchange) => {
      await exchange.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
      await until('the hint at the client', () => client.interim.length === 1)
      await exchange.send(ok('late'))
    })
    await client.send(get('/'))
    expect((await client.answer()).body.toString()).toBe('late')
  })

  it('never reach an HTTP/1.0 client', async () => {
    gateway.backend.reset(answerBytes(`${CONTINUE}HTTP/1.1 103 Early Hints\r\n\r\n${ok('done')}`))
    const client = gateway.client()
    await client.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect((await client.answer()).body.toString()).toBe('done')
    expect(client.interim).toEqual([])
  })

  it('a connection that gave some is used again', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(answerBytes(`HTTP/1.1 103 Early Hints\r\n\r\n${ok('x')}`))
    const client = gateway.client()
    await client.send(get('/1') + get('/2'))
    await client.answer(2)
    expect(gateway.backend.connections.length).toBe(1)
  })

  it('20 times 100 pass, one more is 502', async () => {
    gateway.backend.reset(answerBytes(CONTINUE.repeat(20) + ok('x')))
    expect((await gateway.exchange(get('/'), answerBytes(CONTINUE.repeat(20) + ok('x')))).answer.status).toBe(200)
    const { answer } = await gateway.exchange(get('/'), answerBytes(CONTINUE.repeat(21) + ok('x')))
    expect(answer.status).toBe(502)
  })

  it('others pass up to 64 KiB together, more is 502', async () => {
    const hint = `HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(968)}\r\n\r\n`
    const some = await gateway.exchange(get('/'), answerBytes(hint.repeat(50) + ok('x')))
    expect(some.answer.status).toBe(200)
    const many = await gateway.exchange(get('/'), answerBytes(hint.repeat(80) + ok('x')))
    expect(many.answer.status).toBe(502)
  })

  it('one that promises a body has none', async () => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(`HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${ok('done')}`))
    expect([200, 502]).toContain(answer.status)
    if (answer.status === 200) expect(answer.body.toString()).toBe('done')
  })

  it('without a final answer are a cut, not an answer', async () => {
    gateway.backend.reset(answerBytes('HTTP/1.1 103 Early Hints\r\n\r\n', 'close'))
    const client = gateway.client()
    await client.send(get('/'))
    expect((await client.answer()).status).toBe(502)
  })
})

describe('Expect: 100-continue', () => {
  const half = 'POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'

  it('is forwarded, and the body waits for the backend, not for us', async () => {
    const client = gateway.client()
    gateway.backend.reset(async (exchange) => {
      // Nothing but the head has been sent; whatever the client has seen until now was made up.
      expect([value(exchange.request, 'expect'), client.received, exchange.request.received]).toEqual(['100-continue', 0, 0])
      await exchange.send(CONTINUE)
      if (await exchange.whole) await exchange.send(ok(exchange.request.body.toString()))
    })
    await client.send(half)
    await until('100 at the client', () => client.interim.length === 1)
    await client.send('hello')
    expect((await client.answer()).body.toString()).toBe('hello')
    expect(client.interim.map((one) => one.status)).toEqual([100])
  })

  it('a backend that never says 100: none is made up, the body goes through', async () => {
    gateway.backend.reset(async (exchange) => {
      if (await exchange.whole) await exchange.send(ok('fine'))
    })
    const client = gateway.client()
    await client.send(half)
    await until('the head at the backend', () => gateway.backend.requests.length === 1)
    await client.send('hello')
    expect((await client.answer()).body.toString()).toBe('fine')
    expect(client.interim).toEqual([])
  })

  const refuse: Script = async (exchange) => {
    await exchange.send('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  }

  it('a final status before the body drops the upstream connection', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(refuse)
    const client = gateway.client()
    await client.send(half)
    const answer = await client.answer()
    expect([answer.status, answer.body.toString()]).toEqual([413, 'no'])
    await until('the upstream connection dropped', () => gateway.backend.connections[0]?.ended !== null)
    const { request } = await gateway.exchange(get('/next'))
    expect(request.target).toBe('/next')
    expect(gateway.backend.faults).toEqual([])
  })

  it('after a final status a body sent nevertheless is never read as a request', async () => {
    gateway.backend.reset(refuse)
    const client = gateway.client()
    await client.send(half)
    await client.answer()
    await client.send(get('/smuggled'))
    await client.end()
    expect(gateway.backend.requests.map((request) => request.target)).toEqual(['/p'])
    expect(client.complete.length).toBe(1)
  })

  it('of an HTTP/1.0 client is ignored', async () => {
    gateway.backend.reset(answerBytes(CONTINUE + ok('x')))
    const client = gateway.client()
    await client.send('POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi')
    expect((await client.answer()).status).toBe(200)
    expect(client.interim).toEqual([])
  })

  it.each(['100-Continue', '100-CONTINUE'])('%s is the same', async (written) => {
    const { request } = await gateway.exchange(post('/', 'hi', `Expect: ${written}`), answerBytes(CONTINUE + ok('x')))
    expect(request.body.toString()).toBe('hi')
  })

  it.each(['200-maybe', '100-continue, x', 'x', ''])('anything else (%s) is 417', async (expectation) => {
    const client = gateway.client()
    await client.send(post('/', 'hello', `Expect: ${expectation}`))
    const answer = await client.answer()
    expect([answer.status, problem(answer).code]).toEqual([417, 'expectation_failed'])
    expect(gateway.backend.requests).toEqual([])
  })
})
