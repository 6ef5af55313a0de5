import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyJson, compare, found, type Rules } from './documents.ts'

const unordered: Rules = { arrays: [{ path: '', key: null, unordered: true }] }
const keyed: Rules = { arrays: [{ path: '', key: 'id', unordered: false }] }
const keyedFree: Rules = { arrays: [{ path: '', key: 'id', unordered: true }] }

describe('arrays by position', () => {
  it.each([
    ['[1,2,3]', '[1,9,3]', ['/* value']],
    ['[1,2,3,4]', '[1,2,9,3,4]', [' length']],
    ['[1,2,3,4]', '[2,3,4]', [' length']],
    ['[1,2,3]', '[]', [' length']],
    ['[1,2,3]', '[9,2,3,4]', [' length', '/* value']],
    ['[{"a":1},{"a":2},{"a":3}]', '[{"a":9},{"a":2},{"a":2.5},{"a":3}]', [' length', '/*/a value']],
    ['[1,2,3]', '[3,1,2]', [' order']],
    ['[{"a":1},{"a":2}]', '[{"a":2.0},{ "a":1}]', [' order']],
    ['["a","b"]', '["b","\\u0061"]', [' order']],
    ['[1,2,2]', '[2,1,1]', ['/* value']],
    ['[[1,2],[3,4]]', '[[2,1],[4,3]]', ['/* order']],
    ['[1,2]', '[1 ,3]', ['/* value']],
  ])('%s and %s differ at %j', (a, b, expected) => expect(found(compare(a, b))).toEqual(expected))

  it('white space is no change of order', () => {
    expect(compare('[{"a":1},{"b":2}]', '[{"a": 1},{"b": 2}]').outcome).toBe('match')
  })

  it('reversing a list of distinct values is one difference', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 2 }), (list) => {
        expect(found(compare(JSON.stringify(list), JSON.stringify(list.toReversed())))).toEqual([' order'])
      }),
    )
  })

  it('what is ignored inside does not hide a change of order, and is not found itself', () => {
    const rules = { ignore: ['/*/at'] }
    expect(found(compare('[{"a":1,"at":5},{"a":2,"at":6}]', '[{"a":2,"at":7},{"a":1,"at":8}]', rules))).toEqual([' order'])
    expect(compare('[{"a":1,"at":5},{"a":2,"at":6}]', '[{"a":1,"at":7},{"a":2}]', rules).outcome).toBe('ignored')
  })

  it('a rule may name one index', () => {
    expect(compare('[1,2,3]', '[9,2,3]', { ignore: ['/0'] }).outcome).toBe('ignored')
    expect(found(compare('[1,2,3]', '[1,9,3]', { ignore: ['/0'] }))).toEqual(['/* value'])
    expect(found(compare('[[1,2],[1,2]]', '[[9,8],[9,8]]', { ignore: ['/0'] }))).toEqual(['/*/* value'])
  })
})

describe('unordered arrays', () => {
  it.each([
    ['[1,2,3]', '[3,1,2]'],
    ['[1,1,2]', '[1,2,1.0]'],
    ['[{"a":1,"b":[1]},{"a":2}]', '[{"a":2},{"b":[1],"a":1}]'],
    ['["x","y"]', '["y","\\u0078"]'],
    ['[]', '[ ]'],
    ['[null,true,false,"é"]', '[false,"\\u00e9",null,true]'],
  ])('%s matches %s', (a, b) => expect(compare(a, b, unordered)).toMatchObject({ outcome: 'match', differences: [] }))

  it.each([
    ['[1,1,2]', '[1,2,2]', ['/* value']],
    ['[1,2]', '[2,1,3]', ['/* extra']],
    ['[1,2,3]', '[3]', ['/* missing']],
    ['[{"a":1,"b":1},{"a":2,"b":2}]', '[{"a":2,"b":2},{"a":1,"b":9}]', ['/*/b value']],
    ['[[1,2]]', '[[2,1]]', ['/* order']],
  ])('%s and %s differ at %j', (a, b, expected) => {
    expect(found(compare(a, b, unordered))).toEqual(expected)
  })

  it('a shuffled array matches, and with one element more it does not', () => {
    fc.assert(
      fc.property(fc.array(anyJson, { maxLength: 12 }), fc.nat(), (list, seed) => {
        const rotated = list.map((_, i) => list[(i + seed) % list.length])
        expect(compare(JSON.stringify(list), JSON.stringify(rotated), unordered).outcome).toBe('match')
        expect(found(compare(JSON.stringify(list), JSON.stringify([...rotated, 'more']), unordered))).toEqual(['/* extra'])
      }),
    )
  })

  it('elements are equal under the rules that hold inside them', () => {
    const rules: Rules = {
      arrays: [
        { path: '/items', key: null, unordered: true },
        { path: '/items/*/tags', key: null, unordered: true },
      ],
      ignore: ['/items/*/at'],
      tolerance: [{ path: '/items/*/price', abs: 0.01, rel: 0 }],
    }
    const a = '{"items":[{"price":1.00,"at":1,"tags":["x","y"]},{"price":2.00,"at":2,"tags":[]}]}'
    const b = '{"items":[{"price":2.01,"at":8,"tags":[]},{"price":0.99,"at":9,"tags":["y","x"]}]}'
    expect(compare(a, b, rules)).toMatchObject({ outcome: 'ignored', differences: [] })
    expect(compare(a, b.replace('0.99', '0.98'), rules).outcome).toBe('mismatch')
  })

  it('ignored elements may come and go', () => {
    expect(compare('[1,2]', '[3]', { ...unordered, ignore: ['/*'] }).outcome).toBe('ignored')
  })

  it('look-alikes that would need a quadratic search run out of steps, not of time', () => {
    const rules: Rules = { ...unordered, tolerance: [{ path: '/*', abs: 0.001, rel: 0 }] }
    const a = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i))
    const b = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => 19_999 - i))
    expect(compare(a, b, rules, { steps: 100_000 })).toMatchObject({ outcome: 'incomparable', reason: 'too-complex' })
  })
})

