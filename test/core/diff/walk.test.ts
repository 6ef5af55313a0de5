import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyJson, anyMutation, bytesOf, compare, found, pointerOf } from './documents.ts'

describe('JSON documents', () => {
  it.each([
    ['{"a":1}', '{"a":1}'],
    ['{"a":1,"b":[1,2]}', ' { "b" : [ 1 , 2 ] , "a" : 1 } '],
    ['{"n":1}', '{"n":1.0}'],
    ['{"s":"\\u00e9\\/"}', '{"s":"é/"}'],
    ['{"a":1,"a":2}', '{"a":1,"a":2.0}'],
    ['{"a":1,"b":1,"a":2}', '{"b":1,"a":1,"a":2}'],
    ['[[],{}]', '[ [ ] , { } ]'],
  ])('%s matches %s', (a, b) => expect(compare(a, b)).toMatchObject({ outcome: 'match', differences: [], reason: null, cut: false }))

  it.each([
    ['{"a":1}', '{"a":2}', ['/a value']],
    ['1', '2', [' value']],
    ['{"a":1}', '[1]', [' type']],
    ['{"a":true}', '{"a":false}', ['/a value']],
    ['{"a":true}', '{"a":null}', ['/a type']],
    ['{"a":"1"}', '{"a":1}', ['/a type']],
    ['{"a":1}', '{}', ['/a missing']],
    ['{}', '{"a":1}', ['/a extra']],
    ['{"a":null}', '{}', ['/a missing']],
    ['{"a":1}', '{"b":1}', ['/a missing', '/b extra']],
    ['{"a":9007199254740992}', '{"a":9007199254740993}', ['/a value']],
    ['{"a":1e400}', '{"a":1e401}', ['/a value']],
    ['{"a":{"b":{"c":1}}}', '{"a":{"b":{"c":2}}}', ['/a/b/c value']],
    ['{"items":[{"p":1},{"p":2},{"p":3}]}', '{"items":[{"p":9},{"p":8},{"p":3}]}', ['/items/*/p value']],
    ['{"a":1,"b":2,"c":3}', '{"c":0,"a":1,"b":0}', ['/b value', '/c value']],
    ['{"__proto__":1,"constructor":2}', '{"__proto__":2,"constructor":2}', ['/__proto__ value']],
  ])('%s and %s differ at %j', (a, b, expected) => {
    const comparison = compare(a, b)
    expect(comparison.outcome).toBe('mismatch')
    expect(found(comparison)).toEqual(expected)
  })

  it('duplicate keys are compared in the order they come', () => {
    expect(found(compare('{"a":1,"a":2}', '{"a":2}'))).toEqual(['/a missing', '/a value'])
    expect(found(compare('{"a":2}', '{"a":1,"a":2}'))).toEqual(['/a extra', '/a value'])
    expect(found(compare('{"x":0,"a":1,"a":2}', '{"a":1,"a":3,"x":0}'))).toEqual(['/a value'])
    expect(compare('{"a":1,"a":2}', '{"a":2,"a":1}').outcome).toBe('mismatch')
  })

  it('texts show both values, containers by their size', () => {
    expect(compare('{"a":"x"}', '{"a":[1,2]}').differences).toEqual([{ path: '/a', kind: 'type', v1: '"x"', v2: '[2 items]' }])
    expect(compare('{"a":{"b":1}}', '{"a":1.50}').differences[0]).toMatchObject({ v1: '{1 members}', v2: '1.50' })
    expect(compare('{"a":1}', '{}').differences[0]).toMatchObject({ v1: '1', v2: null })
    expect(compare('[true]', '[false]').differences[0]).toMatchObject({ v1: 'true', v2: 'false' })
    expect(compare(`["${'y'.repeat(10_000)}"]`, '[""]').differences[0]?.v1).toHaveLength(4_098)
  })

  it('strings and keys with invalid UTF-8 are compared by their bytes', () => {
    expect(found(compare(bytesOf('{"n":"J', [0xf6], 'rg"}'), bytesOf('{"n":"Jörg"}')))).toEqual(['/n value'])
    expect(found(compare(bytesOf('{"n":"', [0xf6], '"}'), bytesOf('{"n":"', [0xf7], '"}')))).toEqual(['/n value'])
    expect(compare(bytesOf('{"n":"', [0xf6], '","a":1}'), bytesOf('{"a":1,"n":"', [0xf6], '"}')).outcome).toBe('match')
    expect(compare(bytesOf('{"b":1,"', [0xf6], '":1}'), bytesOf('{"', [0xf6], '":1,"b":1}')).outcome).toBe('match')
    expect(compare(bytesOf('{"', [0xf6], '":1}'), bytesOf('{"', [0xf7], '":1}')).outcome).toBe('mismatch')
    // The replacement character is what both look like, and still another text.
    expect(compare(bytesOf('{"', [0xff], '":1}'), bytesOf('{"\ufffd":1}')).outcome).toBe('mismatch')
  })

  it('a byte order mark on one side only is a difference', () => {
    const mark = [0xef, 0xbb, 0xbf]
    const comparison = compare(bytesOf(mark, '{"a":1}'), bytesOf('{"a": 1}'))
    expect(comparison.outcome).toBe('mismatch')
    expect(comparison.differences).toEqual([{ path: 'body', kind: 'body', v1: 'byte order mark', v2: 'no byte order mark' }])
    expect(compare(bytesOf(mark, '{"a":1}'), bytesOf(mark, '{"a": 1}')).outcome).toBe('match')
    expect(found(compare(bytesOf('[1]'), bytesOf(mark, '[2]')))).toEqual(['body body', '/* value'])
  })
})

