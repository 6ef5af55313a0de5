/** Random answers of backends as bytes: valid ones in every framing, legacy ones that can be repaired, broken ones. */
import type { Random } from './random.ts'
import { randomSplits } from './random.ts'
import { shuffle } from './generate-request.ts'

const STATUSES = [
  '200 OK',
  '200',
  '201 Created',
  '204 No Content',
  '304 Not Modified',
  '404 Not Found',
  '500 Oops',
  '799 ',
  '206 Partial',
  '301 Moved',
]
const LINES = [
  'X: a',
  'x-b:b',
  'Set-Cookie: a=1; Path=/',
  'Set-Cookie: b=2',
  'Content-Type: text/html; charset=utf-8',
  'ETag: "x"',
  'X: \x80\xff',
  'Cache-Control: no-store',
  'Connection: keep-alive',
  'Connection: X',
  'Keep-Alive: timeout=5',
  'Server: legacy/0.1',
  'Vary: *',
  '__proto__: x',
]

export interface GeneratedAnswer {
  readonly bytes: Buffer
  /** True when only the end of the connection ends it. */
  readonly closes: boolean
}

export function validAnswer(random: Random): GeneratedAnswer {
  const status = random.pick(STATUSES)
  const lines = Array.from({ length: random.int(5) }, () => random.pick(LINES))
  const bodiless = status.startsWith('204') || status.startsWith('304')
  const text = random.chance(0.2) ? 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx' : random.bytes(random.int(300)).toString('latin1')
  const body = bodiless ? Buffer.alloc(0) : Buffer.from(text, 'latin1')
  const framing = bodiless ? 'none' : random.pick(['length', 'length', 'chunked', 'chunked', 'close'] as const)
  if (framing === 'length') lines.push(`Content-Length: ${body.length}`)
  if (framing === 'chunked') lines.push(`Transfer-Encoding: ${random.pick(['chunked', 'Chunked'])}`)
  shuffle(lines, random)
  const interim = random.chance(0.1) ? 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' : ''
  const version = framing === 'close' && random.chance(0.5) ? 'HTTP/1.0' : 'HTTP/1.1'
  const head = Buffer.from(`${interim}${version} ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`, 'latin1')
  return { bytes: Buffer.concat([head, framing === 'chunked' ? chunksOf(body, random) : body]), closes: framing === 'close' }
}

function chunksOf(body: Buffer, random: Random): Buffer {
  const pieces = body.length === 0 ? [] : randomSplits(body, random, 1 + random.int(4))
  const chunks = pieces.flatMap((piece) => [
    Buffer.from(`${piece.length.toString(16)}${random.pick(['', ';x', ';x=y', ' '])}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...chunks, Buffer.from(`0\r\n${random.pick(['', '', 'X-T: 1\r\n'])}\r\n`)])
}

const INSERTED = [
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: 3, 3',
  'Content-Length : 3',
  'Content-Length: +3',
  'Content-Length:\x0b3',
  'Content_Length: 3',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: gzip',
  'transfer-encoding: chunked, chunked',
  ' folded',
  '\tTransfer-Encoding: chunked',
  'X: y\nContent-Length: 1',
  'X: y\rContent-Length: 1',
  'X: \0',
  'Connection: close',
  'Connection: Content-Length',
  'Connection: Transfer-Encoding',
  'Upgrade: websocket',
  'Trailer: X',
  '',
  ':',
  'no colon',
]
const BYTES = ['\r', '\n', '\r\n', '\0', ' ', '\t', ':', ',', ';', '0', '1', 'f', '\x0b', '\x7f', '\x80', 'x']

export function mutatedAnswer(answer: GeneratedAnswer, random: Random): GeneratedAnswer {
  let text = answer.bytes.toString('latin1')
  for (let i = 1 + random.int(2); i > 0; i--) text = accident(text, random)
  return { bytes: Buffer.from(text, 'latin1'), closes: answer.closes }
}

function accident(text: string, random: Random): string {
  const headEnd = text.indexOf('\r\n\r\n') + 4
  const at = random.int(random.chance(0.6) && headEnd > 3 ? headEnd : text.length)
  switch (random.int(8)) {
    case 0:
      return text.slice(0, at) + random.pick(BYTES) + text.slice(at)
    case 1:
      return text.slice(0, at) + random.pick(BYTES) + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + random.int(3))
    case 3:
    case 4: {
      const ends = [...text.matchAll(/\r\n/g)].map((match) => match.index + 2)
      const end = ends.length === 0 ? 0 : random.pick(ends.slice(0, 6))
      return `${text.slice(0, end)}${random.pick(INSERTED)}\r\n${text.slice(end)}`
    }
    case 5:
      return text.slice(0, at)
    case 6:
      return text + random.pick(['x', '\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'])
    default:
      return text.replaceAll(random.chance(0.5) ? /\r\n/g : /\r\n(?=[^\r]*:)/g, '\n')
  }
}
