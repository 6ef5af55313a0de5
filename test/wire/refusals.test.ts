/** Request heads the gateway refuses, beyond the golden vectors; and their neighbours, which it must take. */
import { describe, expect, it } from 'vitest'
import { get } from '../support/wire/client.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { connectionTokens, value } from '../support/wire/message.ts'

const gateway = useGateway()

async function refused(bytes: string, status = 400): Promise<void> {
  const { answer, ended } = await gateway.refusal(Buffer.from(bytes, 'latin1'))
  expect([answer.status, ended]).toEqual([status, 'fin'])
  expect(connectionTokens(answer)).toEqual(['close'])
  expect(value(answer, 'content-type')).toBe('application/problem+json')
  expect(problem(answer)).toMatchObject({ status, code: expect.stringMatching(/^[a-z_]+$/) })
}

const head = (...lines: string[]): string => `${['GET / HTTP/1.1', 'Host: a', ...lines].join('\r\n')}\r\n\r\n`
const postHead = (...lines: string[]): string => `${['POST / HTTP/1.1', 'Host: a', ...lines].join('\r\n')}\r\n\r\n`

describe('a line of the head', () => {
  it.each([
    ['bare LF between two lines', 'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n'],
    ['bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['bare LF at the end of the head', 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
    ['CR CR LF', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n'],
    ['NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['NUL in the method', 'G\0T / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['CR in the target', 'GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['DEL in the target', 'GET /a\x7fb HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['DEL in a value', head('X: a\x7fb')],
    ['ESC in a value', head('X: a\x1bb')],
    ['form feed in a value', head('X: a\x0cb')],
    ['a line without a colon', head('NoColon')],
    ['a folded line by tab', head('X: a', '\tb')],
    ['a tab before the colon', head('X\t: a')],
    ['a name with a slash', head('X/Y: a')],
    ['a name with an at sign', head('X@Y: a')],
    ['a name in quotes', head('"X": a')],
    ['a name with a parenthesis', head('X(Y): a')],
    ['a tab before the first header', 'GET / HTTP/1.1\r\n\tX: a\r\nHost: a\r\n\r\n'],
    ['a colon alone', head(':')],
  ])('%s is refused', (_, bytes) => refused(bytes))

  it.each([
    ['a tab inside a value', 'X: a\tb', 'a\tb'],
    ['an empty value', 'X:', ''],
    ['a value of spaces only', 'X:  \t ', ''],
    ['no space after the colon', 'X:a', 'a'],
    ['tabs around the value', 'X:\ta\t', 'a'],
    ['a colon in the value', 'X: a:b', 'a:b'],
    ['bytes from 0x80 up', 'X: \x80\xff', '\x80\xff'],
    ['every token character in a name', "!#$%&'*+-.^_`|~09AZaz: x", 'x'],
  ])('%s passes', async (_, line, wanted) => {
    const { request } = await gateway.exchange(get('/', line))
    expect(value(request, line.slice(0, line.indexOf(':')))).toBe(wanted)
  })
})

describe('framing headers', () => {
  it.each([
    ['Content-Length empty', postHead('Content-Length:')],
    ['Content-Length with a trailing comma', `${postHead('Content-Length: 1,')}Z`],
    ['Content-Length above 2^53-1', postHead('Content-Length: 9007199254740992')],
    ['Content-Length of 400 digits', postHead(`Content-Length: ${'9'.repeat(400)}`)],
    ['Content-Length with an inner tab', postHead('Content-Length: 1\t1')],
    ['Content-Length 1.0', `${postHead('Content-Length: 1.0')}Z`],
    ['Content-Length 1e1', postHead('Content-Length: 1e1')],
    ['Content-Length in full-width digits', postHead('Content-Length: \xef\xbc\x91')],
    ['Content-Length twice in different case', `${postHead('Content-Length: 1', 'content-length: 1')}Z`],
    ['Content-Length with Transfer-Encoding, other order', `${postHead('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`],
    ['Transfer-Encoding twice', `${postHead('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`],
    ['Transfer-Encoding twice, the first empty', `${postHead('Transfer-Encoding:', 'Transfer-Encoding: chunked')}0\r\n\r\n`],
    ['Transfer-Encoding empty', `${postHead('Transfer-Encoding:')}0\r\n\r\n`],
    ['Transfer-Encoding in quotes', `${postHead('Transfer-Encoding: "chunked"')}0\r\n\r\n`],
    ['Transfer-Encoding with a parameter', `${postHead('Transfer-Encoding: chunked;q=1')}0\r\n\r\n`],
    ['Transfer-Encoding in a GET of 1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('%s is refused', (_, bytes) => refused(bytes))

  it('gzip, chunked is not implemented', () => refused(`${postHead('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`, 501))

  it.each(['Transfer-Encoding:chunked', 'Transfer-Encoding: \t chunked \t', 'TRANSFER-ENCODING: Chunked'])(
    '%s passes and is written anew',
    async (line) => {
      const { request } = await gateway.exchange(`${postHead(line)}2\r\nhi\r\n0\r\n\r\n`)
      expect([request.framing, request.body.toString()]).toEqual(['chunked', 'hi'])
    },
  )

  it('a Content-Length with leading zeros is written anew in canonical decimal', async () => {
    const { request } = await gateway.exchange(`${postHead('Content-Length: 0000000000000000000000010')}0123456789`)
    expect([value(request, 'content-length'), request.body.toString()]).toEqual(['10', '0123456789'])
  })
})

describe('the request line', () => {
  it.each([
    ['HTTP/0.9', 'GET /\r\n', 400],
    ['a lower-case version', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
    ['version 1.10', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', 400],
    ['version 1.', 'GET / HTTP/1.\r\nHost: a\r\n\r\n', 400],
    ['version 01.1', 'GET / HTTP/01.1\r\nHost: a\r\n\r\n', 400],
    ['version 0.9', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 400],
    ['version 3.0', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', 505],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['a space before the method', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a space after the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
    ['a method that is no token', 'G@T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a mixed-case lookalike', 'Get / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a lower-case post', 'post / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', 400],
    ['CONNECT in origin-form', 'CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['TRACE with Max-Forwards 5', 'TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n', 405],
    ['no target', 'GET  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a relative target', 'GET a/b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an authority as target', 'GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['absolute-form without an authority', 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['absolute-form without anything', 'GET http:// HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['absolute-form with userinfo', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['absolute-form with a bad port', 'GET http://a:8x/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['absolute-form without Host in 1.1', 'GET http://a/ HTTP/1.1\r\n\r\n', 400],
    ['absolute-form with a bad Host', 'GET http://a/ HTTP/1.1\r\nHost: x y\r\n\r\n', 400],
    ['absolute-form with a fragment', 'GET http://a/#f HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['* with POST', 'POST * HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', 400],
  ])('%s is refused', (_, bytes, status) => refused(bytes, status))
})

describe('Host', () => {
  it.each(['', 'a,b', 'a/b', 'u@a', 'a:b', 'a:80:80', 'a:-1', 'a:999999', '[::1', '::1', '[zz]', 'a\tb', 'a?b', 'a#b', 'a\\b', ':80'])(
    '"%s" is refused',
    (host) => refused(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
  )

  it('twice is refused, however written', () => refused('GET / HTTP/1.1\r\nHost: a\r\nHOST: b\r\n\r\n'))

  it.each(['a', 'A.Example', 'a_b', 'a:80', '127.0.0.1:8080', '[::1]', '[::1]:80', 'xn--a', 'a-b.c'])(
    '"%s" passes as it came',
    async (host) => {
      const { request } = await gateway.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      expect(value(request, 'host')).toBe(host)
    },
  )
})

it('a refusal does not harm the next client, and is counted', async () => {
  await refused('BAD\r\n\r\n')
  const { answer } = await gateway.exchange(get('/fine'))
  expect([answer.status, answer.body.toString()]).toEqual([200, '/fine'])
  expect(gateway.engine.ledger.gateway().rejections[0]).toBeGreaterThan(0)
})

it('what follows a refused request on the same connection is never read as a request', async () => {
  const { answer } = await gateway.refusal(`${head('X Y: 1')}${get('/smuggled')}`)
  expect(answer.status).toBe(400)
})
