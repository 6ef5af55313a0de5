/** What a request may ask for itself: a forced backend, an API version. */
import { describe, expect, test } from 'vitest'
import type { Backend } from '../../../src/core/model/config.ts'
import { createFacts, preflightMethod } from '../../../src/core/split/facts.ts'
import { compileForce, forcedBackend } from '../../../src/core/split/force.ts'
import { requestedVersion } from '../../../src/core/split/version.ts'
import { asking, get } from './support.ts'

describe('force', () => {
  const forced = (secret: string | null, value: string): Backend | null => {
    const rule = compileForce({ header: 'X-Force-Backend', secret, whileTripped: false })
    return rule === null ? null : forcedBackend(rule, asking({ 'x-force-backend': value }))
  }

  test.each([
    ['v2;s3cret', 'v2'],
    ['v1;s3cret', 'v1'],
    ['v2 ; s3cret', 'v2'],
    ['v2', null],
    ['v2;', null],
    ['v2;s3cre', null],
    ['v2;s3cret1', null],
    ['v2;s3creT', null],
    ['v2;s3crets3cret', null],
    ['v3;s3cret', null],
    ['V2;s3cret', null],
    [';s3cret', null],
    ['s3cret', null],
    ['', null],
  ])('%j forces %s', (value, wanted) => expect(forced('s3cret', value)).toBe(wanted))

  test('without a secret nothing can be forced', () => {
    for (const secret of [null, '']) for (const value of ['v2', 'v2;', 'v2;x']) expect(forced(secret, value)).toBeNull()
  })

  test('a secret may hold semicolons and text beyond ASCII', () => {
    expect(forced('a;b', 'v2;a;b')).toBe('v2')
    expect(forced('é', 'v2;\xc3\xa9')).toBe('v2')
  })

  test('no header, no rule: nothing forced', () => {
    expect(compileForce(null)).toBeNull()
    expect(forcedBackend({ header: 'x', secret: 's', whileTripped: false }, createFacts({}))).toBeNull()
  })
})

describe('requested version', () => {
  const everywhere = { detect: ['header', 'accept', 'path'], default: 'v1', strict: false } as const

  test.each([
    ['2', 'v2'],
    ['v2', 'v2'],
    ['V2', 'v2'],
    ['2.0', 'v2'],
    ['2.1.3', 'v2'],
    ['1', 'v1'],
    ['v1.0', 'v1'],
    ['3', 'unknown'],
    ['22', 'unknown'],
    ['latest', 'unknown'],
    ['2.', 'unknown'],
    ['', null],
  ])('X-API-Version: %j is %s', (value, wanted) => expect(requestedVersion(everywhere, asking({ 'x-api-version': value }))).toBe(wanted))

  test.each([
    ['application/vnd.shop.v2+json', 'v2'],
    ['application/vnd.shop.v1+json', 'v1'],
    ['application/VND.shop.V2+json', 'v2'],
    ['application/vnd.shop.orders.v2', 'v2'],
    ['application/json;version=2', 'v2'],
    ['application/json; Version="2"', 'v2'],
    ['application/vnd.shop+json; version=2', 'v2'],
    ['text/html, application/vnd.shop.v2+json', 'v2'],
    ['application/vnd.shop.v1+json;q=0.5, application/vnd.shop.v2+json', 'v2'],
    ['application/vnd.shop.v1+json, application/vnd.shop.v2+json', 'v1'],
    ['application/vnd.shop.v2+json;q=0', null],
    ['application/vnd.shop.v2+json;q=x', 'v2'],
    ['application/vnd.shop.v3+json', 'unknown'],
    ['application/vnd.shop.video+json', null],
    ['application/vnd.shop+json', null],
    ['application/json;version=new', null],
    ['application/json;charset=utf-8', null],
    ['application/v2+json', null],
    ['*/*', null],
    ['', null],
  ])('Accept: %s is %s', (accept, wanted) => expect(requestedVersion(everywhere, asking({ accept }))).toBe(wanted))

  test.each([
    ['/v2/orders', 'v2'],
    ['/v1/orders?x', 'v1'],
    ['/api/v2/orders', 'v2'],
    ['/v2/', 'v2'],
    ['/%762/orders', 'v2'],
    ['/v3/orders', 'unknown'],
    ['/v2', null],
    ['/users/v2', null],
    ['/a/b/v2/c', null],
    ['/v2x/orders', null],
    ['/V2/orders', null],
    ['/', null],
  ])('path %s is %s', (target, wanted) => expect(requestedVersion(everywhere, get(target))).toBe(wanted))

  test('the first configured place that names a version decides', () => {
    const facts = get('/v1/orders', { 'x-api-version': '2' })
    expect(requestedVersion(everywhere, facts)).toBe('v2')
    expect(requestedVersion({ ...everywhere, detect: ['path', 'header'] }, facts)).toBe('v1')
    expect(requestedVersion({ ...everywhere, detect: ['accept'] }, facts)).toBeNull()
  })
})

describe('preflight', () => {
  test.each([
    ['OPTIONS', 'PUT', 'PUT'],
    ['OPTIONS', '', null],
    ['OPTIONS', null, null],
    ['GET', 'PUT', null],
  ])('%s with Access-Control-Request-Method %j asks about %j', (method, asked, wanted) => {
    const headers = asked === null ? [] : [['Access-Control-Request-Method', asked] as const]
    expect(preflightMethod(createFacts({ method, headers }))).toBe(wanted)
  })
})
