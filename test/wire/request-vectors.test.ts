/** Every golden request, whole, byte by byte and in random splits: the verdict, what the backend saw, what "expect" says. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawBackend } from '../support/wire/backend.ts'
import { startEngine, type TestEngine } from '../support/wire/engine.ts'
import { connectionTokens, sketch, value } from '../support/wire/message.ts'
import { BASE_SEED, byteByByte, createRandom, randomSplits, seedOf } from '../support/wire/random.ts'
import { ACCEPTED, MUST_ACCEPT, MUST_REFUSE, REFUSED_WITH } from '../support/wire/request-expectations.ts'
import { runRequest, type Seen } from '../support/wire/request-run.ts'
import { requestVectors, type RequestVector } from '../support/wire/vectors.ts'

const backend = new RawBackend()
let engine: TestEngine

beforeAll(async () => {
  engine = await startEngine({ v1: await backend.listen() })
})
afterAll(async () => {
  await engine.close()
  await backend.close()
})

const vectors = requestVectors()

describe('a golden request', () => {
  it.each(vectors)('$id ($name) sent whole', async (vector) => {
    judge(await runRequest(engine, backend, vector, [vector.bytes]))
  })

  it.each(vectors)('$id ($name) sent byte by byte', async (vector) => {
    judge(await runRequest(engine, backend, vector, byteByByte(vector.bytes)))
  })

  it.each(vectors)('$id ($name) sent in random pieces', async (vector) => {
    for (const round of [1, 2, 3]) {
      const random = createRandom(seedOf(`${vector.id} ${round} ${BASE_SEED}`))
      judge(await runRequest(engine, backend, vector, randomSplits(vector.bytes, random, 2 + random.int(8))))
    }
  })

  it('has an expectation for each accepted vector', () => {
    const missing = vectors.filter(({ id, verdict }) => verdict === 'accept' && ACCEPTED[id] === undefined)
    expect(missing.map(({ id }) => id)).toEqual([])
  })
})

function judge(seen: Seen): void {
  const { vector } = seen
  const context = `${vector.id}: answers ${seen.answers.map(sketch).join(' ')}, ended ${seen.ended}, upstream ${seen.upstream.map(sketch).join(' ')}`
  expect(seen.upstream.length, context).toBeLessThanOrEqual(vector.maxUpstreamRequests)
  expect(
    engine.dials.targets.filter((to) => ![engine.port, backend.port].some((port) => to.endsWith(`:${port}`))),
    'dialled elsewhere',
  ).toEqual([])
  if (MUST_REFUSE.has(vector.id)) expect(seen.accepted, context).toBe(false)
  if (MUST_ACCEPT.has(vector.id)) expect(seen.accepted, context).toBe(true)
  if (seen.accepted) judgeAccepted(seen, vector, context)
  else judgeRefused(seen, vector, context)
}

function judgeAccepted(seen: Seen, vector: RequestVector, context: string): void {
  const [request] = seen.upstream
  if (request === undefined) throw new Error(`nothing reached the backend: ${context}`)
  expect(
    seen.answers.map((answer) => answer.status),
    context,
  ).toEqual(seen.upstream.map(() => 200))
  ACCEPTED[vector.id]?.(seen, request)
}

function judgeRefused(seen: Seen, vector: RequestVector, context: string): void {
  expect(seen.upstream.length, context).toBe(0)
  expect(seen.ended, context).not.toBeNull()
  expect(seen.answers.length, context).toBeLessThanOrEqual(1)
  const wanted = REFUSED_WITH[vector.id] ?? 400
  if (typeof wanted === 'function') {
    wanted(seen, seen.answers[0] as never)
    return
  }
  const [answer] = seen.answers
  if (answer === undefined) throw new Error(`closed without saying why: ${context}`)
  expect([wanted].flat(), context).toContain(answer.status)
  expect(connectionTokens(answer), context).toContain('close')
  expect(value(answer, 'content-type')).toContain('application/problem+json')
}
