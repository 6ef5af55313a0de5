/** Random requests as bytes: valid ones in all the shapes HTTP/1.1 allows, and the same with accidents and malice. */
import type { Random } from './random.ts'
import { randomSplits } from './random.ts'

const METHODS = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'PROPFIND']
const TARGETS = [
  '/',
  '/a/b',
  '/a/../b',
  '/%2e%2e//x',
  '/a?b=c&d',
  '//evil/x',
  '/a;b',
  '/!$&\'()*+,:@~"<>|',
  '/?',
  'http://b/x',
  'http://b:80?q',
  'http://B',
]
const NAMES = [
  'X-A',
  'x-b',
  'Accept',
  'User-Agent',
  'Cookie',
  'Authorization',
  'Content-Type',
  'X_Odd',
  'x-user-id',
  'Range',
  'If-None-Match',
  '__proto__',
]
const VALUES = ['', 'a', 'a b', 'a, b', 'a:b', '"q"', 'x=1; y=2', '\x80\xff', 'a\tb', '0', 'chunked', 'close', 'GET / HTTP/1.1']

export function validRequest(random: Random): Buffer {
  const method = random.pick(METHODS)
  const target = method === 'OPTIONS' && random.chance(0.3) ? '*' : random.pick(TARGETS)
  const lines = [`Host: ${random.pick(['a', 'a:80', '[::1]:8', 'A_b'])}`]
  for (let i = random.int(6); i > 0; i--) lines.push(`${random.pick(NAMES)}:${random.pick(['', ' ', '\t '])}${random.pick(VALUES)}`)
  if (random.chance(0.15))
    lines.push(
      random.pick([
        'Connection: keep-alive',
        'Connection: X-A',
        'TE: trailers',
        'Keep-Alive: 5',
        'X-Forwarded-For: 6.6.6.6',
        'X_Forwarded_For: 6.6.6.6',
      ]),
    )
  shuffle(lines, random)
  const mayHaveBody = method !== 'HEAD' && method !== 'OPTIONS'
  const body = mayHaveBody && random.chance(method === 'GET' ? 0.2 : 0.8) ? bodyOf(random) : null
  if (body !== null) lines.splice(random.int(lines.length + 1), 0, ...body.lines)
  const head = `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body?.bytes ?? Buffer.alloc(0)])
}

function bodyOf(random: Random): { readonly lines: readonly string[]; readonly bytes: Buffer } {
  const text = random.chance(0.3) ? 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n' : random.bytes(random.int(200)).toString('latin1')
  const body = Buffer.from(text, 'latin1')
  if (random.chance(0.5)) return { lines: [`Content-Length: ${random.pick(['', '', '00'])}${body.length}`], bytes: body }
  const pieces = body.length === 0 ? [] : randomSplits(body, random, 1 + random.int(4))
  const chunks = pieces.flatMap((piece) => [
    Buffer.from(`${random.pick(['', '0', '00'])}${piece.length.toString(16)}${random.pick(['', '', ';a=b', ';a="b;c"'])}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
  const trailers = random.chance(0.3) ? random.pick(['X-T: 1\r\n', 'X-T: 1\r\nx-u: 2\r\n', 'Host: evil\r\n', 'Content-Length: 3\r\n']) : ''
  return {
    lines: [`Transfer-Encoding: ${random.pick(['chunked', 'Chunked', 'CHUNKED'])}`],
    bytes: Buffer.concat([...chunks, Buffer.from(`0\r\n${trailers}\r\n`)]),
  }
}

const BYTES = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '1',
  'f',
  '_',
  '-',
  '\x0b',
  '\x1b',
  '\x7f',
  '\x80',
  '\xa0',
  '\xff',
  '"',
  '#',
  '@',
  '\\',
  '+',
  'x',
]
const LINES = [
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length : 5',
  'content-length: 5, 5',
  'Content-Length: +5',
  'Content-Length: 0x5',
  'Content_Length: 5',
  'Content-Length:\x0b5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'transfer-encoding:chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: \tchunked ',
  'Transfer-Encoding: chunKed',
  'Transfer_Encoding: chunked',
  ' Transfer-Encoding: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'Host: b',
  'Host:',
  'Connection: close',
  'Connection: Content-Length',
  'Connection: Transfer-Encoding',
  'Connection: Host',
  'Connection: upgrade, x-a',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: other',
  'Trailer: X-T',
  'X-Banyan-Hop: other',
  'X-Forwarded-For: 6.6.6.6',
  '',
  ':',
  'no colon',
]

/** One to three accidents. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let text = bytes.toString('latin1')
  for (let i = 1 + random.int(3); i > 0; i--) text = accident(text, random)
  return Buffer.from(text, 'latin1')
}

function accident(text: string, random: Random): string {
  // Most accidents in the head: that is where the danger is.
  const headEnd = text.indexOf('\r\n\r\n') + 4
  const at = random.int(random.chance(0.7) && headEnd > 3 ? headEnd : text.length)
  switch (random.int(9)) {
    case 0:
      return text.slice(0, at) + random.pick(BYTES) + text.slice(at)
    case 1:
      return text.slice(0, at) + random.pick(BYTES) + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + random.int(3))
    case 3:
    case 4:
    case 5:
      return insertLine(text, random.pick(LINES), random)
    case 6:
      return random.chance(0.5) ? text.replace('\r\n', '\n') : text.replace(/\r\n(?![^]*\r\n)/, '\n')
    case 7:
      return text.replace(
        /HTTP\/1\.1/,
        random.pick(['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', ' HTTP/1.1', 'HTTP/01.1']),
      )
    default:
      return random.chance(0.3) ? text.slice(0, at) : `\r\n${text}`
  }
}

function insertLine(text: string, line: string, random: Random): string {
  const ends = [...text.matchAll(/\r\n/g)].map((match) => match.index + 2)
  const at = ends.length === 0 ? 0 : random.pick(ends.slice(0, 8))
  return `${text.slice(0, at)}${line}\r\n${text.slice(at)}`
}

export function shuffle(items: string[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    const [a, b] = [items[i], items[j]]
    if (a !== undefined && b !== undefined) [items[i], items[j]] = [b, a]
  }
}
