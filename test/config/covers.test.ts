import fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { compileMatch, covers, isCatchAll } from '../../src/config/covers.ts'
import type { MatchConfig } from '../../src/core/model/config.ts'
import { globMatches } from '../../src/core/split/glob.ts'

const match = (over: Partial<MatchConfig>) => compileMatch({ path: '/**', methods: [], host: null, header: {}, ...over })

test.each([
  ['/**', '/a/b', true],
  ['/**', '/', true],
  ['/a/**', '/a', true],
  ['/a/**', '/a/**', true],
  ['/a/**', '/ab', false],
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/{id}', true],
  ['/a/{id}', '/a/b', true],
  ['/a/{id}', '/a/', false],
  ['/a/{id}', '/a/{other}', true],
  ['/a/{id}', '/a/*', false],
  ['/a/*', '/a/**', false],
  ['/a/b*', '/a/b*', true],
  ['/a/b*', '/a/bc', false],
  ['/a/**/z', '/a/**/z', true],
  ['/a/**/z', '/a/b/z', false],
  ['/a', '/b', false],
  ['/a/b', '/a', false],
  ['/%41', '/A', true],
])('the path %s takes all of %s: %s', (above, below, expected) =>
  expect(covers(match({ path: above }), match({ path: below }))).toBe(expected),
)

test.each<[Partial<MatchConfig>, Partial<MatchConfig>, boolean]>([
  [{}, { methods: ['GET'] }, true],
  [{ methods: ['GET'] }, {}, false],
  [{ methods: ['GET'] }, { methods: ['HEAD'] }, true],
  [{ methods: ['HEAD'] }, { methods: ['GET'] }, false],
  [{ methods: ['GET', 'POST'] }, { methods: ['POST'] }, true],
  [{}, { host: 'a' }, true],
  [{ host: 'a' }, {}, false],
  [{ host: 'a' }, { host: 'b' }, false],
  [{ header: { a: '1' } }, { header: { a: '1', b: '2' } }, true],
  [{ header: { a: '1' } }, { header: { a: '2' } }, false],
])('%j takes all of %j: %s', (above, below, expected) => expect(covers(match(above), match(below))).toBe(expected))

it('calls a catch-all only what takes everything', () => {
  expect(isCatchAll(match({}))).toBe(true)
  for (const narrower of [{ path: '/a/**' }, { methods: ['GET'] }, { host: 'a' }, { header: { a: '1' } }])
    expect(isCatchAll(match(narrower))).toBe(false)
})

it('never claims a path is taken that the pattern above does not match', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '{x}', '**', '')
  const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', '', 'abc'), { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(pattern, pattern, fc.array(path, { minLength: 5, maxLength: 20 }), (above, below, paths) => {
      const wide = match({ path: above })
      const narrow = match({ path: below })
      return !covers(wide, narrow) || paths.every((each) => !globMatches(narrow.glob, each) || globMatches(wide.glob, each))
    }),
    { numRuns: 2_000 },
  )
})
