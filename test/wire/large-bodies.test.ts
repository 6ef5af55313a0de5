/** 100 MB in each direction, streamed: every byte the same, and memory bounded all the while. */
import { createHash, type Hash } from 'node:crypto'
import { expect, it } from 'vitest'
import { get } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { createRandom } from '../support/wire/random.ts'

const TOTAL = 100_000_000
const BLOCK = createRandom(11).bytes(1_000_003)
/** Client, engine and backend share this process; their sockets' buffers are all that may grow. */
const ALLOWED_GROWTH = 96 * 1_048_576

let upHash: Hash = createHash('sha256')
const gateway = useGateway({}, { keepBody: false, onBody: (chunk) => void upHash.update(chunk) })

/** The body piece by piece, of odd sizes. */
function* pieces(): Generator<Buffer> {
  const random = createRandom(12)
  for (let left = TOTAL; left > 0;) {
    const from = random.int(BLOCK.length - 1)
    const piece = BLOCK.subarray(from, Math.min(BLOCK.length, from + 1 + random.int(200_000), from + left))
    left -= piece.length
    yield piece
  }
}

function expectedHash(): string {
  const hash = createHash('sha256')
  for (const piece of pieces()) hash.update(piece)
  return hash.digest('hex')
}

/** The highest resident size seen while `work` runs, above what it was before. */
async function growthDuring(work: () => Promise<void>): Promise<number> {
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 20)
  await work()
  clearInterval(timer)
  return peak - before
}

it.each(['Content-Length', 'chunked'])('a request of 100 MB (%s)', async (framing) => {
  upHash = createHash('sha256')
  const client = gateway.client()
  const growth = await growthDuring(async () => {
    const chunked = framing === 'chunked'
    await client.send(`PUT /big HTTP/1.1\r\nHost: a\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${TOTAL}`}\r\n\r\n`)
    for (const piece of pieces()) {
      await client.send(chunked ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]) : piece)
    }
    if (chunked) await client.send('0\r\n\r\n')
    await client.answer(1, 25_000)
  })
  const [request] = gateway.backend.complete
  expect([request?.received, upHash.digest('hex')]).toEqual([TOTAL, expectedHash()])
  expect(growth).toBeLessThan(ALLOWED_GROWTH)
})

it.each(['Content-Length', 'chunked'])('an answer of 100 MB (%s)', async (framing) => {
  const chunked = framing === 'chunked'
  gateway.backend.reset(async (exchange) => {
    await exchange.send(`HTTP/1.1 200 OK\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${TOTAL}`}\r\n\r\n`)
    for (const piece of pieces()) {
      await exchange.send(chunked ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]) : piece)
    }
    if (chunked) await exchange.send('0\r\n\r\n')
  })
  const hash = createHash('sha256')
  const client = gateway.client({ keepBody: false, onBody: (chunk) => void hash.update(chunk) })
  const growth = await growthDuring(async () => {
    await client.send(get('/big'))
    await client.answer(1, 25_000)
  })
  expect([client.complete[0]?.received, hash.digest('hex')]).toEqual([TOTAL, expectedHash()])
  expect(growth).toBeLessThan(ALLOWED_GROWTH)
})
