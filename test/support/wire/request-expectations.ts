/**
 * What each request vector's "expect" means, as assertions: HTTP.md's reading wherever the vector leaves a choice.
 *
 * A number (or several) is the status a refusal must carry; a function looks at everything seen.
 */
import { expect } from 'vitest'
import { has, value, values, valuesIn, type Message } from './message.ts'
import { CLIENT, type Seen } from './request-run.ts'

type Check = (seen: Seen, request: Message) => void
type Expectation = number | readonly number[] | Check

const body =
  (text: string): Check =>
  (_, request) =>
    expect(request.body.toString('latin1')).toBe(text)

const target =
  (text: string): Check =>
  (_, request) =>
    expect(request.target).toBe(text)

const header =
  (name: string, ...wanted: string[]): Check =>
  (_, request) =>
    expect(values(request, name)).toEqual(wanted)

const all =
  (...checks: Check[]): Check =>
  (seen, request) => {
    for (const check of checks) check(seen, request)
  }

const lines = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `X${from + i}`)

/** Every header of the vector's own bytes that starts with this name, as it was sent. */
const sent = (seen: Seen, name: string): string[] =>
  valuesIn(
    seen.vector.bytes
      .toString('latin1')
      .split('\r\n')
      .map((line): [string, string] => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
    name,
  )

const plainHops = ['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'http2-settings', 'x-drop']
const noHops: Check = (_, request) => expect(plainHops.filter((name) => has(request, name))).toEqual([])

export const REFUSED_WITH: Readonly<Record<string, Expectation>> = {
  F21: [501, 400],
  F23: [400, 501],
  F25: [400, 501],
  C21: [400, 413],
  C27: (seen) => expect(seen.answers.filter((answer) => answer.status < 400)).toEqual([]),
  H22: 431,
  H23b: 431,
  H24: 431,
  X23: 431,
  R15: 505,
  R18: 414,
  X22: [400, 414, 501],
  R20: [400, 405, 501],
  R21: [400, 405, 501],
  R22: 405,
  R23: 405,
  R35: 400,
  B06: 508,
  B12: 417,
}

/** Vectors of verdict `either` that HTTP.md decides: these must be refused. */
export const MUST_REFUSE: ReadonlySet<string> = new Set(['F04', 'F05', 'H07', 'R14', 'B02', 'B12'])
/** … and these must be taken. */
export const MUST_ACCEPT: ReadonlySet<string> = new Set(['H26', 'H29', 'R02', 'R07', 'R08', 'R26', 'X13', 'X20', 'X35', 'B06', 'B08'])

export const ACCEPTED: Readonly<Record<string, Check>> = {
  F27: body('Z'),
  C01: body('hello'),
  C16: all(body('Z'), (seen) => expect(seen.upstreamText).not.toContain('a=b')),
  C17: all(body('Z'), (seen) => expect(seen.upstreamText).not.toContain('b;c')),
  C24: (seen, request) => {
    expect(request.trailers).toEqual([])
    expect(seen.upstreamText).not.toMatch(/content-length: *5/i)
  },
  C25: (seen, request) => {
    expect(values(request, 'host')).toEqual(['a'])
    expect(valuesIn(request.trailers, 'host')).toEqual([])
    expect(seen.upstreamText).not.toContain('evil')
    expect(valuesIn(request.trailers, 'x-t')).toEqual(['1'])
  },
  C28: body('Z'),
  H14: header('x', '\u00c3\u00a9\u00e2\u0082\u00ac'),
  H22: (_, request) => {
    const expected = lines(0, 200)
    expect(request.headers.map(([name]) => name).filter((name) => expected.includes(name))).toEqual(expected)
  },
  H26: header('content-type', 'a/b', 'c/d'),
  H27: all(header('__proto__', 'x'), header('constructor', 'y')),
  H29: (seen, request) => {
    expect(has(request, 'x_forwarded_for')).toBe(false)
    expect(seen.upstreamText).not.toContain('1.1.1.1')
  },
  R01: all(target('/x'), header('host', 'a')),
  R02: all(target('/x'), header('host', 'evil')),
  R04: target('//evil/x'),
  R07: target('/a\\..\\b'),
  R08: target('/\u00c3\u00a9'),
  R17: target(`/${'a'.repeat(7990)}`),
  R20: (_, request) => expect(request.method).toBe('PURPLE'),
  R25: header('max-forwards', '4'),
  R26: body('hello'),
  R27: body('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'.padEnd(0x23, '\r\n').slice(0, 0x23)),
  R29: body('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'.slice(0, 0x23)),
  R30: (seen, request) => {
    expect(request.body.toString('latin1')).toBe('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(seen.answers[0]?.received).toBe(0)
  },
  R31: (seen) => {
    expect(seen.answers.map((answer) => answer.body.toString())).toEqual(['/1', '/2'])
    expect(seen.upstream.map((request) => request.target)).toEqual(['/1', '/2'])
  },
  R33: (seen, request) => {
    expect(seen.answers[0]?.framing).not.toBe('chunked')
    expect(seen.ended).toBe('fin')
    expect(request.version).toBe('1.1')
  },
  R34: (seen) => expect(seen.answers[0]?.framing).not.toBe('chunked'),
  B01: all(noHops, header('x-keep', '1')),
  B05: (seen, request) => {
    expect(values(request, 'x-forwarded-for')).toEqual([CLIENT])
    expect(values(request, 'x-real-ip')).toEqual([CLIENT])
    expect(values(request, 'x-forwarded-host')).toEqual(['a'])
    expect(values(request, 'x-forwarded-proto')).toEqual(['http'])
    expect(values(request, 'forwarded')).toEqual([])
    expect(seen.upstreamText).not.toMatch(/evil|1\.2\.3\.4/)
  },
  B06: header('via', '1.1 self'),
  B07: (seen, request) => {
    noHops(seen, request)
    expect(seen.interim).toEqual([])
    expect(seen.answers[0]?.status).toBe(200)
  },
  B08: (seen, request) => {
    noHops(seen, request)
    expect(seen.interim).toEqual([])
  },
  B11: (seen, request) => {
    expect(seen.interim.map((answer) => answer.status)).toEqual([100])
    expect(seen.answers.map((answer) => answer.status)).toEqual([200])
    body('hello')(seen, request)
  },
  B13: (seen, request) => {
    expect(seen.interim).toEqual([])
    body('hello')(seen, request)
  },
  B14: (seen, request) => expect(value(request, 'range')).toBe(sent(seen, 'range')[0]),
  B15: (_, request) => expect(values(request, 'cookie').join('; ')).toBe('a=1; b=2'),
  B16: target('/?q=%0d%0aX:1'),
  X13: (_, request) => expect(request.trailers).toEqual([]),
  X14: (_, request) => expect(request.trailers).toEqual([]),
  X15: header('content-length', '0'),
  X20: target('/a%00b'),
  X25: (seen) => {
    expect(seen.answers.map((answer) => [answer.method, answer.received])).toEqual([
      ['HEAD', 0],
      ['GET', 2],
    ])
  },
  X29: (seen) => {
    expect(seen.answers.map((answer) => answer.body.toString())).toEqual(['/1'])
    expect(seen.ended).toBe('fin')
  },
  X35: all(target('/latest'), header('host', '169.254.169.254')),
}
