import { expect, test } from 'vitest'
import { FINDING, SAMPLE } from './memory-source.ts'
import { startAdmin } from './support.ts'

test('health says that the process lives, readiness what is missing', async () => {
  const { send, source } = await startAdmin()
  expect(await send('GET', '/healthz')).toMatchObject({ status: 200, json: { alive: true } })
  expect(await send('GET', '/readyz')).toMatchObject({ status: 200, json: { ready: true, why: [] } })
  source.set({ readiness: { ready: false, why: ['no config yet', 'draining'] } })
  expect(await send('GET', '/readyz?verbose=1')).toMatchObject({
    status: 503,
    json: { code: 'not-ready', detail: 'no config yet; draining', ready: false, why: ['no config yet', 'draining'] },
  })
  expect(await send('GET', '/healthz')).toMatchObject({ status: 200 })
})

test('metrics are Prometheus text', async () => {
  const { send } = await startAdmin()
  const answer = await send('GET', '/metrics')
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(answer.text).toBe('banyan_killed 0\n')
})

test('the start page points to the API', async () => {
  const { send } = await startAdmin()
  const answer = await send('GET', '/')
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(answer.text).toContain('/api/v1/status')
})

test('status has the shape scripts rely on, with its revision as ETag', async () => {
  const { send } = await startAdmin()
  const { status, headers, json } = await send('GET', '/api/v1/status')
  expect(status).toBe(200)
  expect(headers.etag).toBe('"1"')
  expect(json).toMatchObject({
    revision: 1,
    killed: false,
    ceiling: { percent: 100, source: 'none', env: null, file: null, redis: null },
    store: { kind: 'local', up: true },
    routes: [
      { name: 'orders', stage: 'canary', weight: { configured: 10, wanted: 10, effective: 10, heldBy: 'none' }, tripped: null },
      {},
      {},
    ],
    pods: [],
  })
})

test('one route is found by its name, whatever is in it', async () => {
  const { send } = await startAdmin()
  expect(await send('GET', '/api/v1/routes/orders')).toMatchObject({ status: 200, json: { name: 'orders', revision: 1 } })
  expect(await send('GET', `/api/v1/routes/${encodeURIComponent('odd name/ü')}`)).toMatchObject({ status: 200, json: { stage: 'shadow' } })
  for (const name of ['nowhere', 'constructor', '__proto__', '%2e%2e']) {
    expect(await send('GET', `/api/v1/routes/${name}`)).toMatchObject({ status: 404, json: { code: 'no-such-route' } })
  }
  expect(await send('GET', '/api/v1/routes/%zz')).toMatchObject({ status: 404, json: { code: 'not-found' } })
})

test('findings, one sample, and the way to the ids', async () => {
  const { send, source } = await startAdmin()
  expect((await send('GET', '/api/v1/diffs')).json).toEqual({ findings: [FINDING] })
  expect((await send('GET', '/api/v1/diffs?route=rest')).json).toEqual({ findings: [] })
  expect(await send('GET', '/api/v1/diffs?route=nope')).toMatchObject({ status: 404, json: { code: 'no-such-route' } })
  expect((await send('GET', '/api/v1/samples/s1')).json).toEqual(SAMPLE)
  expect(await send('GET', '/api/v1/samples/s2')).toMatchObject({ status: 404, json: { code: 'no-such-sample' } })
  source.set({ findings: [] })
  expect((await send('GET', '/api/v1/diffs')).json).toEqual({ findings: [] })
})

