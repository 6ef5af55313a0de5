import { describe, expect, it } from 'vitest'
import { escapeSegment, pointerProblem, segmentsOf, unescapeSegment } from '../../../src/core/diff/pointer.ts'
import { compilePatterns } from '../../../src/core/diff/rules.ts'
import { compare, found, rulesOf } from './documents.ts'

describe('pointers', () => {
  it.each([['a/b'], ['~1'], ['~'], ['~0'], ['a~b/c~1'], ['']])('escaping %j is undone by unescaping', (key) => {
    expect(escapeSegment(key)).not.toContain('/')
    expect(unescapeSegment(escapeSegment(key))).toBe(key)
  })

  it('segments are unescaped; the empty pointer is the document, a single slash the empty key', () => {
    expect(segmentsOf('/a~1b/*/~0')).toEqual(['a/b', '*', '~'])
    expect(segmentsOf('')).toEqual([])
    expect(segmentsOf('/')).toEqual([''])
  })

  it('a pattern that is no pointer is named with what would be right', () => {
    expect(pointerProblem('items/price')).toContain("must start with '/'")
    expect(pointerProblem('/a~2')).toContain("'~0'")
    expect(pointerProblem('/a~')).toContain("'~0'")
    expect(pointerProblem('')).toBeNull()
    expect(pointerProblem('/items/*/~0~1')).toBeNull()
  })

  it('a bad pattern that slipped through matches nothing', () => {
    expect(compilePatterns(['items', '/a~'])).toBeNull()
  })
})

describe('ignore', () => {
  const v1 = '{"a":{"x":1,"y":1},"list":[{"x":1,"y":1},{"x":2,"y":2}],"*":1}'
  const v2 = '{"a":{"x":9,"y":9},"list":[{"x":9,"y":9},{"x":8,"y":8}],"*":1}'

  it.each([
    [['/a/x'], ['/a/y value', '/list/*/x value', '/list/*/y value']],
    [['/a'], ['/list/*/x value', '/list/*/y value']],
    [['/list/*/x'], ['/a/x value', '/a/y value', '/list/*/y value']],
    [['/list/*'], ['/a/x value', '/a/y value']],
    [['/*/x'], ['/a/y value', '/list/*/x value', '/list/*/y value']],
    [['/*/*/x', '/a'], ['/list/*/y value']],
    [['/list/0'], ['/a/x value', '/a/y value', '/list/*/x value', '/list/*/y value']],
    [
      ['/nowhere', '/a/x/deeper'],
      ['/a/x value', '/a/y value', '/list/*/x value', '/list/*/y value'],
    ],
  ])('%j leaves %j', (ignore, left) => {
    const comparison = compare(v1, v2, { ignore })
    expect(comparison.outcome).toBe('mismatch')
    expect(found(comparison)).toEqual(left)
  })

  it.each([[['']], [['/*']], [['/a', '/list']], [['/*/x', '/*/y', '/*/*/x', '/list/*/y']]])('%j ignores all of it', (ignore) => {
    expect(compare(v1, v2, { ignore })).toMatchObject({ outcome: 'ignored', differences: [] })
  })

  it('a rule that hides nothing leaves a match a match', () => {
    expect(compare('{"a":1, "b":2}', '{"b":2,"a":1.0}', { ignore: ['/a', '/c'] }).outcome).toBe('match')
  })

  it('a missing or extra ignored member is ignored', () => {
    expect(compare('{"a":1,"b":2}', '{"b":2}', { ignore: ['/a'] }).outcome).toBe('ignored')
    expect(compare('{"b":2}', '{"b":2,"a":null}', { ignore: ['/a'] }).outcome).toBe('ignored')
  })

  it('escaped keys are named as JSON Pointers do', () => {
    expect(found(compare('{"a/b":{"~":1}}', '{"a/b":{"~":2}}'))).toEqual(['/a~1b/~0 value'])
    expect(compare('{"a/b":{"~":1}}', '{"a/b":{"~":2}}', { ignore: ['/a~1b/~0'] }).outcome).toBe('ignored')
    expect(compare('{"\\u0061":1}', '{"a":2}', { ignore: ['/a'] }).outcome).toBe('ignored')
  })
})

describe('rules that overlap', () => {
  it('the named place outranks the wildcard', () => {
    const tolerance = [
      { path: '/*/n', abs: 100, rel: 0 },
      { path: '/exact/n', abs: 1, rel: 0 },
    ]
    const rules = { tolerance }
    expect(compare('{"exact":{"n":1},"loose":{"n":1}}', '{"exact":{"n":2},"loose":{"n":90}}', rules).outcome).toBe('match')
    expect(found(compare('{"exact":{"n":1},"loose":{"n":1}}', '{"exact":{"n":3},"loose":{"n":90}}', rules))).toEqual(['/exact/n value'])
  })

  it('states are shared, so a thousand keys nobody names add none', () => {
    const root = rulesOf({ ignore: ['/*/a/*', '/x/*/b'] }).root
    const states = new Set(Array.from({ length: 1_000 }, (_, i) => root?.child(`key${i}`)))
    expect(states.size).toBe(1)
    expect(root?.child('x')).toBe(root?.child('x'))
    expect(root?.child('x')).not.toBe(root?.other())
    expect(root?.child('x')?.child('a')?.child('b')?.ignore).toBe(true)
    expect(root?.child('y')?.child('b')).toBeNull()
  })
})
