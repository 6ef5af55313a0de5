/** Bodies pass unchanged in both directions: random lengths to 8 MiB, any framing, any chunks, any splits. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Exchange } from '../support/wire/backend.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { BASE_SEED, createRandom, randomBody, randomSplits, type Random } from '../support/wire/random.ts'

const gateway = useGateway()
const CASES = Number(process.env['IDENTITY_CASES'] ?? 24)
const MAX = 8 * 1_048_576

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Most bodies are small or near an edge; some are as large as they may be. */
function lengthOf(random: Random, i: number): number {
  const edges = [0, 1, 2, 4_095, 16_383, 16_384, 65_535, 65_536, 65_537, 1_048_576, MAX]
  return i < edges.length ? (edges[i] ?? 0) : Math.floor(MAX ** random.next())
}

type Framing = 'length' | 'chunked' | 'close'

function framed(body: Buffer, framing: Framing, random: Random): { readonly header: string; readonly payload: Buffer } {
  if (framing === 'length') return { header: `Content-Length: ${body.length}\r\n`, payload: body }
  if (framing === 'close') return { header: '', payload: body }
  const pieces = body.length === 0 ? [] : randomSplits(body, random, 1 + random.int(40))
  const chunks = pieces.flatMap((piece) => {
    const size = random.chance(0.3) ? piece.length.toString(16).toUpperCase().padStart(6, '0') : piece.length.toString(16)
    return [Buffer.from(`${size}\r\n`), piece, Buffer.from('\r\n')]
  })
  return { header: 'Transfer-Encoding: chunked\r\n', payload: Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]) }
}

describe.each(['length', 'chunked'] as const)('a request framed by %s', (requestFraming) => {
  it.each(['length', 'chunked', 'close'] as const)('and an answer framed by %s', async (answerFraming) => {
    for (let i = 0; i < CASES; i++) {
      const seed = BASE_SEED + i * 7
      const random = createRandom(seed)
      const sent = randomBody(random, lengthOf(random, i))
      const back = randomBody(random, lengthOf(random, (i + 5) % 16))
      const parts = 1 + random.int(30)
      gateway.backend.reset((exchange) => answerWith(exchange, back, answerFraming, random, parts))
      const { header, payload } = framed(sent, requestFraming, random)
      const client = gateway.client()
      const head = Buffer.from(`POST /identity HTTP/1.1\r\nHost: a\r\n${header}\r\n`)
      await client.send(randomSplits(Buffer.concat([head, payload]), random, parts))
      const answer = await client.answer(1, 15_000)
      const [request] = gateway.backend.requests
      const context = `seed ${seed}: ${sent.length} bytes there, ${back.length} back`
      expect([request?.complete, request?.received], context).toEqual([true, sent.length])
      expect([answer.status, answer.received], context).toEqual([200, back.length])
      expect([sha(request?.body ?? sent), sha(answer.body)], context).toEqual([sha(sent), sha(back)])
      client.close()
    }
  })
})

async function answerWith(exchange: Exchange, body: Buffer, framing: Framing, random: Random, parts: number): Promise<void> {
  if (!(await exchange.whole)) return
  const { header, payload } = framed(body, framing, random)
  await exchange.send(randomSplits(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${header}\r\n`), payload]), random, parts))
  if (framing === 'close') exchange.fin()
}

describe('both directions at once', () => {
  it('an echo of 8 MiB comes back as it went', async () => {
    const random = createRandom(BASE_SEED)
    const body = randomBody(random, MAX)
    gateway.backend.reset(async (exchange) => {
      const { connection } = exchange
      await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
      let from = 0
      // What has come so far is sent back while the rest is still on its way.
      const forward = (chunk: Buffer): void => {
        const piece = body.subarray(from, from + chunk.length)
        from += piece.length
        connection.socket.write(piece)
      }
      connection.socket.on('data', forward)
      await exchange.whole
      connection.socket.off('data', forward)
      if (from < body.length) connection.socket.write(body.subarray(from))
    })
    const client = gateway.client()
    await client.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`)
    await client.send(body)
    const answer = await client.answer(1, 15_000)
    expect(sha(answer.body)).toBe(sha(body))
    expect(sha(gateway.backend.complete[0]?.body ?? Buffer.alloc(0))).toBe(sha(body))
  })
})