test('audit goes back by a duration or to a time', async () => {
  let now = Date.parse('2026-03-01T10:00:00Z')
  const { createMemorySource } = await import('./memory-source.ts')
  const { send } = await startAdmin(
    { now: () => now },
    createMemorySource(undefined, () => now),
  )
  await send('POST', '/api/v1/routes/orders/rollback', { body: { reason: 'first' } })
  now += 2 * 3_600_000
  await send('POST', '/api/v1/routes/orders/rearm', { body: { reason: 'second' } })
  const reasons = async (query: string): Promise<unknown[]> => {
    const { entries } = (await send('GET', `/api/v1/audit${query}`)).json as { entries: { reason: string }[] }
    return entries.map(({ reason }) => reason)
  }
  expect(await reasons('')).toEqual(['second', 'first'])
  expect(await reasons('?since=1h')).toEqual(['second'])
  expect(await reasons('?since=2026-03-01T09:00:00Z')).toEqual(['second', 'first'])
  expect(await reasons('?since=2026-03-01T11:00:00Z')).toEqual(['second'])
  expect(await reasons('?limit=1')).toEqual(['second'])
  for (const query of ['?since=yesterday', '?since=2026-99-99', '?limit=0', '?limit=1e3', '?limit=10000', '?from=1h']) {
    expect(await send('GET', `/api/v1/audit${query}`)).toMatchObject({ status: 400, json: { code: 'query-invalid' } })
  }
})

test('a duplicate of a single parameter is refused, not resolved', async () => {
  const { send } = await startAdmin()
  expect(await send('GET', '/api/v1/audit?limit=1&limit=2')).toMatchObject({ status: 400, json: { code: 'query-invalid' } })
  expect(await send('GET', '/api/v1/explain?route=orders&route=rest')).toMatchObject({ status: 400 })
})

