/**
 * Differential fuzz, requests: whatever strict `node:http` reads behind the engine is exactly what the tests'
 * own reader says was meant, message by message, or nothing at all.
 *
 * FUZZ_CASES and FUZZ_SEED widen or repeat a run.
 */
import { METHODS } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawClient } from '../support/wire/client.ts'
import { startEngine, type TestEngine } from '../support/wire/engine.ts'
import { mutated, validRequest } from '../support/wire/generate-request.ts'
import { comparable, comparableTrailers, meantRequests, wantedUpstream, type Wanted } from '../support/wire/meaning.ts'
import { valuesIn } from '../support/wire/message.ts'
import { startNodeServer, type NodeRequest, type NodeServer } from '../support/wire/node-server.ts'
import { BASE_SEED, createRandom, randomSplits } from '../support/wire/random.ts'
import { until } from '../support/wire/until.ts'

const CASES = Number(process.env['FUZZ_CASES'] ?? 2_000)
let engine: TestEngine
let server: NodeServer

beforeAll(async () => {
  server = await startNodeServer()
  engine = await startEngine({ v1: server.port, route: { timeouts: { headMs: 1_500, idleMs: 1_500 } } })
})
afterAll(async () => {
  await engine.close()
  await server.close()
})

describe('requests through the engine to node:http', () => {
  it(`${CASES} valid ones arrive as they were meant`, { timeout: 600_000 }, async () => {
    for (let i = 0; i < CASES / 4; i++) {
      const seed = BASE_SEED + i
      const random = createRandom(seed)
      const bytes = Buffer.concat(Array.from({ length: 1 + random.int(3) }, () => validRequest(random)))
      await run(seed, bytes, random.chance(0.5) ? [bytes] : randomSplits(bytes, random, 5), true)
    }
  })

  it(`${CASES} mutated ones arrive as they were meant, or not at all`, { timeout: 600_000 }, async () => {
    for (let i = 0; i < CASES; i++) {
      const seed = BASE_SEED + 1_000_000 + i
      const random = createRandom(seed)
      const first = mutated(validRequest(random), random)
      const bytes = random.chance(0.4) ? Buffer.concat([first, validRequest(random)]) : first
      await run(seed, bytes, random.chance(0.7) ? [bytes] : randomSplits(bytes, random, 5), false)
    }
  })
})

async function run(seed: number, bytes: Buffer, pieces: readonly Buffer[], valid: boolean): Promise<void> {
  server.reset()
  const client = new RawClient({ port: engine.port })
  try {
    await client.send(pieces)
    client.fin()
    await client.end(8_000)
    await until('the backend done', () => server.requests.every((request) => request.complete || request.over))
    judge(bytes, valid)
  } catch (error) {
    const read = server.requests.map(
      (one) => `${one.method} ${one.target} ${one.complete ? 'complete' : 'cut'} ${JSON.stringify(one.headers)}`,
    )
    throw new Error(
      `FUZZ_SEED for this case: ${seed}\nsent: ${JSON.stringify(bytes.toString('latin1'))}\nnode read: ${read.join('\n')}\nclient saw: ${client.text.slice(0, 400)}`,
      { cause: error },
    )
  } finally {
    client.close()
  }
}

/** Methods llhttp does not know and bytes from 0x80 in the target are forwarded, and refused by node: its own affair. */
const nodeRefuses = (method: string, target: string): boolean => !METHODS.includes(method) || /[\x80-\xff]/.test(target)

function judge(bytes: Buffer, valid: boolean): void {
  const meant = meantRequests(bytes).filter((message) => !nodeRefuses(message.method, message.target))
  const read = server.requests.filter((request) => request.complete)
  expect(read.length, 'more messages than were meant').toBeLessThanOrEqual(meant.length)
  if (valid) expect(read.length, 'a valid request was lost').toBe(meant.length)
  read.forEach((request, index) => {
    const message = meant[index]
    if (message === undefined) throw new Error('unreachable')
    expect(seen(request)).toEqual(known(wantedUpstream(message), request))
  })
  const complaints = server.complaints.filter(({ code, packet }) => {
    const [method = '', target = ''] = packet.split(' ', 2)
    return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE' && !nodeRefuses(method, target)
  })
  expect(complaints, 'node:http could not read what the engine wrote').toEqual([])
}

function seen(request: NodeRequest): Wanted {
  return {
    method: request.method,
    target: request.target,
    host: valuesIn(request.headers, 'host').join(' | '),
    headers: comparable(request.headers),
    trailers: comparableTrailers(request.trailers),
    body: request.body.toString('latin1'),
  }
}

/** An HTTP/1.0 request without Host gets the endpoint's authority. */
function known(wanted: Wanted, request: NodeRequest): Wanted {
  return wanted.host === null ? { ...wanted, host: valuesIn(request.headers, 'host').join(' | ') } : wanted
}
