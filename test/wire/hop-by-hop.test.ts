/** Hop-by-hop fields end here, in both directions, and `Connection` may not be used as a weapon. */
import { describe, expect, it } from 'vitest'
import { answerBytes, ok } from '../support/wire/backend.ts'
import { get, post } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { has, value, values } from '../support/wire/message.ts'

const gateway = useGateway()

const HOPS = [
  'Keep-Alive: timeout=1',
  'Proxy-Connection: keep-alive',
  'Proxy-Authenticate: Basic',
  'Proxy-Authorization: Basic eA==',
  'TE: trailers',
  'Upgrade: h2c',
]
const NAMES = ['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'upgrade']

describe('towards the backend', () => {
  it('hop-by-hop fields are removed', async () => {
    const { request } = await gateway.exchange(get('/', ...HOPS, 'Connection: keep-alive', 'X-Kept: 1'))
    expect(NAMES.filter((name) => has(request, name) && name !== 'connection')).toEqual([])
    // The gateway may say something of its own about its own connection.
    expect(values(request, 'connection').join()).not.toContain('upgrade')
    expect(value(request, 'x-kept')).toBe('1')
  })

  it.each([
    ['one', ['Connection: X-A'], ['x-a'], ['x-b']],
    ['a list', ['Connection: X-A, close, X-B'], ['x-a', 'x-b'], []],
    ['a list with empty members and tabs', ['Connection: ,\tX-A\t,, x-b,'], ['x-a', 'x-b'], []],
    ['two lines', ['Connection: X-A', 'connection: X-B'], ['x-a', 'x-b'], []],
    ['another case', ['CONNECTION: x-A'], ['x-a'], ['x-b']],
    ['every line of the name', ['Connection: X-A', 'x-a: again'], ['x-a'], ['x-b']],
    ['fields before it', ['X-Z: 1', 'Connection: X-Z'], ['x-z'], ['x-a', 'x-b']],
  ])('what Connection names goes too: %s', async (_, lines, gone, kept) => {
    const { request } = await gateway.exchange(get('/', 'X-A: 1', ...lines, 'X-B: 2'))
    expect(gone.filter((name) => has(request, name))).toEqual([])
    expect(kept.filter((name) => !has(request, name))).toEqual([])
  })

  it.each([
    ['Host', []],
    ['host', []],
    ['Authorization', ['Authorization: t']],
    ['Cookie', ['Cookie: a=1']],
    ['close, cookie', ['Cookie: a=1']],
    ['Content-Length', ['Content-Length: 0']],
  ])('Connection: %s is refused', async (option, lines) => {
    const { answer } = await gateway.refusal(get('/', `Connection: ${option}`, ...lines))
    expect(answer.status).toBe(400)
  })

  it('Connection: Transfer-Encoding does not undo the framing', async () => {
    const bytes = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
    const client = gateway.client()
    await client.send(bytes)
    const answer = await client.answer()
    if (answer.status === 200) expect(gateway.backend.complete.map((request) => request.body.toString())).toEqual(['hello'])
    else expect([answer.status, gateway.backend.complete.length]).toEqual([400, 0])
  })

  it('Connection: Expect leaves a whole request behind', async () => {
    const { request } = await gateway.exchange(post('/', 'hello', 'Connection: Expect', 'Expect: 100-continue'))
    expect([has(request, 'expect'), request.body.toString()]).toEqual([false, 'hello'])
  })

  it('Connection: Range does not pass half a request', async () => {
    const { request } = await gateway.exchange(get('/', 'Connection: Range, If-Range', 'Range: bytes=0-1', 'If-Range: "x"'))
    expect([has(request, 'range'), has(request, 'if-range')]).toEqual([false, false])
  })
})

describe('towards the client', () => {
  const back = (...lines: string[]): string => ok('hi', ...lines)

  it('hop-by-hop fields are removed', async () => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(back(...HOPS, 'Connection: keep-alive', 'X-Kept: 1')))
    expect(NAMES.filter((name) => has(answer, name) && name !== 'connection')).toEqual([])
    expect([value(answer, 'x-kept'), answer.body.toString()]).toEqual(['1', 'hi'])
  })

  it('what Connection names goes too', async () => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(back('X-A: 1', 'Connection: x-a, X-B', 'X-B: 2', 'X-C: 3')))
    expect([has(answer, 'x-a'), has(answer, 'x-b'), has(answer, 'x-c')]).toEqual([false, false, true])
  })

  it("a backend's Connection: close closes its connection, not the client's", async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(answerBytes(back('Connection: close')))
    const client = gateway.client()
    await client.send(get('/1'))
    await client.answer(1)
    await client.send(get('/2'))
    await client.answer(2)
    expect(client.ended).toBeNull()
    expect(gateway.backend.connections.length).toBe(2)
  })

  it("a backend's Connection naming Content-Length does not undo the framing", async () => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(back('Connection: Content-Length')))
    if (answer.status === 502) return
    expect([answer.status, answer.body.toString(), answer.complete]).toEqual([200, 'hi', true])
  })

  it("a backend's Connection naming Set-Cookie or Transfer-Encoding leaves one whole answer", async () => {
    const bytes = 'HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'
    const { answer } = await gateway.exchange(get('/'), answerBytes(bytes))
    if (answer.status === 502) return
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hi'])
  })
})

describe('Connection is read before anything else', () => {
  const allow = useGateway({
    route: { stage: 'canary', weight: 1, allow: { header: 'x-user-id', values: ['alice'] } },
    word: { stage: 'canary', weightBps: 1 },
  })

  it('a header it names does not decide', async () => {
    // alice always goes to v2, where nobody listens; with her name removed she is anybody, and v1 is asked.
    await allow.exchange(get('/', 'X-User-Id: alice'))
    expect(allow.engine.dials.targets.filter((to) => to.endsWith(':1')).length).toBeGreaterThan(0)
    allow.engine.dials.clear()
    const { answer } = await allow.exchange(get('/', 'X-User-Id: alice', 'Connection: X-User-Id'))
    expect([answer.status, value(answer, 'x-banyan-backend')]).toEqual([200, 'v1'])
    expect(allow.engine.dials.targets.filter((to) => to.endsWith(':1'))).toEqual([])
  })
})