test('a plan is asked for with the config as the body, in YAML or JSON', async () => {
  const { send } = await startAdmin()
  const yaml = { 'content-type': 'application/yaml' }
  expect((await send('POST', '/api/v1/plan', { body: 'weight: 4\n', headers: yaml })).json).toMatchObject({ notes: ['10 bytes'] })
  expect((await send('POST', '/api/v1/plan', { body: { weight: 4 } })).json).toMatchObject({ to: 'hash-2' })
  expect(await send('POST', '/api/v1/plan', { body: 'x: 1', headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 415 })
  // Configs may be larger than commands.
  const large = `# ${'x'.repeat(200_000)}\n`
  expect((await send('POST', '/api/v1/plan', { body: large, headers: yaml })).json).toMatchObject({ notes: [`${large.length} bytes`] })
})

test('an invalid config is answered with all its problems', async () => {
  const { send } = await startAdmin()
  const answer = await send('POST', '/api/v1/plan', { body: 'weight: 400\n', headers: { 'content-type': 'application/yaml' } })
  expect(answer).toMatchObject({ status: 422, json: { code: 'config-invalid' } })
  expect(answer.json['problems']).toHaveLength(2)
})

test('explain shows the decision the data plane would make, key and bucket', async () => {
  const { send } = await startAdmin()
  const answer = await send('GET', '/api/v1/explain?path=/api/orders/7&header=x-user-id:%20alice')
  expect(answer.status).toBe(200)
  const { bucket, backend } = answer.json as { bucket: number; backend: string }
  expect(answer.json).toMatchObject({ rule: 'bucket', stickyKey: { from: 'header x-user-id' }, below: 1000, route: 'orders' })
  expect(backend).toBe(bucket < 1000 ? 'v2' : 'v1')
  expect(answer.text).not.toContain('alice')
  expect((await send('GET', '/api/v1/explain?route=orders')).json).toMatchObject({ rule: 'no-key', backend: 'v1', stickyKey: null })
})

test('explain takes text as its UTF-8 bytes, as it is on the wire', async () => {
  const { send, source } = await startAdmin()
  const seen: unknown[] = []
  const spied = { ...source, explain: (query: Parameters<typeof source.explain>[0]) => (seen.push(query), source.explain(query)) }
  const { send: sendSpied } = await startAdmin({}, spied)
  await sendSpied(
    'GET',
    `/api/v1/explain?route=orders&host=API.example.com:8080&client=10.0.0.7&cookie=a%3D1&cookie=b%3D2&header=${encodeURIComponent('X-User-Id: Zoë')}`,
  )
  expect(seen).toEqual([
    {
      route: 'orders',
      method: 'GET',
      target: '/',
      host: 'api.example.com',
      headers: [
        ['x-user-id', 'Zo\u00c3\u00ab'],
        ['cookie', 'a=1; b=2'],
      ],
      clientAddress: '10.0.0.7',
    },
  ])
  expect((await send('GET', '/api/v1/explain?route=orders&header=x-user-id:%20Zo%C3%AB')).status).toBe(200)
})

test('explain names what is wrong with a question', async () => {
  const { send } = await startAdmin()
  const wrong = [
    ['', 'neither route nor path'],
    ['?path=api', 'path is "api": it must be a path that starts with'],
    ['?route=orders&header=nocolon', 'header is "nocolon"'],
    ['?route=orders&header=bad%20name:x', 'header is'],
    ['?route=orders&header=a:%0ab', 'header is'],
    ['?route=orders&cookie=nonsense', 'cookie is "nonsense"'],
    ['?route=orders&cookie=a%3D1%3Bb%3D2', 'cookie is'],
    ['?route=orders&client=nobody', 'client is "nobody": it must be an IP address'],
    ['?route=orders&method=G%20T', 'method is'],
    ['?route=orders&user=alice', 'unknown parameter "user": this takes route, path'],
  ] as const
  for (const [query, says] of wrong) {
    const { status, json } = await send('GET', `/api/v1/explain${query}`)
    expect([status, json['code']], query).toEqual([400, 'query-invalid'])
    expect(json['detail'], query).toContain(says)
  }
  expect(await send('GET', '/api/v1/explain?route=nope')).toMatchObject({ status: 404, json: { code: 'no-such-route' } })
})

test('a path that no route matches is told as such', async () => {
  const { routeConfig } = await import('../support/wire/config.ts')
  const { createMemorySource } = await import('./memory-source.ts')
  const { send } = await startAdmin({}, createMemorySource([routeConfig({ name: 'a', group: 'a', match: { path: '/a' } })]))
  expect(await send('GET', '/api/v1/explain?path=/b')).toMatchObject({ status: 404, json: { code: 'no-route-matches' } })
})

test('what comes later says so, by its name', async () => {
  const { send } = await startAdmin()
  expect(await send('GET', '/api/v1/events')).toMatchObject({ status: 501, json: { code: 'not-yet' } })
  expect(await send('POST', '/api/v1/routes/orders/ramp', { body: { action: 'start' } })).toMatchObject({ status: 501 })
  expect(await send('POST', '/api/v1/routes/orders/evidence', { body: {} })).toMatchObject({ status: 501 })
})

test('unknown paths and methods are told what there is', async () => {
  const { send } = await startAdmin()
  expect(await send('GET', '/nothing')).toMatchObject({ status: 404, json: { code: 'not-found' } })
  expect(await send('GET', '/api/v2/status')).toMatchObject({ status: 404 })
  expect(await send('GET', '/api/v1/status/')).toMatchObject({ status: 404 })
  expect(await send('DELETE', '/api/v1/status')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  expect(await send('GET', '/api/v1/rollback')).toMatchObject({ status: 405, headers: { allow: 'POST' } })
  expect(await send('OPTIONS', '/api/v1/rollback')).toMatchObject({ status: 405 })
})

test('errors are problem+json with a stable code', async () => {
  const { send } = await startAdmin()
  const { headers, json } = await send('GET', '/nothing')
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(json).toEqual({
    type: 'urn:banyan:problem:not-found',
    title: 'Not Found',
    status: 404,
    code: 'not-found',
    detail: expect.any(String) as string,
  })
})

test('HEAD is GET without the body', async () => {
  const { send } = await startAdmin()
  const get = await send('GET', '/api/v1/status')
  const head = await send('HEAD', '/api/v1/status')
  expect(head).toMatchObject({ status: 200, text: '' })
  expect(head.headers['content-length']).toBe(get.headers['content-length'])
})
