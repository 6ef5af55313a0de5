/** What a backend gets to see: the target byte for byte, headers in order, and what the gateway adds or takes away. */
import { describe, expect, it } from 'vitest'
import { answerBytes, ok } from '../support/wire/backend.ts'
import { get, request as requestOf } from '../support/wire/client.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { has, value, values, type HeaderLine } from '../support/wire/message.ts'

const gateway = useGateway()

/** Headers the gateway adds on its own. */
const ADDED =
  /^(?:x-forwarded-(?:for|proto|host|port)|x-real-ip|x-request-id|traceparent|x-banyan-hop|x-api-version|x-banyan-backend|date|connection)$/i

const others = (headers: readonly HeaderLine[]): HeaderLine[] => headers.filter(([name]) => !ADDED.test(name))

describe('the target', () => {
  it.each([
    '/',
    '/a/../b',
    '/./a/./',
    '/..',
    '/%2e%2e/x',
    '/%2E%2e%2f',
    '//a//b',
    '///',
    '/a;b=c',
    '/%zz%',
    '/%',
    '/a?b?c',
    '/?',
    '/?a=1&a=2&&',
    '/a+b%20c',
    '/"<>|{}^`\\',
    "/!$&'()*,:@~[]",
    '/\x80\xff\xc3\xa9',
    `/${'a'.repeat(7_000)}?${'b'.repeat(1_000)}`,
  ])('%s is forwarded byte for byte', async (target) => {
    const { request } = await gateway.exchange(get(target))
    expect(request.target).toBe(target)
  })

  it.each([
    ['http://b', '/', 'b'],
    ['http://b/', '/', 'b'],
    ['http://b?x=1', '/?x=1', 'b'],
    ['http://b:8080/x', '/x', 'b:8080'],
    ['HTTP://B/x', '/x', 'B'],
    ['https://b/x', '/x', 'b'],
    ['http://[::1]:80/x/../y', '/x/../y', '[::1]:80'],
    ['http://b//x', '//x', 'b'],
  ])('absolute-form %s becomes %s with Host %s', async (target, path, host) => {
    const { request } = await gateway.exchange(get(target))
    expect([request.target, values(request, 'host')]).toEqual([path, [host]])
    expect(gateway.engine.dials.targets.filter((to) => !to.startsWith('127.0.0.1:'))).toEqual([])
  })

  it('* is forwarded for OPTIONS', async () => {
    const { request } = await gateway.exchange(requestOf('OPTIONS', '*'))
    expect([request.method, request.target]).toEqual(['OPTIONS', '*'])
  })

  it('one empty line before a request is skipped', async () => {
    const { request } = await gateway.exchange(`\r\n${get('/after')}`)
    expect(request.target).toBe('/after')
  })
})

describe('header lines', () => {
  const lines: HeaderLine[] = [
    ['b-Second', '2'],
    ['A-First', '1'],
    ['x-dup', 'one'],
    ['X-DUP', 'two'],
    ['Cookie', 'a=1'],
    ['Cookie', 'b=2'],
    ['Accept', '*/*;q=0.1'],
    ['User-Agent', 'x'],
    ['Content-Type', 'text/plain'],
    ['x_custom', 'kept'],
    ['Authorization', 'Bearer t'],
    ['x-dup', 'three'],
  ]

  it('keep their order, case and duplicates on the way to the backend', async () => {
    const { request } = await gateway.exchange(get('/', ...lines.map((line) => line.join(': '))))
    expect(others(request.headers).filter(([name]) => name !== 'Host')).toEqual(lines)
  })

  it('keep their order, case and duplicates on the way to the client', async () => {
    const back: HeaderLine[] = [...lines, ['Set-Cookie', 'a=1, b'], ['set-cookie', 'c=2'], ['Server', 's'], ['Content-Encoding', 'br']]
    const { answer } = await gateway.exchange(get('/'), answerBytes(ok('hi', ...back.map((line) => line.join(': ')))))
    expect(others(answer.headers).filter(([name]) => name !== 'Content-Length')).toEqual(back)
  })

  it.each([
    'Transfer_Encoding: chunked',
    'Content_Length: 5',
    'X_Forwarded_For: 6.6.6.6',
    'X_Forwarded-For: 6.6.6.6',
    'x-forwarded_host: evil',
    'X_Real_IP: 6.6.6.6',
    'X_Forwarded_Proto: https',
    'Keep_Alive: 1',
    'Proxy_Connection: x',
  ])('%s, a lookalike by underscores, is dropped', async (line) => {
    const { request } = await gateway.exchange(get('/', line))
    const name = line.split(':')[0] ?? ''
    expect(values(request, name)).toEqual([])
    expect(gateway.backend.text).not.toMatch(/6\.6\.6\.6|evil/)
  })

  it('of the gateway are never taken from a client', async () => {
    const { request } = await gateway.exchange(
      get('/', 'X-Banyan-Shadow: 1', 'x-banyan-anything: 2', 'X-BANYAN-Backend: v2', 'X-Banyan_Shadow: 3', 'X-Kept: 4'),
    )
    expect(request.headers.filter(([name]) => /^x[-_]banyan/i.test(name)).map(([name]) => name.toLowerCase())).toEqual(['x-banyan-hop'])
    expect(value(request, 'x-kept')).toBe('4')
  })
})

