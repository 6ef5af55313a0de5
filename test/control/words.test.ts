import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLaxer, openWords } from '../../src/control/words.ts'
import { LATCHED, LIVE, packWord, STAGES } from '../../src/core/model/routing.ts'
import type { WordParts } from '../../src/core/model/routing.ts'

const parts: fc.Arbitrary<WordParts> = fc.record({
  weightBps: fc.integer({ min: 0, max: 10_000 }),
  stage: fc.constantFrom(...STAGES),
  latched: fc.boolean(),
  killed: fc.boolean(),
  ceilingZero: fc.boolean(),
  live: fc.boolean(),
  mirrorsOff: fc.boolean(),
})
const word = parts.map(packWord)

describe('isLaxer', () => {
  it('never holds both ways round for words that differ in one thing only, nor for a word and itself', () => {
    fc.assert(fc.property(word, (a) => !isLaxer(a, a)))
    fc.assert(
      fc.property(parts, fc.integer({ min: 0, max: 10_000 }), (a, weightBps) => {
        const b = packWord({ ...a, weightBps, live: true })
        const c = packWord({ ...a, live: true })
        expect(isLaxer(b, c)).toBe(weightBps > a.weightBps)
      }),
    )
  })

  it('calls every removed bound a raise, whatever else became stricter', () => {
    for (const bound of ['latched', 'killed', 'ceilingZero'] as const) {
      fc.assert(
        fc.property(parts, (a) => {
          const held = packWord({ ...a, live: true, [bound]: true })
          const freed = packWord({ ...a, live: true, [bound]: false, weightBps: 0, stage: 'off' })
          expect(isLaxer(freed, held)).toBe(true)
        }),
      )
    }
  })

  it('is transitive in its negation: a chain of lowerings is a lowering', () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        fc.pre(!isLaxer(b, a) && !isLaxer(c, b))
        expect(isLaxer(c, a)).toBe(false)
      }),
    )
  })
})

describe('the words', () => {
  it('are what another view of the memory reads', () => {
    const memory = new SharedArrayBuffer(4 * 8)
    openWords(memory).write(3, LIVE | LATCHED)
    expect(openWords(memory).read(3)).toBe(LIVE | LATCHED)
    expect(new Int32Array(memory)[3]).toBe(LIVE | LATCHED)
  })
})
