/**
 * Differential fuzz, answers: what strict `node:http` reads through the engine is exactly the one answer the
 * backend gave (repaired where HTTP.md allows), or an error: never whole when it was cut, never two.
 *
 * FUZZ_CASES and FUZZ_SEED widen or repeat a run.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawBackend, reset } from '../support/wire/backend.ts'
import { startEngine, type TestEngine } from '../support/wire/engine.ts'
import { mutatedAnswer, validAnswer, type GeneratedAnswer } from '../support/wire/generate-answer.ts'
import { readLegacy, type LegacyAnswer } from '../support/wire/legacy.ts'
import { values, type HeaderLine, type Message } from '../support/wire/message.ts'
import { askByNode, type NodeAnswer } from '../support/wire/node-client.ts'
import { BASE_SEED, createRandom, randomSplits } from '../support/wire/random.ts'
import { MessageReader } from '../support/wire/reader.ts'

const CASES = Number(process.env['FUZZ_CASES'] ?? 2_000)
const backend = new RawBackend()
let engine: TestEngine

beforeAll(async () => {
  engine = await startEngine({ v1: await backend.listen(), route: { timeouts: { firstByteMs: 250, idleMs: 250 } } })
})
afterAll(async () => {
  await engine.close()
  await backend.close()
})

describe('answers through the engine to node:http', () => {
  it(`valid ones arrive as they were (${CASES / 2})`, { timeout: 600_000 }, async () => {
    for (let i = 0; i < CASES / 2; i++) await run(BASE_SEED + i, (random) => validAnswer(random), true)
  })

  it(`mutated ones arrive as HTTP.md reads them, or not at all (${CASES})`, { timeout: 600_000 }, async () => {
    for (let i = 0; i < CASES; i++) await run(BASE_SEED + 1_000_000 + i, (random) => mutatedAnswer(validAnswer(random), random), false)
  })
})

async function run(seed: number, generate: (random: ReturnType<typeof createRandom>) => GeneratedAnswer, valid: boolean): Promise<void> {
  const random = createRandom(seed)
  const given = generate(random)
  const method = random.chance(0.15) ? 'HEAD' : 'GET'
  // A broken answer on a connection left open ends by a deadline: a few of those are enough.
  const end = given.closes || (!valid && random.chance(0.95)) ? (valid || random.chance(0.7) ? 'fin' : 'rst') : 'keep'
  const pieces = given.bytes.length === 0 ? [] : random.chance(0.6) ? [given.bytes] : randomSplits(given.bytes, random, 5)
  backend.reset(async (exchange) => {
    await exchange.send(pieces)
    if (end === 'fin') exchange.fin()
    else if (end === 'rst') await reset(exchange)
  })
  const seen = await askByNode(engine.port, method, random.chance(0.3))
  try {
    expect(backend.faults).toEqual([])
    // A valid answer's HEAD variant has a body behind its head; both readers must cope.
    judge(seen, readLegacy(given.bytes, method, end === 'fin'), method, valid)
  } catch (error) {
    throw new Error(
      `FUZZ_SEED for this case: ${seed}\n${method}, backend (${end}): ${JSON.stringify(given.bytes.toString('latin1'))}\nclient (${seen.ended}, ${seen.error}): ${JSON.stringify(seen.raw.toString('latin1'))}`,
      { cause: error },
    )
  }
}

function judge(seen: NodeAnswer, given: LegacyAnswer, method: string, valid: boolean): void {
  const reader = new MessageReader({ role: 'response', canonical: true, methodOf: () => method })
  reader.push(seen.raw)
  if (seen.ended !== null) reader.end(seen.ended)
  expect(reader.fault, 'the engine wrote no HTTP').toBeNull()
  const whole = reader.messages.filter((message) => message.complete)
  expect(reader.messages.length, 'more than one answer').toBeLessThanOrEqual(1)
  const [own] = whole
  if (own !== undefined && isOwn(own)) {
    expect(valid, 'a valid answer was refused').toBe(false)
    return
  }
  // Node and the tests' reader must agree on whether there is a whole answer.
  expect(seen.answer === null, `node says ${seen.error ?? 'whole'}`).toBe(own === undefined)
  if (own === undefined || seen.answer === null) {
    expect(valid, 'a valid answer was cut').toBe(false)
    return
  }
  if (given.kind !== 'complete') throw new Error(`a whole answer, but the backend's was ${given.kind === 'bad' ? given.why : 'cut'}`)
  expect([seen.answer.status, own.status]).toEqual([given.status, given.status])
  expect(seen.answer.body.toString('latin1')).toBe(given.body.toString('latin1'))
  expect(endToEnd(seen.answer.headers)).toEqual(endToEnd(given.headers))
}

function isOwn(message: Message): boolean {
  return values(message, 'content-type').join() === 'application/problem+json' && message.status >= 500
}

const HOPS = /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|x-api-version|x-banyan-backend)$/i

/** Headers a client must see in this order: without hop-by-hop ones, their lookalikes, and what the backend's Connection names. */
function endToEnd(headers: readonly HeaderLine[]): HeaderLine[] {
  const nominated = headers.filter(([name]) => /^connection$/i.test(name)).flatMap(([, line]) => line.toLowerCase().split(/[ \t]*,[ \t]*/))
  return headers.filter(([name]) => !HOPS.test(name.replaceAll('_', '-')) && !nominated.includes(name.toLowerCase()))
}
