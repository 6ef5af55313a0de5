/** Every golden answer of a backend, whole, byte by byte and in random splits: what the client of the gateway sees. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawBackend } from '../support/wire/backend.ts'
import { startEngine, type TestEngine } from '../support/wire/engine.ts'
import { BASE_SEED, byteByByte, createRandom, randomSplits, seedOf } from '../support/wire/random.ts'
import { RESPONSES, STRICT_REFUSES, strictRefusal } from '../support/wire/response-expectations.ts'
import { runResponse, type SeenAnswer } from '../support/wire/response-run.ts'
import { responseVectors, type ResponseVector } from '../support/wire/vectors.ts'

const backend = new RawBackend()
let engine: TestEngine
let strict: TestEngine

beforeAll(async () => {
  const v1 = await backend.listen()
  engine = await startEngine({ v1 })
  strict = await startEngine({ v1, config: { backends: { v1: { strict: true } } } })
})
afterAll(async () => {
  await engine.close()
  await strict.close()
  await backend.close()
})

const vectors = responseVectors()
const repairable = vectors.filter(({ id }) => STRICT_REFUSES.some((strictly) => strictly === id))

/** No piece at all is a delivery too: S26 says nothing. */
const whole = (vector: ResponseVector): Buffer[] => (vector.bytes.length === 0 ? [] : [vector.bytes])

describe('a golden answer', () => {
  it.each(vectors)('$id ($expect) sent whole', async (vector) => {
    judge(await runResponse(engine, backend, vector, whole(vector)))
  })

  it.each(vectors)('$id ($expect) sent byte by byte', async (vector) => {
    judge(await runResponse(engine, backend, vector, byteByByte(vector.bytes)))
  })

  it.each(vectors)('$id ($expect) sent in random pieces', async (vector) => {
    for (const round of [1, 2, 3]) {
      const random = createRandom(seedOf(`${vector.id} ${round} ${BASE_SEED}`))
      judge(
        await runResponse(engine, backend, vector, vector.bytes.length === 0 ? [] : randomSplits(vector.bytes, random, 2 + random.int(8))),
      )
    }
  })

  it.each(repairable)('$id that could be repaired is 502 from a strict backend', async (vector) => {
    strictRefusal(await runResponse(strict, backend, vector, whole(vector)))
    strictRefusal(await runResponse(strict, backend, vector, byteByByte(vector.bytes)))
  })

  it('has an expectation, each of them', () => {
    expect(vectors.filter(({ id }) => RESPONSES[id] === undefined)).toEqual([])
  })
})

function judge(seen: SeenAnswer): void {
  const check = RESPONSES[seen.vector.id]
  if (check === undefined) throw new Error(`no expectation for ${seen.vector.id}`)
  try {
    check(seen)
  } catch (error) {
    const view = `${seen.vector.id} (${seen.vector.expect}): client saw ${JSON.stringify(seen.text.slice(-600))}, ended ${seen.ended}, asked ${seen.asked}, reused ${seen.reused}`
    throw new Error(view, { cause: error })
  }
}
