import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StickySource } from '../../../src/core/model/config.ts'
import { cookieInLine, mayCarryCookie, stickySetCookie } from '../../../src/core/split/cookie.ts'
import { createFacts } from '../../../src/core/split/facts.ts'
import { compileGlob } from '../../../src/core/split/glob.ts'
import { jwtClaim } from '../../../src/core/split/jwt.ts'
import { compileSources, findStickyKey, queryValue } from '../../../src/core/split/sticky.ts'
import { get } from './support.ts'

const NO_GLOB = compileGlob('/**')

function keyOf(
  sources: readonly StickySource[],
  facts: ReturnType<typeof createFacts>,
  glob = NO_GLOB,
): { key: string | null; keyFrom: string } {
  const out = { key: null, keyFrom: '' }
  findStickyKey(compileSources({ sticky: sources, stickyCookie: null }), facts, glob, out)
  return out
}

function bearer(payload: unknown): string {
  return `Bearer ${segment({ alg: 'none' })}.${segment(payload)}.sig`
}

function segment(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

describe('sources of the sticky key', () => {
  const all: readonly StickySource[] = [
    { kind: 'header', name: 'X-User-Id' },
    { kind: 'cookie', name: 'session' },
    { kind: 'jwt', claim: 'sub' },
    { kind: 'query', name: 'user' },
    { kind: 'pathParam', name: 'id' },
    { kind: 'ip', direct: false },
  ]
  const everything = {
    target: '/users/pat?user=quentin',
    headers: [
      ['x-user-id', 'henry'],
      ['cookie', 'session=carol'],
      ['authorization', bearer({ sub: 'jane' })],
    ],
    clientAddress: '203.0.113.7',
    directAddress: '10.0.0.1',
  } as const
  const glob = compileGlob('/users/{id}')

  test.each([
    [0, 'henry', 'header x-user-id'],
    [1, 'carol', 'cookie session'],
    [2, 'jane', 'jwt sub'],
    [3, 'quentin', 'query user'],
    [4, 'pat', 'pathParam id'],
    [5, '203.0.113.7', 'ip'],
  ])('in order: from source %i on it is %s', (from, key, keyFrom) => {
    expect(keyOf(all.slice(from), createFacts(everything), glob)).toEqual({ key, keyFrom })
  })

  test('the first present one wins, however many absent and empty ones stand before it', () => {
    const facts = createFacts({
      target: '/?user=',
      headers: [
        ['x-user-id', '  ""  '],
        ['cookie', 'session='],
      ],
      clientAddress: '203.0.113.7',
    })
    expect(keyOf(all, facts)).toEqual({ key: '203.0.113.7', keyFrom: 'ip' })
  })

  test('no source present: no key', () => expect(keyOf(all, createFacts({}))).toEqual({ key: null, keyFrom: '' }))

  test('no sources at all: no key', () => expect(keyOf([], createFacts(everything)).key).toBeNull())

  test('the peer, where asked for', () => {
    expect(keyOf([{ kind: 'ip', direct: true }], createFacts(everything))).toEqual({ key: '10.0.0.1', keyFrom: 'ip direct' })
  })

  test('a header counts by its first occurrence, trimmed of whitespace and quotes', () => {
    const headers = [
      ['X-User-Id', ' "alice" '],
      ['X-User-Id', 'bob'],
    ] as const
    expect(keyOf(all, createFacts({ headers })).key).toBe('alice')
  })

  test('an empty first occurrence is absent, even with a second one', () => {
    const headers = [
      ['x-user-id', ''],
      ['x-user-id', 'bob'],
    ] as const
    expect(keyOf([{ kind: 'header', name: 'x-user-id' }], createFacts({ headers })).key).toBeNull()
  })

  test('a path parameter is found however the path is spelt', () => {
    expect(keyOf([{ kind: 'pathParam', name: 'id' }], get('/./users/%70at%20s?x'), glob).key).toBe('pat s')
  })

  test('the gateway reads back its own cookie, after the configured sources, and once', () => {
    const stickyCookie = { name: 'banyan_id', maxAgeMs: 1 }
    const sources = compileSources({ sticky: [{ kind: 'header', name: 'x' }], stickyCookie })
    expect(sources.map((source) => source.from)).toEqual(['header x', 'cookie banyan_id'])
    const listed = compileSources({
      sticky: [
        { kind: 'cookie', name: 'banyan_id' },
        { kind: 'ip', direct: true },
      ],
      stickyCookie,
    })
    expect(listed.map((source) => source.from)).toEqual(['cookie banyan_id', 'ip direct'])
  })
})

describe('cookies', () => {
  test.each([
    ['session=a', 'a'],
    ['x=1; session=a; y=2', 'a'],
    ['x=1;session=a', 'a'],
    ['xsession=b; session=a', 'a'],
    ['session2=b; session=a', 'a'],
    ['session; session=a', 'a'],
    ['Session=b; session=a', 'a'],
    ['session=a; session=b', 'a'],
    ['session = a', ' a'],
    ['session=a=b', 'a=b'],
    ['session=; session=b', ''],
    ['x=session=a', null],
    ['session', null],
    ['', null],
    [';;;', null],
  ])('in %j session is %j', (line, wanted) => expect(cookieInLine(line, 'session')).toBe(wanted))

  test('a cookie may stand in any of several lines', () => {
    const headers = [
      ['cookie', 'x=1'],
      ['cookie', 'session="a"'],
    ] as const
    expect(keyOf([{ kind: 'cookie', name: 'session' }], createFacts({ headers })).key).toBe('a')
    expect(keyOf([{ kind: 'cookie', name: 'other' }], createFacts({ headers })).key).toBeNull()
  })

  test('the sticky cookie is kept from scripts and other sites, and from plain http once set over https', () => {
    const cookie = { name: 'banyan_id', maxAgeMs: 2_592_000_500 }
    expect(stickySetCookie(cookie, 'abc', false)).toBe('banyan_id=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax')
    expect(stickySetCookie(cookie, 'abc', true)).toBe('banyan_id=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure')
  })

  test.each([
    [null, true],
    ['', true],
    ['no-store', true],
    ['private, max-age=5', true],
    ['public', false],
    ['max-age=5, Public', false],
    ['max-age=5,public', false],
    ['s-maxage=5', false],
    ['publicity', true],
  ])('an answer with Cache-Control %j may carry it: %s', (value, wanted) => expect(mayCarryCookie(value)).toBe(wanted))
})

describe('jwt', () => {
  test.each([
    ['a string', bearer({ sub: 'alice' }), 'alice'],
    ['the scheme in any case', bearer({ sub: 'alice' }).replace('Bearer', 'bEARER  '), 'alice'],
    ['text beyond ASCII as UTF-8', bearer({ sub: 'é' }), '\xc3\xa9'],
    ['an escape and its character are one', bearer(String.raw`{"sub":"\u00e9"}`), '\xc3\xa9'],
    ['payloads that need - and _', bearer({ sub: '~~?>?>' }), '~~?>?>'],
    ['a number is its decimal text', bearer({ sub: 42 }), '42'],
    ['blanks are part of a claim', bearer({ sub: ' a ' }), ' a '],
    ['an encrypted or unsigned token with its second part readable', `Bearer x.${segment({ sub: 'a' })}.`, 'a'],
    ['an empty claim', bearer({ sub: '' }), null],
    ['another type', bearer({ sub: true }), null],
    ['an object', bearer({ sub: { a: 1 } }), null],
    ['no such claim', bearer({ name: 'alice' }), null],
    ['no own claim', bearer({}), null],
    ['no claims', bearer('null'), null],
    ['text for claims', bearer('"sub"'), null],
    ['broken JSON', bearer('{"sub":'), null],
    ['broken UTF-8', `Bearer x.${Buffer.from('{"sub":"\xff"}', 'latin1').toString('base64url')}.y`, null],
    ['broken base64', 'Bearer x.!!!.y', null],
    ['no dot', 'Bearer abc', null],
    ['one dot', 'Bearer a.b', null],
    ['another scheme', bearer({ sub: 'alice' }).replace('Bearer', 'Basic'), null],
    ['a dot in the scheme only', 'Bearer.a.b.c', null],
  ])('%s', (_law, authorization, wanted) => {
    expect(jwtClaim(authorization, 'sub')).toBe(wanted)
    expect(keyOf([{ kind: 'jwt', claim: 'sub' }], get('/', { authorization })).key).toBe(wanted)
  })

  test('what every object inherits is no claim', () => {
    expect(jwtClaim(bearer({ sub: 'a' }), 'constructor')).toBeNull()
    expect(jwtClaim(bearer('{"__proto__":"a"}'), '__proto__')).toBe('a')
  })

  test('nothing in Authorization can throw', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => [null, 'string'].includes(kindOf(jwtClaim(`Bearer ${a}.${b}.x`, 'sub')))))
  })
})