describe('keyed arrays', () => {
  it.each([
    ['[{"id":1,"a":1},{"id":2,"a":2}]', '[{"id":1,"a":1},{"id":2,"a":9}]', ['/*/a value']],
    ['[{"id":1},{"id":2},{"id":3}]', '[{"id":1},{"id":3}]', ['/* missing']],
    ['[{"id":1},{"id":3}]', '[{"id":1},{"id":2},{"id":3}]', ['/* extra']],
    ['[{"id":1,"a":1},{"id":2,"a":2}]', '[{"id":2.0,"a":2},{"id":1,"a":1}]', [' order']],
    ['[{"id":"1"}]', '[{"id":1}]', ['/* missing', '/* extra']],
    ['[{"id":null},{"id":true}]', '[{"id":null},{"id":false}]', ['/* missing', '/* extra']],
    ['[{"id":1,"a":1},{"id":1,"a":2}]', '[{"id":1,"a":1},{"id":1,"a":3}]', ['/*/a value']],
    ['[{"a":1},5]', '[{"a":2},5]', ['/*/a value']],
    ['[{"id":{"x":1},"a":1}]', '[{"id":{"x":1},"a":2}]', ['/*/a value']],
  ])('%s and %s differ at %j', (a, b, expected) => expect(found(compare(a, b, keyed))).toEqual(expected))

  it('with `unordered` besides, the order of the elements means nothing', () => {
    expect(compare('[{"id":1},{"id":2}]', '[{"id":2},{"id":1}]', keyedFree).outcome).toBe('match')
    expect(found(compare('[{"id":1,"a":1},{"id":2}]', '[{"id":2},{"id":1,"a":2}]', keyedFree))).toEqual(['/*/a value'])
  })

  it('inside an unordered array a keyed one is compared by its key', () => {
    const rules: Rules = {
      arrays: [
        { path: '', key: null, unordered: true },
        { path: '/*/rows', key: 'id', unordered: false },
      ],
    }
    const a = '[{"rows":[{"id":1},{"id":2}]},{"rows":[{"id":3}]}]'
    expect(compare(a, '[{"rows":[{"id":3}]},{"rows":[{"id":1},{"id":2}]}]', rules).outcome).toBe('match')
    expect(compare(a, '[{"rows":[{"id":3}]},{"rows":[{"id":2},{"id":1}]}]', rules).outcome).toBe('mismatch')
    expect(compare(a, '[{"rows":[{"id":3}]},{"rows":[{"id":1}]}]', rules).outcome).toBe('mismatch')
  })
})

describe('large arrays', () => {
  it('a hundred thousand equal elements are matched in linear time', () => {
    const ones = Array.from({ length: 100_000 }, () => 1)
    const spaced = `[ ${ones.join(' , ')} ]`
    expect(compare(JSON.stringify(ones), spaced, unordered).outcome).toBe('match')
    expect(found(compare(JSON.stringify([...ones, 2]), spaced, unordered))).toEqual(['/* missing'])
  })
})
