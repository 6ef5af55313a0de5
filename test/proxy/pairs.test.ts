/** Two answers side by side, end to end: equal ones are counted and never travel, others travel once and whole. */
import { describe, expect, it } from 'vitest'
import type { AnswerMeta, PairMeta } from '../../src/core/model/pair.ts'
import { answerBytes, ok, reset, type Script } from '../support/wire/backend.ts'
import { get } from '../support/wire/client.ts'
import { value } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'
import { after, answerAs, gate, same, status } from '../support/proxy/scripts.ts'
import { COMPLETE, SHADOW, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'

const open = stages()
const MIRRORED = { mirror: { sample: 100, reverse: 100 } }

/** A stage whose thread is never late: no mirror is given up for that. */
async function mirrored(options: StageOptions): Promise<Stage> {
  const stage = await open({ word: SHADOW, ...options, route: { ...MIRRORED, ...options.route } })
  Object.defineProperty(stage.ctx.wheel, 'lagMs', { get: () => 0, set: () => undefined })
  return stage
}

/** The only pair, once both sides have ended and the tick has sent it on. */
async function onlyPair(stage: Stage): Promise<PairMeta> {
  await stage.quiet()
  await stage.ticks()
  expect(stage.pairs).toHaveLength(1)
  const [pair] = stage.pairs
  if (pair === undefined) throw new Error('no pair')
  return pair
}

function body(stage: Stage, side: AnswerMeta): string {
  const bytes = stage.batches[0]?.bytes ?? new ArrayBuffer(0)
  return Buffer.from(bytes, side.offset, side.length).toString('latin1')
}

describe('equal answers', () => {
  it.each([
    ['with a body', same('x'.repeat(200_000)), same('x'.repeat(200_000))],
    ['without one', status(204, ''), status(204, '')],
    ['differing in lines nobody listed', same('a', 'Date: now', 'X-Other: 1'), same('a', 'Date: then')],
    [
      'framed differently',
      answerBytes(ok('abc', 'Content-Type: t')),
      answerBytes('HTTP/1.1 200 Fine\r\nContent-Type: t\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n'),
    ],
    ['of a v2 that ends by closing', same('abc'), answerBytes('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nabc', 'close')],
  ])('are counted and never travel: %s', async (_name, v1, v2) => {
    const stage = await mirrored({ v1, v2 })
    for (let i = 0; i < 5; i++) await stage.ask(get(`/${i}`))
    await stage.quiet()
    await stage.ticks()
    expect([stage.counter('compare_match'), stage.batches.length]).toEqual([5, 0])
  })
})

describe('different answers', () => {
  it('travel once, with both sides whole', async () => {
    const stage = await mirrored({
      v1: same('one body', 'Content-Encoding: identity', 'X-L: 1', 'X-L: 2', 'X-Not: listed'),
      v2: status(201, 'another body', 'content-type: text/html', 'x-l: 3'),
      route: { compare: { headers: ['x-l'] } },
    })
    await stage.ask(get('/orders/7?secret=1', 'X-Request-Id: id-7'))
    const pair = await onlyPair(stage)
    expect(pair).toMatchObject({ slot: 1, route: 'all', method: 'GET', target: '/orders/7?secret=1', requestId: 'id-7' })
    expect(pair.v1).toMatchObject({ status: 200, length: 8, complete: true })
    expect(pair.v1.headers).toEqual({ 'content-type': 'text/plain', 'content-encoding': 'identity', 'x-l': '1, 2' })
    expect(pair.v2).toMatchObject({ status: 201, length: 12, complete: true })
    expect(pair.v2.headers).toEqual({ 'content-type': 'text/html', 'x-l': '3' })
    expect([body(stage, pair.v1), body(stage, pair.v2)]).toEqual(['one body', 'another body'])
    expect(stage.batches[0]?.bytes.byteLength).toBe(20)
    expect(pair.v1.latencyMs).toBeGreaterThanOrEqual(0)
    expect(pair.v2.latencyMs).toBeGreaterThanOrEqual(0)
    expect(stage.counter('compare_match')).toBe(0)
  })

  it.each([
    ['status', same('a'), status(404, 'a', 'Content-Type: text/plain')],
    ['content type', same('a'), answerBytes(ok('a', 'Content-Type: text/html'))],
    ['content encoding', same('a'), same('a', 'Content-Encoding: gzip')],
    ['one byte in the middle', same(`${'x'.repeat(70_000)}a${'x'.repeat(70_000)}`), same(`${'x'.repeat(70_000)}b${'x'.repeat(70_000)}`)],
    ['a longer body', same('x'.repeat(70_000)), same('x'.repeat(70_001))],
    ['a shorter body', same('x'.repeat(70_000)), same('x'.repeat(69_999))],
    ['no body', same('x'), same('')],
  ])('differ in %s', async (_name, v1, v2) => {
    const stage = await mirrored({ v1, v2 })
    const answer = await stage.ask(get('/'))
    const pair = await onlyPair(stage)
    expect(body(stage, pair.v1)).toBe(answer.body.toString('latin1'))
    expect(body(stage, pair.v2)).toBe(stage.v2.text === '' ? '' : await bodyOf(stage, v2))
  })

  it.each(['v1', 'v2'] as const)('are the same whoever answers first: %s waits', async (late) => {
    const { opened, open: go } = gate()
    const [v1, v2] = [same('from v1'), same('from v2')]
    const stage = await mirrored({ v1: late === 'v1' ? after(opened, v1) : v1, v2: late === 'v2' ? after(opened, v2) : v2 })
    const client = stage.client()
    await client.send(get('/'))
    const first = late === 'v1' ? 'mirror' : 'v1'
    await until('the first has answered', () => stage.lane(first).finished === 1)
    go()
    await client.answer()
    const pair = await onlyPair(stage)
    expect([body(stage, pair.v1), body(stage, pair.v2)]).toEqual(['from v1', 'from v2'])
  })

  it('of a v2 that serves have v1’s on v1’s side', async () => {
    const stage = await mirrored({ word: COMPLETE, v1: same('from v1'), v2: same('from v2!') })
    expect((await stage.ask(get('/'))).body.toString()).toBe('from v2!')
    const pair = await onlyPair(stage)
    expect([body(stage, pair.v1), body(stage, pair.v2)]).toEqual(['from v1', 'from v2!'])
    expect(stage.counted('reverse')).toEqual({ '2xx': 1 })
    expect(value(stage.v1.requests[0] ?? (stage.v2.requests[0] as never), 'x-banyan-shadow')).toBe('1')
  })

  it('go in batches of one buffer each, and are dropped and counted when nobody takes them', async () => {
    const stage = await mirrored({ v1: answerAs('v1'), v2: answerAs('v2') })
    const client = stage.client()
    for (let i = 0; i < 130; i++) await client.send(get(`/${i}`))
    await client.answer(130)
    await stage.quiet()
    await stage.ticks()
    expect(stage.pairs).toHaveLength(130)
    for (const batch of stage.batches) {
      expect(batch.pairs.length).toBeLessThanOrEqual(64)
      expect(batch.bytes.byteLength).toBe(batch.pairs.reduce((sum, { v1, v2 }) => sum + v1.length + v2.length, 0))
      for (const { target, v1, v2 } of batch.pairs) {
        expect(Buffer.from(batch.bytes, v1.offset, v1.length).toString()).toBe(`v1 GET ${target} 0`)
        expect(Buffer.from(batch.bytes, v2.offset, v2.length).toString()).toBe(`v2 GET ${target} 0`)
      }
    }
    const deaf = await mirrored({ v1: answerAs('v1'), v2: answerAs('v2'), taken: false })
    for (let i = 0; i < 3; i++) await deaf.ask(get(`/${i}`))
    await until('dropped', () => deaf.counter('compare_dropped') === 3)
  })
})

describe('incomparable, never handed on:', () => {
  it.each([
    ['v1’s body past the cap', same('x'.repeat(5_001)), same('y')],
    ['v2’s body past the cap', same('x'), same('y'.repeat(5_001))],
    ['both past the cap', same('x'.repeat(9_000)), same('x'.repeat(9_000))],
  ])('%s', async (_name, v1, v2) => {
    const stage = await mirrored({ v1, v2, route: { mirror: { ...MIRRORED.mirror, maxBodyBytes: 5_000 } } })
    const answer = await stage.ask(get('/'))
    expect(answer.complete).toBe(true)
    await stage.quiet()
    await stage.ticks()
    expect([stage.counter('compare_incomparable'), stage.counter('compare_match'), stage.batches.length]).toEqual([1, 0, 0])
    expect(stage.ctx.heldBytes).toBe(0)
  })

  it.each([
    'If-None-Match: "abc"',
    'If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT',
    'Range: bytes=0-3',
    'If-Range: "abc"',
    'if-MATCH: *',
  ])('answers to a request with %s that differ; equal ones match', async (line) => {
    const stage = await mirrored({ v1: answerAs('v1'), v2: answerAs('v2') })
    await stage.ask(get('/', line))
    await stage.quiet()
    await stage.ticks()
    expect([stage.counter('compare_incomparable'), stage.batches.length]).toEqual([1, 0])
    const equal = await mirrored({ v1: same(), v2: same() })
    await equal.ask(get('/', line))
    await until('matched', () => equal.counter('compare_match') === 1)
  })

  it.each([
    ['refuses', 'refuses' as const],
    ['resets', (async (exchange) => void (await exchange.whole, await reset(exchange))) satisfies Script],
    ['answers a listed 503', status(503)],
  ])('what v1 answered in the place of a v2 that %s', async (_name, v2) => {
    const stage = await mirrored({ v1: same('same'), v2, word: COMPLETE })
    for (let i = 0; i < 3; i++) expect(value(await stage.ask(get('/')), 'x-banyan-backend')).toBe('v1')
    await stage.quiet()
    await stage.ticks()
    // v1 equals itself: that says nothing about v2.
    expect([stage.counter('compare_match'), stage.batches.length]).toEqual([0, 0])
  })

  it('what v1 answered after a rollback took v2 away', async () => {
    const { opened, open: go } = gate()
    const stage = await mirrored({ v1: same('same'), v2: after(opened, same('late')), word: COMPLETE })
    const client = stage.client()
    await client.send(get('/'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    stage.setWord({ ...COMPLETE, latched: true })
    expect(value(await client.answer(), 'x-banyan-backend')).toBe('v1')
    go()
    await stage.quiet()
    await stage.ticks()
    expect([stage.counter('compare_match'), stage.batches.length]).toEqual([0, 0])
  })
})

describe('an answer that was cut', () => {
  it.each(['v1', 'v2'] as const)('by %s is never called a match', async (cut) => {
    const half: Script = async (exchange) => {
      await exchange.whole
      await exchange.send('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\nhalf')
      await until('it has gone', () => exchange.connection.socket.writableLength === 0)
      await stage.ticks(1)
      exchange.rst()
    }
    const stage = await mirrored({ v1: cut === 'v1' ? half : same('halfhalf'), v2: cut === 'v2' ? half : same('halfhalf') })
    const client = stage.client()
    await client.send(get('/'))
    if (cut === 'v1') expect(await client.end()).toBe('rst')
    else expect((await client.answer()).body.toString()).toBe('halfhalf')
    await stage.quiet()
    await stage.ticks()
    expect(stage.counter('compare_match')).toBe(0)
    for (const pair of stage.pairs) expect([pair.v1.complete, pair.v2.complete]).toEqual([cut !== 'v1', cut !== 'v2'])
  })
})

/** What a script answers, asked directly. */
async function bodyOf(stage: Stage, script: Script): Promise<string> {
  stage.v1.script = script
  stage.setWord({ stage: 'off' })
  return (await stage.ask(get('/again'))).body.toString('latin1')
}