describe('laws', () => {
  it('diff(a, a) is empty, also after a change of white space and key order', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : value !== null && typeof value === 'object'
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([key, inner]) => [key, reversed(inner)]),
            )
          : value
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = JSON.stringify(value)
        expect(compare(text, text).outcome).toBe('match')
        expect(compare(text, JSON.stringify(reversed(value), null, 2))).toMatchObject({ outcome: 'match', differences: [], cut: false })
      }),
    )
  })

  it('outcome and places are the same from the other side, missing and extra swapped', () => {
    const swapped: Record<string, string> = { missing: 'extra', extra: 'missing' }
    fc.assert(
      fc.property(anyJson, fc.oneof(anyJson, anyMutation), (value, other) => {
        const [a, b] =
          other !== null && typeof other === 'object' && 'before' in other && 'kind' in other
            ? [JSON.stringify(other.before), JSON.stringify(other.after)]
            : [JSON.stringify(value), JSON.stringify(other)]
        const there = compare(a, b, {}, { differences: 10_000 })
        const back = compare(b, a, {}, { differences: 10_000 })
        expect(back.outcome).toBe(there.outcome)
        const mirrored = back.differences.map(({ path, kind, v1, v2 }) => ({ path, kind: swapped[kind] ?? kind, v1: v2, v2: v1 }))
        const key = (d: { path: string; kind: string }) => `${d.path} ${d.kind}`
        expect(mirrored.map(key).sort()).toEqual(there.differences.map(key).sort())
      }),
      { numRuns: 500 },
    )
  })

  it('a single mutation is the single difference, at its path', () => {
    fc.assert(
      fc.property(anyMutation, ({ before, after, path, kind }) => {
        const comparison = compare(JSON.stringify(before), JSON.stringify(after))
        expect(comparison.outcome).toBe('mismatch')
        expect(found(comparison)).toEqual([`${pointerOf(path)} ${kind}`])
      }),
      { numRuns: 2_000 },
    )
  })

  it('ignoring its path removes it; ignoring a path beside it does not', () => {
    fc.assert(
      fc.property(anyMutation, ({ before, after, path, kind }) => {
        const [a, b] = [JSON.stringify(before), JSON.stringify(after)]
        expect(compare(a, b, { ignore: [pointerOf(path)] })).toMatchObject({ outcome: 'ignored', differences: [] })
        const beside = compare(a, b, { ignore: [`${pointerOf(path)}/below`, `${pointerOf(path)}beside`.replace(/^(?!\/)/, '/')] })
        expect(found(beside)).toEqual([`${pointerOf(path)} ${kind}`])
      }),
      { numRuns: 1_000 },
    )
  })

  it('two documents match exactly when their values are deeply equal', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (a, b) => {
        const equal = isDeepStrictEqual(a, b)
        expect(compare(JSON.stringify(a), JSON.stringify(b)).outcome).toBe(equal ? 'match' : 'mismatch')
      }),
    )
  })
})

describe('budgets', () => {
  it('the list of differences is cut, the outcome is not', () => {
    const wide = (n: number) => JSON.stringify(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i * n])))
    const comparison = compare(wide(1), wide(2), {}, { differences: 10 })
    expect(comparison).toMatchObject({ outcome: 'mismatch', cut: true })
    expect(comparison.differences).toHaveLength(10)
  })

  it('a thousand elements that differ in one field are one difference', () => {
    const list = (n: number) => JSON.stringify(Array.from({ length: 1_000 }, (_, i) => ({ id: i, price: i + n })))
    expect(found(compare(list(0), list(0.5), {}, { differences: 2 }))).toEqual(['/*/price value'])
  })

  it('running out of steps before a difference is too complex, never a match', () => {
    const list = (n: number) => JSON.stringify(Array.from({ length: 1_000 }, (_, i) => [i, i === 500 ? n : 0]))
    for (const steps of [0, 1, 10, 500]) {
      expect(compare(list(1), ` ${list(2).replaceAll(',', ' ,')}`, {}, { steps })).toMatchObject({
        outcome: 'incomparable',
        reason: 'too-complex',
      })
    }
    for (const steps of [3, 10, 100]) {
      const shuffled = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${499 - i}`, 1])))
      const inOrder = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, 1])))
      expect(compare(inOrder, shuffled, {}, { steps })).toMatchObject({ outcome: 'incomparable', reason: 'too-complex', differences: [] })
    }
  })

  it('a quarter of a million levels are walked without recursion', () => {
    const levels = 250_000
    const deep = (core: string) => '['.repeat(levels) + core + ']'.repeat(levels)
    const ample = { depth: 2 * levels, nodes: 4 * levels, steps: 100 * levels }
    const comparison = compare(deep('1'), deep('2'), {}, ample)
    expect(comparison.outcome).toBe('mismatch')
    expect(comparison.differences[0]?.path.length).toBe(2 * levels)
    expect(compare(deep('1'), deep(' 1.0'), {}, ample).outcome).toBe('match')
    expect(compare(deep('1'), deep('2')).reason).toBe('too-deep')
  })
})
