/** The yardstick itself: the tests' own reader must refuse what is ambiguous, or every test built on it is worth nothing. */
import { describe, expect, it } from 'vitest'
import { readLegacy } from '../support/wire/legacy.ts'
import { meantRequests } from '../support/wire/meaning.ts'
import { byteByByte } from '../support/wire/random.ts'
import { MessageReader } from '../support/wire/reader.ts'
import { requestVectors } from '../support/wire/vectors.ts'

function readRequests(text: string, canonical = true, bytewise = false): MessageReader {
  const reader = new MessageReader({ role: 'request', canonical })
  const bytes = Buffer.from(text, 'latin1')
  for (const piece of bytewise ? byteByByte(bytes) : [bytes]) reader.push(piece)
  return reader
}

function readAnswers(text: string, end: 'fin' | 'rst' | null = null, ...methods: string[]): MessageReader {
  const reader = new MessageReader({ role: 'response', canonical: true, methodOf: (index) => methods[index] ?? 'GET' })
  reader.push(Buffer.from(text, 'latin1'))
  if (end !== null) reader.end(end)
  return reader
}

describe('the reader of requests', () => {
  it.each([
    ['both framings', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx'],
    ['a length that is not canonical', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 01\r\n\r\nx'],
    ['another coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n'],
    ['a chunk extension', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n0\r\n\r\n'],
    ['a chunk too long', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['version 1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
    ['a bare LF', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
    ['a bare CR', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
    ['absolute-form', 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an empty line first', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('finds fault with %s in what the engine writes', (_, text) => {
    expect(readRequests(text).fault).not.toBeNull()
    expect(readRequests(text, true, true).fault).not.toBeNull()
  })

  it('reads two requests, whole or byte by byte', () => {
    const text =
      'POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
    for (const bytewise of [false, true]) {
      const { messages, clean } = readRequests(text, true, bytewise)
      expect(messages.map((one) => [one.target, one.body.toString(), one.complete])).toEqual([
        ['/1', 'hi', true],
        ['/2', 'abc', true],
      ])
      expect([clean, messages[0]?.trailers]).toEqual([true, [['X', 'y']]])
    }
  })

  it('agrees with the verdicts of the golden vectors', () => {
    for (const { id, bytes, verdict, maxUpstreamRequests } of requestVectors()) {
      // Size limits and methods that only look like GET are the gateway's rules, not the reader's.
      if (bytes.length > 9_000 || id === 'R21') continue
      const meant = meantRequests(bytes).length
      if (verdict === 'accept') expect([id, meant]).toEqual([id, maxUpstreamRequests])
      else expect(meant, id).toBeLessThanOrEqual(maxUpstreamRequests)
    }
  })
})

describe('the reader of answers', () => {
  it.each([
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a 204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'],
    ['bytes after an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxGARBAGE\r\n'],
    ['version 1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('finds fault with %s', (_, text) => {
    expect(readAnswers(text).fault).not.toBeNull()
  })

  it.each([
    ['a short length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf', 'fin'],
    ['no last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'fin'],
    ['a last chunk without its end', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n', 'fin'],
    ['a reset of a close-delimited one', 'HTTP/1.1 200 OK\r\n\r\nhalf', 'rst'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le', 'fin'],
  ] as const)('does not take for whole %s', (_, text, end) => {
    expect(readAnswers(text, end).messages.filter((one) => one.complete)).toEqual([])
  })

  it('knows HEAD, 304, interim answers and close-delimited ones', () => {
    const text =
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\nrest'
    const { messages, interim } = readAnswers(text, 'fin', 'HEAD')
    expect([interim.length, messages.map((one) => one.received), messages.every((one) => one.complete)]).toEqual([1, [0, 0, 4], true])
  })
})

describe('the legacy yardstick', () => {
  const read = (text: string, closed = false): string => readLegacy(Buffer.from(text, 'latin1'), 'GET', closed).kind

  it.each([
    ['complete', 'HTTP/1.1 200 OK\nX : a\n b\nContent-Length: 2\nContent-Length: 2\n\nok', false],
    ['complete', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n', false],
    ['complete', 'HTTP/1.0 200 OK\r\n\r\nok', true],
    ['cut', 'HTTP/1.0 200 OK\r\n\r\nok', false],
    ['cut', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok', true],
    ['cut', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n', true],
    ['bad', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', true],
    ['bad', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok', true],
    ['bad', 'HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\nok', true],
    ['bad', 'ICY 200 OK\r\n\r\nok', true],
  ])('reads %s: %j', (kind, text, closed) => {
    expect(read(text, closed)).toBe(kind)
  })
})
