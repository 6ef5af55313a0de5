/**
 * A truncated answer never looks complete: whatever the framing, wherever it is cut, by FIN or RST.
 *
 * The one cut that is no cut: FIN at the end of a close-delimited body. How much of it came is then all of it.
 */
import { describe, expect, it } from 'vitest'
import { reset } from '../support/wire/backend.ts'
import { get, type RawClient } from '../support/wire/client.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { BASE_SEED, createRandom, randomSplits, type Random } from '../support/wire/random.ts'
import { until } from '../support/wire/until.ts'

const gateway = useGateway()
const CUTS = Number(process.env['TRUNCATION_CASES'] ?? 60)

interface Shape {
  readonly name: string
  /** The answer, and how many of its bytes are its head. */
  readonly answer: (body: Buffer, random: Random) => { readonly bytes: Buffer; readonly head: number }
  readonly closeDelimited: boolean
}

function withHead(head: string, body: Buffer): { bytes: Buffer; head: number } {
  return { bytes: Buffer.concat([Buffer.from(head), body]), head: head.length }
}

function chunksOf(body: Buffer, random: Random): Buffer {
  const chunks = randomSplits(body, random, 5).flatMap((piece) => [
    Buffer.from(`${piece.length.toString(16)}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...chunks, Buffer.from('0\r\nX-T: end\r\n\r\n')])
}

const SHAPES: readonly Shape[] = [
  {
    name: 'Content-Length',
    answer: (body) => withHead(`HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: ${body.length}\r\n\r\n`, body),
    closeDelimited: false,
  },
  {
    name: 'chunked',
    answer: (body, random) => withHead('HTTP/1.1 200 OK\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n', chunksOf(body, random)),
    closeDelimited: false,
  },
  { name: 'close-delimited', answer: (body) => withHead('HTTP/1.1 200 OK\r\nX: 1\r\n\r\n', body), closeDelimited: true },
]

describe.each(SHAPES)('an answer framed by $name', ({ name, answer, closeDelimited }) => {
  describe.each(['fin', 'rst'] as const)('cut by %s', (how) => {
    it.each(['HTTP/1.1', 'HTTP/1.0'])('is never complete at a %s client', async (version) => {
      for (let i = 0; i < CUTS; i++) {
        const seed = BASE_SEED + i
        const random = createRandom(seed)
        const { bytes, head } = answer(random.bytes(1 + random.int(i % 3 === 0 ? 200_000 : 300)), random)
        const at = cutPoint(bytes.length, head, random)
        const piece = bytes.subarray(0, at)
        await gateway.backend.disconnect()
        gateway.backend.reset(async (exchange) => {
          if (!(await exchange.whole)) return
          await exchange.send(randomSplits(piece, random, 1 + random.int(4)))
          if (how === 'fin') exchange.fin()
          else await reset(exchange)
        })
        const client = gateway.client()
        await client.send(version === 'HTTP/1.1' ? get('/cut') : 'GET /cut HTTP/1.0\r\nHost: a\r\n\r\n')
        await until(
          () => `an end (seed ${seed}, ${name} cut at ${at} of ${bytes.length}); have ${client.describe()}`,
          () => client.ended !== null || client.complete.length > 0,
        )
        try {
          if (at >= head && closeDelimited && how === 'fin') expectAll(client, bytes.subarray(head, at))
          else expectCut(client)
        } catch (error) {
          throw new Error(
            `seed ${seed}: ${name} cut by ${how} at ${at} of ${bytes.length} (head ${head}), ${version}: ${client.describe()}`,
            { cause: error },
          )
        }
        client.close()
      }
    })
  })
})

/** Anywhere, and often just at an edge: in the head, right after it, one byte before the end. */
function cutPoint(length: number, head: number, random: Random): number {
  const edges = [0, 1, head - 1, head, head + 1, length - 1, length - 2, length - 5]
  const at = random.chance(0.4) ? random.pick(edges) : random.int(length)
  return Math.max(0, Math.min(at, length - 1))
}

function expectCut(client: RawClient): void {
  expect(client.reader.fault).toBeNull()
  const [answer] = client.answers
  if (answer?.status === 502) {
    expect([client.answers.length, answer.complete, problem(answer).status]).toEqual([1, true, 502])
    return
  }
  expect(client.complete).toEqual([])
  // HTTP.md: a cut is passed on as a reset; only that is a cut in every framing and for every client.
  expect(client.ended).toBe('rst')
}

function expectAll(client: RawClient, body: Buffer): void {
  expect(client.reader.fault).toBeNull()
  expect(client.complete.map((answer) => [answer.status, answer.body.equals(body)])).toEqual([[200, true]])
}

describe('a request cut by its client', () => {
  it.each(['fin', 'rst'] as const)('by %s is never complete at the backend', async (how) => {
    for (let i = 0; i < CUTS; i++) {
      const seed = BASE_SEED + 1_000 + i
      const random = createRandom(seed)
      const body = random.bytes(1 + random.int(i % 3 === 0 ? 100_000 : 300))
      const chunked = random.chance(0.5)
      const head = `POST /cut HTTP/1.1\r\nHost: a\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`}\r\n\r\n`
      const bytes = Buffer.concat([Buffer.from(head), chunked ? chunksOf(body, random) : body])
      const at = cutPoint(bytes.length, head.length, random)
      gateway.backend.reset()
      const client = gateway.client()
      await client.send(randomSplits(bytes.subarray(0, at), random, 1 + random.int(4)))
      if (how === 'fin') client.fin()
      else client.rst()
      await until(`the end of it (seed ${seed})`, () => client.socket.destroyed || client.ended !== null)
      await until(`the backend rid of it (seed ${seed})`, () =>
        gateway.backend.connections.every((one) => one.ended !== null || one.reader.idle),
      )
      expect(
        [gateway.backend.complete.length, client.complete.filter((answer) => answer.status < 400).length],
        `seed ${seed}, cut at ${at}`,
      ).toEqual([0, 0])
      client.close()
    }
  })
})
