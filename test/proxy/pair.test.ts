/** The law of a pair: whatever two answers are, and in whatever pieces they come, nothing or exactly both is handed on. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRoute } from '../../src/core/split/compile.ts'
import { Pair, type PairOwner } from '../../src/proxy/pair.ts'
import { AnswerInfo, readAnswer } from '../../src/wire/answer.ts'
import { HeadReader } from '../../src/wire/head-reader.ts'
import { gatewayConfig, routeConfig } from '../support/wire/config.ts'

const LIMITS = { requestLineBytes: 8_192, headBytes: 32_768, lines: 200 }

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
  readonly complete: boolean
}

class Owner implements PairOwner {
  heldBytes = 0
  most = 0
  finishes = 0
  launches = 0
  /** What the pair said at its end. */
  equal = false
  bodies: readonly [Buffer, Buffer] | null = null
  launch(): void {
    this.launches++
  }
  finished(pair: Pair): void {
    this.finishes++
    this.equal = !pair.incomparable && pair.equal
    this.bodies = pair.incomparable ? null : [pair.body(pair.primary), pair.body(pair.mirror)]
  }
  held(bytes: number): void {
    this.heldBytes += bytes
    this.most = Math.max(this.most, this.heldBytes)
  }
}

function pairOf(owner: Owner, cap: number): Pair {
  const config = routeConfig({ mirror: { maxBodyBytes: cap } })
  const route = compileRoute(config, 0, gatewayConfig([config], [1], [2]), { slots: {}, resalts: {} })
  return new Pair(owner, route, { method: 'GET', target: '/', requestId: '', revision: 1, primaryBackend: 'v1', conditional: false })
}

function head(pair: Pair, side: 'primary' | 'mirror', { status, type }: Answer): void {
  const reader = new HeadReader()
  const info = new AnswerInfo()
  const bytes = Buffer.from(`HTTP/1.1 ${status} X\r\nContent-Type: ${type}\r\n\r\n`)
  reader.readAnswer(bytes, 0, bytes.length, false, LIMITS)
  readAnswer(reader.head, info, false, false)
  if (side === 'primary') pair.primaryHead(reader.head, info, 1)
  else pair.mirrorHead(reader.head, info, 1)
}

const letters = fc.array(fc.constantFrom(97, 97, 97, 98), { maxLength: 60 }).map((bytes) => Buffer.from(bytes))
const answer = fc.record({
  status: fc.constantFrom(200, 200, 200, 404),
  type: fc.constantFrom('a', 'a', 'b'),
  body: letters,
  complete: fc.constantFrom(true, true, true, false),
})
/** Often the same answer again, or one that begins the same. */
const two = fc
  .tuple(answer, answer, fc.constantFrom('same', 'prefix', 'other'))
  .map(([a, b, how]): readonly [Answer, Answer] => [
    a,
    how === 'same' ? a : how === 'prefix' ? { ...b, body: Buffer.concat([a.body, b.body]).subarray(0, 60) } : b,
  ])

/** Feeds both answers piece by piece; `order` says whose turn it is and how large the piece. */
function feed(pair: Pair, answers: readonly [Answer, Answer], order: readonly (readonly [boolean, number])[]): void {
  const at: [number, number] = [-1, -1]
  const step = (side: 0 | 1, size: number): boolean => {
    const { body, complete } = answers[side]
    const from = at[side]
    if (from > body.length) return false
    if (from === -1) {
      head(pair, side === 0 ? 'primary' : 'mirror', answers[side])
      at[side] = 0
    } else if (from === body.length) {
      at[side] = body.length + 1
      if (side === 0) pair.primaryEnd(complete)
      else pair.mirrorEnd(complete)
    } else {
      const to = Math.min(body.length, from + size)
      // A read buffer that is overwritten right after, as the engine's is.
      const read = Buffer.concat([Buffer.from('..'), body.subarray(from, to), Buffer.from('..')])
      if (side === 0) pair.primaryBody(read, 2, 2 + to - from)
      else pair.mirrorBody(read, 2, 2 + to - from)
      read.fill(0)
      at[side] = to
    }
    return true
  }
  for (const [second, size] of order) step(second ? 1 : 0, size)
  for (const side of [0, 1] as const) while (step(side, 7));
}

const order = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 25 })), { maxLength: 40 })

describe('a pair', () => {
  it('says equal exactly when both are complete and the same, and hands on exactly both otherwise', () => {
    fc.assert(
      fc.property(two, order, fc.integer({ min: 0, max: 70 }), (answers, turns, cap) => {
        const owner = new Owner()
        const pair = pairOf(owner, cap)
        feed(pair, answers, turns)
        const [a, b] = answers
        const fits = Math.max(a.body.length, b.body.length) <= cap
        const equal = a.complete && b.complete && a.status === b.status && a.type === b.type && a.body.equals(b.body)
        expect(owner.finishes).toBe(1)
        expect(owner.equal).toBe(fits && equal)
        expect(pair.incomparable).toBe(!fits)
        if (fits) expect(owner.bodies).toEqual([a.body, b.body])
        expect(owner.heldBytes).toBe(0)
        expect(owner.most).toBeLessThanOrEqual(2 * cap)
      }),
      { numRuns: 3_000 },
    )
  })

  it('keeps one copy of two equal answers, whoever is ahead', () => {
    fc.assert(
      fc.property(letters, order, (body, turns) => {
        const owner = new Owner()
        const same = { status: 200, type: 'a', body, complete: true }
        const pair = pairOf(owner, 1_000)
        // The first to begin stays ahead: the other is only ever compared.
        feed(pair, [same, same], [[false, 25], [false, 25], [false, 25], [false, 25], ...turns])
        expect(owner.equal).toBe(true)
        expect(owner.most).toBe(body.length)
      }),
    )
  })

  it('lets go of a request body past its cap at once, and of everything when the request never completes', () => {
    const owner = new Owner()
    const pair = pairOf(owner, 100)
    pair.requestBytes(Buffer.alloc(60), 0, 60)
    expect(owner.heldBytes).toBe(60)
    pair.requestBytes(Buffer.alloc(60), 0, 60)
    expect([owner.heldBytes, pair.dropped]).toEqual([0, true])
    const other = pairOf(owner, 100)
    other.requestBytes(Buffer.alloc(60), 0, 60)
    other.exchangeEnded()
    expect([owner.heldBytes, owner.finishes, owner.launches]).toEqual([0, 1, 0])
  })

  it('is launched once, and its end is told once', () => {
    const owner = new Owner()
    const pair = pairOf(owner, 100)
    pair.requestComplete()
    pair.requestComplete()
    pair.mirrorEnd(false)
    pair.mirrorEnd(true)
    pair.primaryEnd(true)
    pair.abandon()
    pair.exchangeEnded()
    expect([owner.launches, owner.finishes]).toEqual([1, 1])
  })
})