describe('identity of a request', () => {
  it('gets an id when it has none, a new one each time', async () => {
    const first = await gateway.exchange(get('/'))
    const second = await gateway.exchange(get('/'))
    const ids = [value(first.request, 'x-request-id'), value(second.request, 'x-request-id')]
    expect(ids[0]).toMatch(/^[\w-]{8,}$/)
    expect(new Set(ids).size).toBe(2)
  })

  it('keeps the id it came with', async () => {
    const { request } = await gateway.exchange(get('/', 'X-Request-Id: abc-123'))
    expect(values(request, 'x-request-id')).toEqual(['abc-123'])
  })

  it('passes traceparent on unchanged', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { request } = await gateway.exchange(get('/', `traceparent: ${trace}`, 'tracestate: a=b'))
    expect([values(request, 'traceparent'), values(request, 'tracestate')]).toEqual([[trace], ['a=b']])
  })

  it('starts a trace when there is none', async () => {
    const { request } = await gateway.exchange(get('/'))
    expect(value(request, 'traceparent')).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/)
  })
})

describe('answers', () => {
  it('say which version and which backend answered', async () => {
    const { answer } = await gateway.exchange(get('/'))
    expect([values(answer, 'x-api-version'), values(answer, 'x-banyan-backend')]).toEqual([['v1'], ['v1']])
  })

  it("keep the backend's own X-API-Version", async () => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(ok('', 'X-API-Version: 7')))
    expect(values(answer, 'x-api-version')).toEqual(['7'])
  })

  it('cannot claim another backend', async () => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(ok('', 'X-Banyan-Backend: v2')))
    expect(values(answer, 'x-banyan-backend')).toEqual(['v1'])
  })
})

describe('loops', () => {
  it('our own name in X-Banyan-Hop is 508 at once', async () => {
    const client = gateway.client()
    await client.send(get('/', 'X-Banyan-Hop: banyan'))
    const answer = await client.answer()
    expect([answer.status, problem(answer).code]).toEqual([508, 'loop_detected'])
    expect(gateway.backend.requests).toEqual([])
  })

  it.each(['X-Banyan-Hop: other, banyan', 'x-banyan-hop: other\r\nX-Banyan-Hop: banyan', 'X-Banyan-Hop: banyan,other'])(
    '%s is found too',
    async (line) => {
      const client = gateway.client()
      await client.send(get('/', line))
      expect((await client.answer()).status).toBe(508)
      expect(gateway.backend.requests).toEqual([])
    },
  )

  it('other names are kept, ours is appended', async () => {
    const { request } = await gateway.exchange(get('/', 'X-Banyan-Hop: north, banyan2'))
    expect(values(request, 'x-banyan-hop').flatMap((line) => line.split(/ *, */))).toEqual(['north', 'banyan2', 'banyan'])
  })
})

describe('Max-Forwards', () => {
  it.each([
    ['OPTIONS', '5', ['4']],
    ['OPTIONS', '1', ['0']],
    ['GET', '5', ['5']],
    ['GET', '0', ['0']],
  ])('of %s %s', async (method, sent, seen) => {
    const { request } = await gateway.exchange(requestOf(method, '/', [`Max-Forwards: ${sent}`]))
    expect(values(request, 'max-forwards')).toEqual(seen)
  })

  it('0 on OPTIONS is answered by the gateway itself', async () => {
    const client = gateway.client({ methods: ['OPTIONS'] })
    await client.send(requestOf('OPTIONS', '/', ['Max-Forwards: 0']))
    const answer = await client.answer()
    expect(Math.floor(answer.status / 100)).toBe(2)
    expect(gateway.backend.requests).toEqual([])
  })
})

it('no Via by default', async () => {
  const { request, answer } = await gateway.exchange(get('/'))
  expect([has(request, 'via'), has(answer, 'via')]).toEqual([false, false])
})
