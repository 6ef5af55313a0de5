/** Chunked framing in both directions: validated, never passed through; trailers passed on, minus what they may not say. */
import { describe, expect, it } from 'vitest'
import { answerBytes } from '../support/wire/backend.ts'
import { get } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { has, values } from '../support/wire/message.ts'
import { byteByByte, createRandom, randomSplits } from '../support/wire/random.ts'

const gateway = useGateway()

const HEAD = 'POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

/** Sends a chunked body that breaks the rules: 400, closed, and no complete request at the backend. */
async function broken(body: string): Promise<void> {
  for (const pieces of [[Buffer.from(HEAD + body, 'latin1')], byteByByte(Buffer.from(HEAD + body, 'latin1'))]) {
    const client = gateway.client()
    await client.send(pieces)
    expect(await client.end()).toBe('fin')
    expect(client.complete.map((answer) => answer.status)).toEqual([400])
    expect(gateway.backend.complete).toEqual([])
  }
}

describe('a chunk of a request', () => {
  it.each([
    ['16 digits', '0000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['16 digits of a last chunk', '5\r\nhello\r\n0000000000000000\r\n\r\n'],
    ['a size beyond 2^53', 'fffffffffffffff\r\nhello'],
    ['a tab after the size', '5\t\r\nhello\r\n0\r\n\r\n'],
    ['a space before the semicolon', '5 ;a\r\nhello\r\n0\r\n\r\n'],
    ['an extension without a name', '5;=b\r\nhello\r\n0\r\n\r\n'],
    ['an extension with a space', '5;a b\r\nhello\r\n0\r\n\r\n'],
    ['an extension without a value', '5;a=\r\nhello\r\n0\r\n\r\n'],
    ['an extension with a bare LF', '5;a\nhello\r\n0\r\n\r\n'],
    ['an extension with a control byte', '5;a="\x01"\r\nhello\r\n0\r\n\r\n'],
    ['an extension with an open quote', '5;a="b\r\nhello\r\n0\r\n\r\n'],
    ['an extension of 300 bytes', `5;a=${'b'.repeat(300)}\r\nhello\r\n0\r\n\r\n`],
    ['an extension of 300 bytes on the last chunk', `5\r\nhello\r\n0;a=${'b'.repeat(300)}\r\n\r\n`],
    ['data shorter than the size', '6\r\nhello\r\n0\r\n\r\n'],
    ['data longer than the size', '4\r\nhello\r\n0\r\n\r\n'],
    ['LF CR after the data', '5\r\nhello\n\r0\r\n\r\n'],
    ['a space before the last chunk', '5\r\nhello\r\n 0\r\n\r\n'],
    ['a trailer without a colon', '5\r\nhello\r\n0\r\nX\r\n\r\n'],
    ['a trailer with a space before its colon', '5\r\nhello\r\n0\r\nX : 1\r\n\r\n'],
    ['a trailer with NUL', '5\r\nhello\r\n0\r\nX: \0\r\n\r\n'],
    ['a folded trailer', '5\r\nhello\r\n0\r\nX: a\r\n\tb\r\n\r\n'],
    ['a trailer with a bare CR', '5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n'],
    ['a bare CR instead of the end', '5\r\nhello\r\n0\r\n\rX'],
    ['trailers without end', `5\r\nhello\r\n0\r\n${'X: y\r\n'.repeat(50_000)}`],
    ['a second size line', '5\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['a quoted size', '"5"\r\nhello\r\n0\r\n\r\n'],
    ['a size with a comma', '5,\r\nhello\r\n0\r\n\r\n'],
    ['a size in other digits', '\xef\xbc\x95\r\nhello\r\n0\r\n\r\n'],
  ])('with %s is refused', (_, body) => broken(body))

  it.each([
    ['15 digits', '000000000000005\r\nhello\r\n0\r\n\r\n', 'hello'],
    [
      'hex digits of either case',
      `a\r\n0123456789\r\nA\r\n0123456789\r\n1a\r\n${'x'.repeat(26)}\r\n0\r\n\r\n`,
      `01234567890123456789${'x'.repeat(26)}`,
    ],
    ['several extensions', '5;a;b=c;d="e\\"f"\r\nhello\r\n0;last\r\n\r\n', 'hello'],
    ['an extension of 200 bytes', `5;a=${'b'.repeat(200)}\r\nhello\r\n0\r\n\r\n`, 'hello'],
    ['what looks like a last chunk in its data', '7\r\n0\r\n\r\nGE\r\n0\r\n\r\n', '0\r\n\r\nGE'],
    ['no data at all', '0\r\n\r\n', ''],
  ])('with %s passes, without its extensions', async (_, body, wanted) => {
    for (const pieces of [[Buffer.from(HEAD + body)], byteByByte(Buffer.from(HEAD + body))]) {
      gateway.backend.reset()
      const client = gateway.client()
      await client.send(pieces)
      await client.answer()
      expect(gateway.backend.complete.map((request) => request.body.toString())).toEqual([wanted])
      expect(gateway.backend.text).not.toContain(';')
    }
  })
})

const FORBIDDEN = [
  'Transfer-Encoding: chunked',
  'Content-Length: 9',
  'Host: evil',
  'Authorization: Bearer evil',
  'Cookie: evil=1',
  'Connection: close',
  'Keep-Alive: evil',
  'Proxy-Authorization: evil',
  'TE: evil',
  'Upgrade: evil',
  'Trailer: evil',
  'X-Forwarded-For: 6.6.6.6',
  'X-Real-IP: 6.6.6.6',
  'Forwarded: for=6.6.6.6',
  'X-Banyan-Hop: evil',
  'X-Banyan-Shadow: evil',
  'Expect: evil',
  'Max-Forwards: 9',
  'Content_Length: 9',
]

describe('trailers of a request', () => {
  it('are forwarded in order, with duplicates', async () => {
    const { request } = await gateway.exchange(`${HEAD}2\r\nhi\r\n0\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\n\r\n`)
    expect([request.body.toString(), request.trailers]).toEqual([
      'hi',
      [
        ['X-B', '1'],
        ['x-a', '2'],
        ['X-B', '3'],
      ],
    ])
  })

  it.each(FORBIDDEN)('%s is dropped, its neighbours stay, and it never becomes a header', async (line) => {
    const { request } = await gateway.exchange(`${HEAD}2\r\nhi\r\n0\r\nX-A: 1\r\n${line}\r\nX-B: 2\r\n\r\n`)
    expect(request.trailers).toEqual([
      ['X-A', '1'],
      ['X-B', '2'],
    ])
    expect(gateway.backend.text).not.toMatch(/evil|6\.6\.6\.6/)
  })

  it('reach the backend whole however they are cut', async () => {
    const bytes = Buffer.from(`${HEAD}2\r\nhi\r\n0\r\nX-A: ${'a'.repeat(500)}\r\nHost: evil\r\nX-B: 2\r\n\r\n${get('/next')}`)
    const random = createRandom(7)
    for (const pieces of [byteByByte(bytes), ...Array.from({ length: 20 }, () => randomSplits(bytes, random, 6))]) {
      gateway.backend.reset()
      const client = gateway.client()
      await client.send(pieces)
      await client.answer(2)
      expect(gateway.backend.complete[0]?.trailers).toEqual([
        ['X-A', 'a'.repeat(500)],
        ['X-B', '2'],
      ])
      expect(gateway.backend.complete[1]?.target).toBe('/next')
    }
  })
})

describe('a chunked answer', () => {
  const chunked = (body: string, ...headers: string[]): string =>
    `HTTP/1.1 200 OK\r\n${headers.map((line) => `${line}\r\n`).join('')}Transfer-Encoding: chunked\r\n\r\n${body}`

  it.each([
    ['extensions', '2;a=b\r\nhi\r\n0;c\r\n\r\n'],
    ['sizes of either case and leading zeros', '0002\r\nhi\r\n000\r\n\r\n'],
    ['spaces after a size, which are repaired', '2 \r\nhi\r\n0  \r\n\r\n'],
  ])('with %s is written anew', async (_, body) => {
    const { answer } = await gateway.exchange(get('/'), answerBytes(chunked(body)))
    expect([answer.status, answer.body.toString(), answer.framing]).toEqual([200, 'hi', 'chunked'])
  })

  it('passes its trailers, if any, without framing fields', async () => {
    const { answer } = await gateway.exchange(
      get('/', 'TE: trailers'),
      answerBytes(
        chunked('2\r\nhi\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\nSet-Cookie: evil=1\r\nTransfer-Encoding: x\r\n\r\n', 'Trailer: X-T'),
      ),
    )
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hi'])
    expect(answer.trailers.filter(([name]) => !/^(?:x-t|set-cookie)$/i.test(name))).toEqual([])
    expect(has(answer, 'content-length')).toBe(false)
    expect(values(answer, 'set-cookie')).toEqual([])
  })

  it('is followed by the next answer on the same upstream connection', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(answerBytes(chunked('2\r\nhi\r\n0\r\n\r\n')))
    const client = gateway.client()
    await client.send(get('/1') + get('/2') + get('/3'))
    await client.answer(3)
    expect(client.complete.map((answer) => answer.body.toString())).toEqual(['hi', 'hi', 'hi'])
    expect(gateway.backend.connections.length).toBe(1)
  })
})
