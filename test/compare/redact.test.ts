import { describe, expect, it } from 'vitest'
import { createRedactor } from '../../src/compare/redact.ts'
import { createSeal } from '../../src/compare/seal.ts'
import { holdsSecret, isSecretName, passesLuhn } from '../../src/compare/secrets.ts'
import type { Answer } from '../../src/core/diff/comparison.ts'

const seal = createSeal(new Uint8Array(32).fill(7))
const MARK = /\[redacted:[0-9a-f]{8}\]/
const utf8 = new TextEncoder()

function body(text: string | Uint8Array, redact: readonly string[] = [], headers: Record<string, string> = {}): string {
  const answer: Answer = { status: 200, headers, body: typeof text === 'string' ? utf8.encode(text) : text, problem: null }
  return createRedactor(redact, seal).body(answer)
}

describe('the seal', () => {
  it('is equal for equal secrets, different for others and for another key', () => {
    expect(seal('alice')).toBe(seal('alice'))
    expect(seal('alice')).toMatch(MARK)
    expect(seal('alice')).not.toBe(seal('bob'))
    expect(createSeal(new Uint8Array(32).fill(8))('alice')).not.toBe(seal('alice'))
  })
})

describe('secret names', () => {
  it.each([
    'password',
    'userPassword',
    'PASS',
    'api_key',
    'apiKey',
    'X-API-Key',
    'Authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'access_token',
    'refreshToken',
    'csrf-token',
    'clientSecret',
    'sessionId',
    'private_key',
    'pin',
    'CVV',
    'cardNumber',
    'x-auth-token',
  ])('%s is one', (name) => expect(isSecretName(name)).toBe(true))

  it.each(['name', 'id', 'author', 'spinner', 'passenger', 'price', 'compass', 'pinned', 'company', 'key'])('%s is none', (name) =>
    expect(isSecretName(name)).toBe(false),
  )
})

