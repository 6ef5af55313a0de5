import { randomFillSync } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandomHex, isTraceparent, startTraceparent, traceIdOf } from '../../../src/core/split/trace.ts'

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('a value by the specification goes on', () => {
  expect(isTraceparent(VALID)).toBe(true)
  expect(isTraceparent(VALID.replace(/01$/, '00'))).toBe(true)
  expect(isTraceparent(`cc${VALID.slice(2)}`)).toBe(true)
  expect(isTraceparent(`cc${VALID.slice(2)}-what-comes-later`)).toBe(true)
  expect(traceIdOf(VALID)).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
})

test('what the specification calls invalid does not', () => {
  const wrong = [
    '',
    VALID.slice(0, -1),
    `${VALID}-more`,
    `${VALID}0`,
    `ff${VALID.slice(2)}`,
    `cc${VALID.slice(2)}.later`,
    VALID.toUpperCase(),
    VALID.replace('4bf9', '4bg9'),
    VALID.replaceAll('-', '_'),
    `0x${VALID.slice(2)}`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
    ` ${VALID}`,
  ]
  for (const value of wrong) expect(isTraceparent(value), value).toBe(false)
})

test('one changed character is noticed wherever it stands', () => {
  fc.assert(
    fc.property(fc.nat(54), fc.constantFrom('g', 'A', ' ', '/', ':', '`', '\u00ff', '-'), (at, char) => {
      fc.pre(VALID[at] !== char)
      return !isTraceparent(VALID.slice(0, at) + char + VALID.slice(at + 1))
    }),
  )
})

test('what is started is valid, sampled, and new each time', () => {
  const randomHex = createRandomHex(randomFillSync)
  const started = Array.from({ length: 1_000 }, () => startTraceparent(randomHex))
  for (const value of started) {
    expect(isTraceparent(value), value).toBe(true)
    expect(value.endsWith('-03')).toBe(true)
  }
  expect(new Set(started.map(traceIdOf)).size).toBe(1_000)
})

test('even a source of zeros starts a valid trace', () => {
  const zeros = startTraceparent(createRandomHex((pool) => pool.fill(0)))
  expect(isTraceparent(zeros)).toBe(true)
})

test('the random pool is filled once for many traces and never handed out twice', () => {
  let fills = 0
  const randomHex = createRandomHex((pool) => {
    fills++
    for (let index = 0; index < pool.length; index++) pool[index] = (index + fills) % 251
  })
  const digits = Array.from({ length: 300 }, () => randomHex(32))
  expect(fills).toBe(2)
  expect(digits.every((text) => /^[0-9a-f]{32}$/.test(text))).toBe(true)
})
