import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalPath } from '../../../src/core/split/path.ts'

const target = fc
  .array(fc.constantFrom('/', '.', '..', '%2e', '%2E', '%2f', '%', '%41', '%7e', '%25', 'a', 'B', ';', '\xe9', '//', '*'), {
    maxLength: 14,
  })
  .map((parts) => `/${parts.join('')}`)

describe('canonicalPath', () => {
  test.each([
    ['/', '/'],
    ['*', '*'],
    ['/api/orders', '/api/orders'],
    ['/api/orders/', '/api/orders/'],
    ['/Api', '/Api'],
    ['/a?b=/../c', '/a'],
    ['/a%3Fb', '/a%3Fb'],
    ['/?', '/'],
    ['/%7Euser/%61%2D%5f%2E9', '/~user/a-_.9'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/%2e%2E/b?x', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/../../a', '/a'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/..', '/'],
    ['/.', '/'],
    ['/a/.well-known/b', '/a/.well-known/b'],
    ['/a/...', '/a/...'],
    ['/a..b/c.', '/a..b/c.'],
  ])('%s is %s', (given, wanted) => expect(canonicalPath(given)).toBe(wanted))

  test.each([
    ['an escaped slash is no slash', '/a%2Fb', '/a%2Fb'],
    ['the hex digits of what stays escaped are upper case', '/a%2fb%c3%a9', '/a%2Fb%C3%A9'],
    ['an escaped slash does not end a dot segment', '/a/..%2fb', '/a/..%2Fb'],
    ['empty segments stay', '/a//b///', '/a//b///'],
    ['an empty segment is what ".." takes away', '/a//../b', '/a/b'],
    ['";" is a plain character', '/a;v=1/..;/b', '/a;v=1/..;/b'],
    ['raw bytes and their escapes are one', '/caf\xc3\xa9', '/caf%C3%A9'],
    ['a stray percent sign is an escaped one', '/100%/%zz', '/100%25/%25zz'],
    ['decoding happens once', '/%2541', '/%2541'],
    ['two halves do not make a new escape', '/%%361', '/%2561'],
  ])('%s', (_law, given, wanted) => expect(canonicalPath(given)).toBe(wanted))

  test('a canonical path stays as it is', () => {
    fc.assert(fc.property(target, (raw) => canonicalPath(canonicalPath(raw)) === canonicalPath(raw)))
  })

  test('no dot segment and no unreserved escape is left, and the path still begins with a slash', () => {
    fc.assert(
      fc.property(target, (raw) => {
        const path = canonicalPath(raw)
        expect(path).toMatch(/^\//)
        expect(path.split('/')).not.toContain('.')
        expect(path.split('/')).not.toContain('..')
        expect(path).not.toMatch(/%(?:2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])/)
      }),
    )
  })

  test('the query never matters', () => {
    fc.assert(fc.property(target, fc.string(), (raw, query) => canonicalPath(`${raw}?${query}`) === canonicalPath(raw)))
  })

  test('agrees with the URL standard where that only resolves dots', () => {
    const plain = fc
      .array(fc.constantFrom('a', 'b', '.', '..', 'c.d', ''), { minLength: 1, maxLength: 8 })
      .map((parts) => `/${parts.join('/')}`)
    fc.assert(fc.property(plain, (path) => canonicalPath(path) === new URL(`http://host${path}`).pathname))
  })
})