function kindOf(value: string | null): string | null {
  return value === null ? null : typeof value
}

describe('query', () => {
  test.each([
    ['/?user=a', 'a'],
    ['/?x=1&user=a&y=2', 'a'],
    ['/?user=a&user=b', 'a'],
    ['/?user=a%20b', 'a b'],
    ['/?user=%C3%A9', '\xc3\xa9'],
    ['/?user=a+b', 'a+b'],
    ['/?user=a=b', 'a=b'],
    ['/?us%65r=a', 'a'],
    ['/?xuser=b&user=a', 'a'],
    ['/?users=b&user=a', 'a'],
    ['/?a?user=b&user=a', 'a'],
    ['/?user', ''],
    ['/?user=', ''],
    ['/?&&user=a', 'a'],
    ['/?', null],
    ['/', null],
    ['/user=a', null],
    ['/?x=user', null],
  ])('in %s user is %j', (target, wanted) => expect(queryValue(target, 'user')).toBe(wanted))

  test('agrees with the URL standard where no "+" is involved', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 })
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), fc.nat(4), (pairs, i) => {
        const query = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
        const name = pairs[i]?.[0] ?? 'none'
        const wanted = new URLSearchParams(query).get(name)
        const found = queryValue(`/?${query}`, Buffer.from(name).toString('latin1'))
        expect(found === null ? null : Buffer.from(found, 'latin1').toString()).toBe(wanted)
      }),
    )
  })
})
