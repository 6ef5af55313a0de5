import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileGlob, globMatches, globProblem, literalHead, paramOf } from '../../../src/core/split/glob.ts'

function matches(pattern: string, path: string): boolean {
  return globMatches(compileGlob(pattern), path)
}

/** The laws once more, as plain recursion over segments: slow, and short enough to be seen to be right. */
function slowMatch(pattern: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return path.length === 0
  if (first === '**') return slowMatch(rest, path) || (path.length > 0 && slowMatch(pattern, path.slice(1)))
  const [segment, ...others] = path
  return segment !== undefined && slowSegment(first, segment) && slowMatch(rest, others)
}

function slowSegment(pattern: string, text: string): boolean {
  if (pattern.startsWith('{')) return text !== ''
  if (pattern === '') return text === ''
  if (pattern.startsWith('*')) return slowSegment(pattern.slice(1), text) || (text !== '' && slowSegment(pattern, text.slice(1)))
  return text !== '' && pattern[0] === text[0] && slowSegment(pattern.slice(1), text.slice(1))
}

describe('globs', () => {
  test.each([
    ['/api/orders', '/api/orders', true],
    ['/api/orders', '/api/orders/', false],
    ['/api/orders', '/api/Orders', false],
    ['/', '/', true],
    ['/', '/a', false],
    ['/**', '/', true],
    ['/**', '/a/b', true],
    ['/**', '*', true],
    ['/api/orders/**', '/api/orders', true],
    ['/api/orders/**', '/api/orders/', true],
    ['/api/orders/**', '/api/orders/1/items', true],
    ['/api/orders/**', '/api/orders2', false],
    ['/api/orders/**', '/api/orders%2F1', false],
    ['/api/orders/**', '/api', false],
    ['/api/*/items', '/api/orders/items', true],
    ['/api/*/items', '/api/a/b/items', false],
    ['/api/*', '/api/', true],
    ['/api/*', '/api', false],
    ['/api/*/**', '/api/x', true],
    ['/a*c', '/abc', true],
    ['/a*c', '/ac', true],
    ['/a*c', '/ab', false],
    ['/a*a', '/a', false],
    ['/a*b*c', '/aXbYbc', true],
    ['/a*b*c', '/acb', false],
    ['/a*b*b*c', '/abc', false],
    ['/a*bc*c', '/abc', false],
    ['/*.json', '/report.json', true],
    ['/*.json', '/a/report.json', false],
    ['/**/edit', '/edit', true],
    ['/**/edit', '/a/b/edit', true],
    ['/**/edit', '/a/b/edit/x', false],
    ['/a/**/b/**/c', '/a/b/c', true],
    ['/a/**/b/**/c', '/a/x/b/y/z/c', true],
    ['/a/**/b/**/c', '/a/x/c', false],
    ['/a/**/b/c', '/a/b/x/b/c', true],
    ['/users/{id}', '/users/7', true],
    ['/users/{id}', '/users/', false],
    ['/users/{id}', '/users/7/x', false],
    ['/users/{id}/**', '/users/7', true],
    ['/users/{id}', '*', false],
    ['/café/{id}', '/caf%C3%A9/1', true],
    ['/a b', '/a%20b', true],
    ['/%7Euser', '/~user', true],
  ])('%s and %s: %s', (pattern, path, wanted) => expect(matches(pattern, path)).toBe(wanted))

  test('agree with the laws written as plain recursion', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'ba', '')
    const part = fc.oneof(segment, fc.constantFrom('*', 'a*', '*b', 'a*b', '*a*', '**', '**', '{id}'))
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.array(segment, { minLength: 1, maxLength: 7 }), (pattern, path) => {
        expect(matches(`/${pattern.join('/')}`, `/${path.join('/')}`)).toBe(slowMatch(pattern, path))
      }),
      { numRuns: 3_000 },
    )
  })

  test('a path without special characters matches itself, and itself with anything below', () => {
    const path = fc.array(fc.stringMatching(/^[a-z0-9._~-]{0,6}$/), { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`)
    fc.assert(
      fc.property(path, path, (prefix, below) => {
        expect(matches(prefix, prefix)).toBe(true)
        expect(matches(`${prefix}/**`, prefix)).toBe(true)
        expect(matches(`${prefix}/**`, prefix + below)).toBe(true)
      }),
    )
  })

  test('a hostile path costs no more than path × pattern', () => {
    const glob = compileGlob(`/${'**/a*a*a*a*b/'.repeat(8)}x`)
    const path = `/${'aaaaaaaaaaaaaaaa/'.repeat(500)}`
    const before = performance.now()
    expect(globMatches(glob, path)).toBe(false)
    expect(performance.now() - before).toBeLessThan(250)
  })

  test('path parameters are the percent-decoded segment', () => {
    const glob = compileGlob('/users/{id}/orders/{order}/**')
    expect(paramOf(glob, '/users/alice/orders/7', 'id')).toBe('alice')
    expect(paramOf(glob, '/users/al%20ice/orders/7/x', 'id')).toBe('al ice')
    expect(paramOf(glob, '/users/alice/orders/7/x', 'order')).toBe('7')
    expect(paramOf(glob, '/users/alice/orders/7', 'nobody')).toBeNull()
    expect(paramOf(glob, '/users/alice', 'id')).toBeNull()
    expect(paramOf(compileGlob('/**/by/{id}'), '/a/by/by/7', 'id')).toBe('7')
  })

  test('the literal head is what every matching path begins with', () => {
    expect(literalHead(compileGlob('/api/orders/**'))).toEqual(['api', 'orders'])
    expect(literalHead(compileGlob('/api/orders'))).toEqual(['api', 'orders'])
    expect(literalHead(compileGlob('/**'))).toEqual([])
    expect(literalHead(compileGlob('/api/{id}/x'))).toEqual(['api'])
  })

  test.each([
    ['api/orders', 'must begin with "/"'],
    ['', 'must begin with "/"'],
    ['/a?b', 'must not contain "?"'],
    ['/a#b', 'must not contain "#"'],
    ['/a/../b', 'never matches'],
    ['/a/./b', 'never matches'],
    ['/a**', 'must be a whole segment'],
    ['/a/***', 'must be a whole segment'],
    ['/{id', 'must be "{name}"'],
    ['/x{id}', 'must be "{name}"'],
    ['/{}', 'must be "{name}"'],
    ['/{1a}', 'must be "{name}"'],
    ['/{id}/{id}', 'twice'],
  ])('%s is refused: %s', (pattern, why) => expect(globProblem(pattern)).toContain(why))

  test.each(['/', '/**', '/a/**', '/a/*/b*c/{id}/**/{other_1}', '/café', '/a//b', '/.well-known/**'])('%s is accepted', (pattern) => {
    expect(globProblem(pattern)).toBeNull()
  })
})
