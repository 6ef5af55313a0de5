import { expect, test } from 'vitest'
import { createAuth } from '../../src/admin/auth.ts'
import { createMemorySource } from './memory-source.ts'
import { startAdmin } from './support.ts'

const TOKENS = [
  { name: 'dashboard', role: 'viewer', token: 'view-secret' },
  { name: 'oncall', role: 'operator', token: 'operate-secret' },
] as const

const bearer = (token: string): { headers: Record<string, string> } => ({ headers: { authorization: `Bearer ${token}` } })

test('with tokens, health is open, the API is not', async () => {
  const { send } = await startAdmin({ tokens: TOKENS })
  for (const path of ['/healthz', '/readyz', '/metrics', '/']) expect((await send('GET', path)).status, path).toBe(200)
  for (const path of ['/api/v1/status', '/api/v1/diffs', '/api/v1/events', '/api/v1/nothing', '/api/']) {
    const answer = await send('GET', path)
    expect([answer.status, answer.json['code']], path).toEqual([401, 'token-missing'])
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="banyan admin"')
  }
})

test('a viewer may look, an operator may change, and the audit knows who', async () => {
  const { send, source } = await startAdmin({ tokens: TOKENS })
  expect((await send('GET', '/api/v1/status', bearer('view-secret'))).status).toBe(200)
  expect((await send('POST', '/api/v1/plan', { body: {}, ...bearer('view-secret') })).status).toBe(200)
  for (const [method, path] of [
    ['POST', '/api/v1/rollback'],
    ['POST', '/api/v1/rearm'],
    ['PUT', '/api/v1/routes/orders/weight'],
    ['PUT', '/api/v1/routes/orders/stage'],
    ['POST', '/api/v1/routes/orders/rollback'],
    ['POST', '/api/v1/routes/orders/rearm'],
    ['POST', '/api/v1/routes/orders/ramp'],
    ['POST', '/api/v1/routes/orders/evidence'],
  ] as const) {
    expect(await send(method, path, bearer('view-secret')), path).toMatchObject({ status: 403, json: { code: 'operator-needed' } })
  }
  expect(source.commands).toEqual([])
  expect((await send('POST', '/api/v1/routes/orders/rollback', bearer('operate-secret'))).status).toBe(200)
  expect(source.commands).toMatchObject([{ actor: 'oncall' }])
})

test('only a whole bearer token counts', async () => {
  const { send } = await startAdmin({ tokens: TOKENS })
  const wrong = [
    'Bearer view-secre',
    'Bearer view-secret2',
    'Bearer VIEW-SECRET',
    'Bearer  ',
    'Bearer',
    'Basic view-secret',
    'view-secret',
    'Bearer a b',
    '',
  ]
  for (const authorization of wrong) {
    const answer = await send('GET', '/api/v1/status', { headers: { authorization } })
    expect(answer.status, authorization).toBe(401)
    expect(answer.text).not.toContain('secret')
  }
  expect((await send('GET', '/api/v1/status?token=view-secret')).status).toBe(401)
  expect((await send('GET', '/api/v1/status', { headers: { authorization: 'bearer view-secret' } })).status).toBe(200)
})

test('a token is known by all of its bytes; of two equal ones the first names the caller', () => {
  const many = Array.from({ length: 50 }, (_, index) => ({ name: `t${index}`, role: 'viewer' as const, token: `token-${index % 25}` }))
  const auth = createAuth(many, '0.0.0.0')
  expect(auth.authorize('viewer', 'Bearer token-24')).toEqual({ actor: 't24', role: 'viewer' })
  expect(auth.authorize('viewer', 'Bearer token-25')).toMatchObject({ code: 'token-wrong' })
})

test('digests are compared in constant time', async () => {
  // Time cannot be asserted on a shared machine; that the comparison is the constant-time one can.
  const { readFile } = await import('node:fs/promises')
  const source = await readFile(new URL('../../src/admin/auth.ts', import.meta.url), 'utf8')
  expect(source).toContain('timingSafeEqual(token.digest, digest)')
  expect(source).not.toMatch(/token\s*===|===\s*token/)
})

test('metrics ask for a token only where the config says so', async () => {
  const { send } = await startAdmin({ tokens: TOKENS, metrics: 'token' })
  expect((await send('GET', '/metrics')).status).toBe(401)
  expect((await send('GET', '/metrics', bearer('view-secret'))).status).toBe(200)
  expect((await send('GET', '/healthz')).status).toBe(200)
})

test('without tokens a loopback port is open, as local', async () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const { port } = await startAdmin({ host })
    expect(port).toBeGreaterThan(0)
  }
  const { send, source } = await startAdmin()
  expect((await send('POST', '/api/v1/routes/orders/rollback')).status).toBe(200)
  expect(source.commands).toMatchObject([{ actor: 'local' }])
})

test('without tokens any other address answers health and metrics only, and says how to set one', async () => {
  const { send, source } = await startAdmin({ host: '0.0.0.0' })
  for (const path of ['/healthz', '/readyz', '/metrics']) expect((await send('GET', path)).status, path).toBe(200)
  for (const [method, path] of [
    ['GET', '/api/v1/status'],
    ['GET', '/api/v1/audit'],
    ['POST', '/api/v1/rollback'],
  ] as const) {
    const answer = await send(method, path, bearer('anything'))
    expect([answer.status, answer.json['code']], path).toEqual([403, 'token-not-set'])
    expect(answer.json['detail']).toContain('BANYAN_ADMIN_TOKEN')
  }
  expect(source.commands).toEqual([])
})