describe('secret values', () => {
  it.each([
    'alice@example.com',
    'mail to <bob.smith+x@mail.example.org>',
    'alice%40example.com',
    '4111111111111111',
    '4111 1111 1111 1111',
    '5500-0000-0000-0004',
    '378282246310005',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    'Bearer abcdef',
    'Basic dXNlcjpwYXNz',
    '{"password":"x1"}',
    'token=abc123',
    'api-key: 1',
    'https://user:pw@host/',
    'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
    'AKIAIOSFODNN7EXAMPLE',
    '-----BEGIN RSA PRIVATE KEY-----',
    'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    '{\\"secret\\":\\"x\\"}',
    '9f86d081884c7d659a2feaa0c55ad015',
  ])('%s is one', (value) => expect(holdsSecret(value)).toBe(true))

  it.each([
    '',
    'shipped',
    '2024-01-01T00:00:00.000Z',
    '1704067200000',
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    'my-long-article-2024-about-figs',
    '4111111111111112',
    '19.99',
    'the token was lost',
    'a@b',
    '/api/v2/orders/42',
    'John Smith, 12 Main Street',
  ])('%j is none', (value) => expect(holdsSecret(value)).toBe(false))

  it('Luhn', () => {
    expect(passesLuhn('79927398713')).toBe(true)
    expect(passesLuhn('79927398710')).toBe(false)
  })

  it('hostile texts are searched in linear time', () => {
    const start = performance.now()
    for (const piece of ['a%40', 'a%40a.', '%40', 'a@a.', 'a@', 'eyJ', '4', '4 ', 'token ', '-----BEGIN ', '//a', 'a-', 'bearer '])
      holdsSecret(piece.repeat(500_000))
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

describe('bodies', () => {
  it('secrets go by name, by look and by configured pointer; shape and other values stay', () => {
    const text = body(
      '{"id":1,"user":{"email":"alice@example.com","name":"Alice","born":"1970-01-01"},"password":"hunter2","tokens":{"tok1":true},"list":[{"note":"x","pin":1234}],"n":null}',
      ['/user/born', '/list/*/note'],
    )
    expect(text.replaceAll(new RegExp(MARK, 'g'), '#')).toBe(
      '{"id":1,"user":{"email":"#","name":"Alice","born":"#"},"password":"#","tokens":"#","list":[{"note":"#","pin":"#"}],"n":null}',
    )
  })

  it('null, booleans and empty values under a secret name say that there is no secret', () => {
    expect(body('{"token":null,"password":"","session":false,"cookies":[],"secret":{}}')).toBe(
      '{"token":null,"password":"","session":false,"cookies":[],"secret":{}}',
    )
  })

  it('keys that are secrets are sealed', () => {
    expect(body('{"alice@example.com":{"a":1}}')).toMatch(/^\{"\[redacted:[0-9a-f]{8}\]":\{"a":1\}\}$/)
  })

  it('escapes hide nothing', () => {
    expect(body('{"p\\u0061ssword":"hunter2","x":"alice\\u0040example.com"}')).not.toMatch(/hunter2|alice/)
  })

  it('equal secrets are seen to be equal, however written', () => {
    const marks = body('{"a":"alice@example.com","b":"alice\\u0040example.com","pin":1234.0,"otp":1234}').match(new RegExp(MARK, 'g'))
    expect(marks).toHaveLength(4)
    expect(marks?.[0]).toBe(marks?.[1])
    expect(marks?.[2]).toBe(marks?.[3])
  })

  it('the whole document may be secret', () => {
    expect(body('{"a":1}', [''])).toMatch(/^"\[redacted:[0-9a-f]{8}\]"$/)
    expect(body('[["x"]]', ['/0'])).toMatch(/^\["\[redacted:[0-9a-f]{8}\]"\]$/)
    expect(body('"plain"')).toBe('"plain"')
  })

  it('long bodies, long values and deep ones are cut', () => {
    expect(body(JSON.stringify(Array.from({ length: 10_000 }, (_, i) => i)))).toHaveLength(8 * 1024 + 1)
    expect(body(JSON.stringify('long '.repeat(1_000)))).toHaveLength(203)
    expect(body(`1${'0'.repeat(999)}`)).toHaveLength(201)
    expect(body('['.repeat(900) + ']'.repeat(900))).toHaveLength(1_800)
  })

  it('a secret that begins within what is shown is seen even when it ends behind', () => {
    expect(body(JSON.stringify(`${'x '.repeat(97)}4111111111111111`))).toMatch(MARK)
  })

  it('of a body that is no JSON only type, size and seal are kept', () => {
    const text = body('<b>alice@example.com hunter2</b>', [], { 'content-type': 'text/html; charset=utf-8' })
    expect(text).toMatch(/^\[not kept: text\/html, 32 bytes, \[redacted:[0-9a-f]{8}\]\]$/)
    expect(body('hunter2')).toMatch(/^\[not kept: no type, 7 bytes/)
    expect(body('x', [], { 'content-type': 'text/alice@example.com' })).toMatch(/^\[not kept: no type/)
    expect(body('')).toBe('')
    expect(createRedactor([], seal).body({ status: 200, headers: {}, body: new Uint8Array(0), problem: 'truncated' })).toBe(
      '[not kept: truncated]',
    )
  })
})

describe('targets', () => {
  const redactor = createRedactor([], seal)

  it.each([
    ['/orders/1?page=2&limit=50&sort=asc&active=true', '/orders/1?page=2&limit=50&sort=asc&active=true'],
    ['/orders?q=hunter2', '/orders?q=#'],
    ['/orders?pin=1234&token=7', '/orders?pin=#&token=#'],
    ['/orders?user[email]=alice%40example.com', '/orders?user[email]=#'],
    ['/orders?alice%40example.com', '/orders?#'],
    ['/orders?eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig', '/orders?#'],
    ['/orders?flag', '/orders?flag'],
    ['/orders?', '/orders?'],
    ['/users/alice%40example.com/x', '/users/#/x'],
    ['/reset/4eC39HqLyjWDarjtT1zdp7dc', '/reset/#'],
    ['/a;jsessionid=ABC/b', '/a;#/b'],
    ['/bad%zz?x=%zz', '/bad%zz?x=#'],
    ['http://user:pw@host/a?b=c', '#/a?b=#'],
    ['http://host:80/a', 'http://host:80/a'],
  ])('%s is kept as %s', (given, kept) => expect(redactor.target(given).replaceAll(new RegExp(MARK, 'g'), '#')).toBe(kept))
})

describe('headers, request ids, differences', () => {
  const redactor = createRedactor(['/user/*/born', '/list/3/note'], seal)

  it('headers go by name, then by look; URLs lose their queries', () => {
    const headers = redactor.headers({
      'set-cookie': 'session=abc',
      'x-api-key': 'k',
      'content-type': 'application/json',
      location: '/next?code=hunter2&page=3',
      link: '<https://host/x?secret=1>; rel=next',
      'x-user': 'alice@example.com',
      etag: '',
    })
    expect(
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll(new RegExp(MARK, 'g'), '#')])),
    ).toEqual({
      'set-cookie': '#',
      'x-api-key': '#',
      'content-type': 'application/json',
      location: '/next?code=#&page=3',
      link: expect.not.stringContaining('secret=1') as string,
      'x-user': '#',
      etag: '',
    })
  })

  it('request ids of the usual forms stay readable', () => {
    for (const id of ['3f2504e0-4f89-41d3-9a0c-0305e82c3301', '4bf92f3577b34da6a3ce929d0e0e4736', '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'r-1'])
      expect(redactor.requestId(id)).toBe(id)
    expect(redactor.requestId('alice@example.com')).toMatch(MARK)
  })

  it.each([
    ['/password', '"hunter2"', '"hunter3"'],
    ['/a/tokens/*/x', '1', '"y"'],
    ['/user/*/born', '"1970"', '"1971"'],
    ['/user/7/born/deep', '1', '2'],
    ['/list/*/note', '1', '2'],
    ['/x', '"alice@example.com"', '4111111111111111'],
    ['header:x-api-key', 'k1', 'k2'],
  ])('both values at %s are sealed', (path, v1, v2) => {
    const kind = path.startsWith('header:') ? 'header' : 'value'
    const [difference] = redactor.differences([{ path, kind, v1, v2 }])
    expect(difference?.v1).toMatch(MARK)
    expect(difference?.v2).toMatch(MARK)
    expect(difference?.v1).not.toBe(difference?.v2)
  })

  it('other values stay, shortened; sizes of containers and absence are no secrets', () => {
    const long = JSON.stringify('word '.repeat(100))
    const differences = [
      { path: '/a', kind: 'value', v1: '"x"', v2: '-1.5' },
      { path: '/password', kind: 'type', v1: '{2 members}', v2: 'null' },
      { path: '/a', kind: 'missing', v1: long, v2: null },
      { path: 'status', kind: 'status', v1: '200', v2: '500' },
      { path: 'header:etag', kind: 'header', v1: null, v2: 'W/"1"' },
      { path: 'body', kind: 'body', v1: '3 bytes', v2: null },
    ] as const
    const kept = redactor.differences(differences)
    expect(kept.map(({ v1, v2 }) => [v1, v2])).toEqual([
      ['"x"', '-1.5'],
      ['{2 members}', 'null'],
      [`${long.slice(0, 200)}…`, null],
      ['200', '500'],
      [null, 'W/"1"'],
      ['3 bytes', null],
    ])
  })

  it('a listed pointer to the document covers everything', () => {
    expect(createRedactor([''], seal).differences([{ path: '', kind: 'value', v1: '1', v2: '2' }])[0]?.v1).toMatch(MARK)
  })

  it.each([
    ['/users/alice@example.com/orders/42/x~1y', '/users/*/orders/*/x~1y'],
    ['/map/3f2504e0-4f89-41d3-9a0c-0305e82c3301/*', '/map/*/*'],
    ['/sessions/alice/ip', '/sessions/*/*'],
    ['/user/bob/born/place', '/user/bob/born/*'],
    ['/list/*/note/text', '/list/*/note/*'],
    ['/list/*/other', '/list/*/other'],
    ['header:etag', 'header:etag'],
    ['', ''],
  ])('keys that are data, or below a secret, become `*`: %s is shown as %s', (path, shown) => {
    expect(redactor.path(path)).toBe(shown)
  })
})