test('metrics: token without any token is shut off loopback and open on it', async () => {
  expect((await (await startAdmin({ host: '0.0.0.0', metrics: 'token' })).send('GET', '/metrics')).status).toBe(403)
  expect((await (await startAdmin({ metrics: 'token' })).send('GET', '/metrics')).status).toBe(200)
})

test('a change must be JSON: a form of another page cannot make one', async () => {
  const { send, source } = await startAdmin()
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', '']) {
    const answer = await send('POST', '/api/v1/rollback', { body: '{}', headers: { 'content-type': type } })
    expect(answer, type).toMatchObject({ status: 415, json: { code: 'content-type' } })
  }
  expect(
    (await send('POST', '/api/v1/rollback', { body: '{}', headers: { 'content-type': 'Application/JSON; charset=utf-8' } })).status,
  ).toBe(200)
  expect(source.commands).toHaveLength(1)
})

test('a change from another origin is refused, from the own one or none is not', async () => {
  const { send, source, port } = await startAdmin()
  const rollback = (headers: Record<string, string>) => send('POST', '/api/v1/rollback', { body: '{}', headers })
  for (const origin of [
    'http://evil.example',
    `http://127.0.0.1:${port + 1}`,
    'null',
    '',
    `ftp://127.0.0.1:${port}`,
    `http://127.0.0.1:${port}.evil.example`,
  ]) {
    expect(await rollback({ origin }), origin).toMatchObject({ status: 403, json: { code: 'origin-refused' } })
  }
  for (const site of ['cross-site', 'same-site']) {
    expect(await rollback({ 'sec-fetch-site': site })).toMatchObject({ status: 403, json: { code: 'origin-refused' } })
  }
  expect(source.commands).toEqual([])
  expect((await rollback({ origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  expect((await rollback({ host: 'localhost:19090', origin: 'http://localhost:19090' })).status).toBe(200)
})

test('a change under a foreign name is refused: DNS rebinding', async () => {
  const { send, source } = await startAdmin({ hosts: ['gateway.internal'] })
  const rollback = (host: string) => send('POST', '/api/v1/rollback', { body: '{}', headers: { host } })
  for (const host of [
    'evil.example',
    'evil.example:9090',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.1.2.3',
    '0.0.0.0',
    'a b',
    '[::2]',
  ]) {
    expect(await rollback(host), host).toMatchObject({ status: 403, json: { code: 'host-unknown' } })
  }
  expect(source.commands).toEqual([])
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:1',
    'localhost:9090',
    'LOCALHOST',
    '[::1]:9090',
    '127.8.8.8',
    'gateway.internal:80',
    'Gateway.Internal',
  ]) {
    expect((await rollback(host)).status, host).toBe(200)
  }
})

test('an open port does not even let a foreign name read', async () => {
  const { send } = await startAdmin()
  expect(await send('GET', '/api/v1/status', { headers: { host: 'evil.example' } })).toMatchObject({
    status: 403,
    json: { code: 'host-unknown' },
  })
  expect((await send('GET', '/readyz', { headers: { host: '10.2.3.4:9090' } })).status).toBe(200)
})

test('with a token reads go by any name, changes by known ones and the address of the connection', async () => {
  const { send } = await startAdmin({ host: '0.0.0.0', tokens: TOKENS, hosts: ['banyan.svc'] })
  const token = { authorization: 'Bearer operate-secret' }
  expect((await send('GET', '/api/v1/status', { headers: { ...token, host: 'anything.example' } })).status).toBe(200)
  expect((await send('POST', '/api/v1/rollback', { headers: { ...token, host: 'anything.example' } })).status).toBe(403)
  expect((await send('POST', '/api/v1/rollback', { headers: { ...token, host: 'banyan.svc:9090' } })).status).toBe(200)
  expect((await send('POST', '/api/v1/rollback', { headers: token })).status).toBe(200)
})

test('no answer may be framed, sniffed, kept or read by another origin', async () => {
  const { send } = await startAdmin()
  for (const path of ['/', '/healthz', '/metrics', '/api/v1/status', '/nothing']) {
    const { headers } = await send('GET', path, { headers: { origin: 'http://evil.example' } })
    expect(headers, path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
  }
  expect(
    (await send('OPTIONS', '/api/v1/rollback', { headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' } }))
      .status,
  ).toBe(405)
})

test('a failing source is told to the log, never to the caller, and no secret to either', async () => {
  const source = createMemorySource()
  const failing = { ...source, audit: () => Promise.reject(new Error('cannot open /var/lib/banyan/control.db')) }
  const { send, errors } = await startAdmin({ tokens: TOKENS }, failing)
  const answer = await send('GET', '/api/v1/audit?since=1h', bearer('view-secret'))
  expect(answer).toMatchObject({ status: 500, json: { code: 'internal' } })
  expect(answer.text).not.toContain('control.db')
  expect(errors).toMatchObject([{ request: { method: 'GET', path: '/api/v1/audit' } }])
  expect(JSON.stringify(errors)).not.toContain('secret')
})
