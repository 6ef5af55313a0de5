import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Comparer, createComparer } from '../../src/compare/comparer.ts'
import type { CompareConfig } from '../../src/core/model/config.ts'
import { COUNTERS } from '../../src/core/model/observation.ts'
import { batchOf, snapshotOf, type TestAnswer, type TestPair } from './pairs.ts'

interface Bench {
  readonly comparer: Comparer
  /** "slot counter" → times. */
  readonly counts: Map<string, number>
  readonly reasons: string[]
  readonly failures: unknown[]
  run(...pairs: readonly TestPair[]): void
}

function bench(config: Partial<CompareConfig> = {}, comparedOn = (): number => 1_000): Bench {
  const counts = new Map<string, number>()
  const reasons: string[] = []
  const failures: unknown[] = []
  const comparer = createComparer({
    count: (slot, counter) => {
      const key = `${slot} ${COUNTERS[counter] ?? '?'}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
    comparedOn,
    random: () => 0.5,
    sealKey: new Uint8Array(32).fill(1),
    onIncomparable: (route, reason) => reasons.push(`${route} ${reason}`),
    onFailure: (_route, error) => failures.push(error),
  })
  comparer.configure(snapshotOf({ orders: config }))
  const run = (...pairs: readonly TestPair[]): void => {
    const batch = batchOf(...pairs)
    for (const meta of batch.pairs) comparer.compare(meta, batch.bytes)
  }
  return { comparer, counts, reasons, failures, run }
}

function countsOf({ counts }: Bench): Record<string, number> {
  return Object.fromEntries(counts)
}

describe('a pair becomes counts, findings and a sample', () => {
  it('each outcome is counted in the route’s slot, each finding by its kind', () => {
    const it_ = bench({ ignore: ['/at'] })
    it_.run(
      { v1: '{"a":1}', v2: '{"a":1.0}' },
      { v1: '{"at":1}', v2: '{"at":2}' },
      { v1: '{"a":1,"b":[1]}', v2: '{"a":2,"b":[1,2]}', slot: 5 },
      { v1: '{"list":[{"a":1},{"a":2}]}', v2: '{"list":[{"a":8},{"a":9}]}' },
      { v1: { body: '{}', complete: false }, v2: '{}' },
    )
    expect(countsOf(it_)).toEqual({
      '1 compare_match': 1,
      '1 compare_ignored': 1,
      '5 compare_mismatch': 1,
      '5 difference_value': 1,
      '5 difference_length': 1,
      '1 compare_mismatch': 1,
      '1 difference_value': 1,
      '1 compare_incomparable': 1,
    })
    expect(it_.reasons).toEqual(['orders truncated'])
    expect(it_.comparer.findings(null)).toHaveLength(3)
    expect(it_.comparer.findings('rest')).toEqual([])
  })

  it('the finding’s example is the pair, redacted', () => {
    const it_ = bench({ redact: ['/user/name'] })
    it_.run({
      target: '/orders/7?q=private&page=2',
      v1: '{"user":{"name":"Alice","email":"alice@example.com"},"total":1}',
      v2: '{"user":{"name":"Alice","email":"alice@example.com"},"total":2}',
    })
    const [finding] = it_.comparer.findings('orders')
    expect(finding).toMatchObject({
      endpoint: 'GET /orders/:id',
      path: '/total',
      kind: 'value',
      state: 'learning',
      count: 1,
      compared: 1_000,
    })
    const sample = it_.comparer.sample(finding?.examples[0] ?? '')
    expect(sample).toMatchObject({
      finding: finding?.id,
      route: 'orders',
      requestId: 'r-1',
      at: '2024-01-01T00:00:00.000Z',
      differences: [{ path: '/total', kind: 'value', v1: '1', v2: '2' }],
    })
    expect(sample?.target).toMatch(/^\/orders\/7\?q=\[redacted:[0-9a-f]{8}\]&page=2$/)
    expect(sample?.v1.body.replaceAll(/\[redacted:[0-9a-f]{8}\]/g, '#')).toBe('{"user":{"name":"#","email":"#"},"total":1}')
    expect(it_.comparer.sample('unknown')).toBeNull()
  })

  it('compressed bodies are compared by what they hold', () => {
    const it_ = bench()
    const encoded = (encoding: string, body: Buffer): TestAnswer => ({
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body,
    })
    const text = Buffer.from('{"a":[1,2,3]}')
    it_.run(
      { v1: encoded('gzip', gzipSync(text)), v2: encoded('br', brotliCompressSync(text)) },
      { v1: encoded('gzip', gzipSync(text)), v2: '{"a":[1,2,4]}' },
      { v1: encoded('gzip', text), v2: '{"a":[1,2,4]}' },
    )
    expect(countsOf(it_)).toMatchObject({ '1 compare_match': 1, '1 compare_mismatch': 1, '1 compare_incomparable': 1 })
    expect(it_.comparer.findings(null)[0]?.path).toBe('/a/*')
    expect(it_.reasons).toEqual(['orders undecodable'])
  })

  it('a pair of an unknown route is dropped: without rules every volatile field would be a finding', () => {
    const it_ = bench()
    it_.run({ route: 'gone', slot: 9, v1: '{"a":1}', v2: '{"a":2}' })
    expect(countsOf(it_)).toEqual({ '9 compare_dropped': 1 })
    expect(it_.comparer.findings(null)).toEqual([])
  })

  it('new rules hold from the next pair; findings of removed routes and their samples go', () => {
    const it_ = bench()
    it_.run({ v1: '{"a":1}', v2: '{"a":2}' })
    const example = it_.comparer.findings(null)[0]?.examples[0] ?? ''
    it_.comparer.configure(snapshotOf({ orders: { ignore: ['/a'] } }))
    it_.run({ v1: '{"a":1}', v2: '{"a":2}' })
    expect(it_.counts.get('1 compare_ignored')).toBe(1)
    expect(it_.comparer.sample(example)).not.toBeNull()
    it_.comparer.configure(snapshotOf({ rest: {} }))
    expect(it_.comparer.findings(null)).toEqual([])
    expect(it_.comparer.sample(example)).toBeNull()
  })

  it('an error in one pair is counted as incomparable (internal), and the next is compared', () => {
    const it_ = bench()
    const batch = batchOf({ v1: '{"a":1}', v2: '{"a":2}' })
    const [meta] = batch.pairs
    if (meta === undefined) throw new Error('no pair')
    it_.comparer.compare({ ...meta, v1: { ...meta.v1, offset: 1_000 } }, batch.bytes)
    it_.comparer.compare(meta, batch.bytes)
    expect(it_.reasons).toEqual(['orders internal'])
    expect(it_.failures).toHaveLength(1)
    expect(countsOf(it_)).toMatchObject({ '1 compare_incomparable': 1, '1 compare_mismatch': 1 })
  })
})

describe('hostile answers', () => {
  const json = { 'content-type': 'application/json' }

  it('no crash, no wrong match, within seconds', () => {
    const it_ = bench()
    const huge = new Uint8Array(46 * 1024 * 1024).fill(0x31)
    const deep = new Uint8Array(10_000_000).fill(0x5b, 0, 5_000_000).fill(0x5d, 5_000_000)
    const deeper = deep.slice()
    deeper[5_000_000] = 0x31
    const bomb = { headers: { ...json, 'content-encoding': 'br' }, body: brotliCompressSync(Buffer.alloc(100_000_000, ' ')) }
    const start = performance.now()
    it_.run({ v1: { headers: json, body: huge }, v2: '1' })
    it_.run({ v1: { headers: json, body: deep }, v2: { headers: json, body: deeper } })
    it_.run({ v1: { headers: json, body: deep }, v2: '[]' })
    it_.run({ v1: bomb, v2: '{}' })
    expect(it_.reasons).toEqual(['orders too-large', 'orders too-deep', 'orders too-deep', 'orders too-large'])
    it_.run({ v1: '{"n":9007199254740992}', v2: '{"n":9007199254740993}' }, { v1: '{"n":1e400}', v2: '{"n":1e401}' })
    it_.run({ v1: { body: Uint8Array.of(0x22, 0xff, 0x22) }, v2: '"\ufffd"' })
    expect(it_.counts.get('1 compare_mismatch')).toBe(3)
    expect(it_.counts.get('1 compare_match')).toBeUndefined()
    expect(it_.failures).toEqual([])
    expect(performance.now() - start).toBeLessThan(25_000)
  })

  it('a flood of keys, paths and endpoints leaves a bounded book', () => {
    const it_ = bench()
    for (let i = 0; i < 3_000; i++)
      it_.run({ target: `/e${'x'.repeat(i % 39)}/${'y'.repeat(i % 37)}`, v1: `{"k_${'z'.repeat(i % 35)}${i % 9}q":1}`, v2: '{}' })
    const findings = it_.comparer.findings(null)
    expect(findings.length).toBeLessThanOrEqual(501)
    expect(findings.reduce((sum, { count }) => sum + count, 0)).toBe(3_000)
  })
})

describe('secrets planted everywhere', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkLTAxIn0.c2lnbmVkLXNlY3JldA'
  const planted = [
    'hunter2-planted',
    'planted-cookie-1',
    'planted-key-77',
    'planted@example.com',
    '4111111111111111',
    '5500 0000 0000 0004',
    jwt,
    'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
    'plantedUser:plantedPw',
    'planted.query@example.org',
    'plantedsession',
    'planted-pem',
    'planted-nested',
  ]

  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${jwt}`,
    'set-cookie': 'sid=planted-cookie-1; HttpOnly',
    cookie: 'sid=planted-cookie-1',
    'x-api-key': 'planted-key-77',
    'x-user': 'planted@example.com',
    location: '/next?token=planted-key-77&mail=planted.query@example.org',
    link: '<https://plantedUser:plantedPw@host/>; rel=next',
    'x-note': 'card 4111111111111111',
  }
  const body = (n: number): string =>
    JSON.stringify({
      n,
      password: 'hunter2-planted',
      nested: { deep: [{ client_secret: { value: 'planted-nested', list: ['planted-nested'] } }] },
      mail: 'planted@example.com',
      card: 4_111_111_111_111_111,
      cardText: '5500 0000 0000 0004',
      text: `please use ${jwt} to log in`,
      json: '{"password":"hunter2-planted","n":1}',
      url: 'https://plantedUser:plantedPw@host/x?token=planted-key-77',
      key: 'sk_live_4eC39HqLyjWDarjtT1zdp7dc',
      pem: '-----BEGIN PRIVATE KEY----- planted-pem',
      map: { 'planted@example.com': n, [jwt]: n, sk_live_4eC39HqLyjWDarjtT1zdp7dc: n },
      listed: `hunter2-planted ${n}`,
      sessions: { plantedsession: n },
    })

  it('none is in any finding, sample or reason', () => {
    const listed = Object.keys(headers)
    const it_ = bench({ headers: listed, redact: ['/listed'] })
    const targets = [
      `/orders/planted@example.com;jsessionid=plantedsession?password=hunter2-planted&q=planted-nested&card=4111111111111111&${jwt}&x=planted.query%40example.org`,
      `/reset/sk_live_4eC39HqLyjWDarjtT1zdp7dc/${jwt}`,
      'http://plantedUser:plantedPw@host/a?sid=plantedsession',
    ]
    for (const target of targets) {
      const other = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, `${value}, planted@example.com`]))
      it_.run({
        target,
        requestId: jwt,
        v1: { headers, body: body(1) },
        v2: { headers: other, body: body(2).replace('hunter2', 'hunter2-planted') },
      })
      it_.run({ target, v1: { headers, body: body(1) }, v2: { headers, body: '{"password":{"x":"hunter2-planted"}}' } })
      it_.run({
        target,
        v1: { headers: { 'content-type': 'text/html' }, body: `<p>${body(1)}` },
        v2: { headers: { 'content-type': 'text/html' }, body: body(2) },
      })
    }
    const findings = it_.comparer.findings(null)
    const samples = findings.flatMap(({ examples }) => examples.map((id) => it_.comparer.sample(id)))
    expect(findings.length).toBeGreaterThan(10)
    expect(samples.length).toBeGreaterThan(10)
    const shown = JSON.stringify([findings, samples, it_.reasons, it_.failures])
    expect(planted.filter((secret) => shown.includes(secret))).toEqual([])
    expect(/.{20}planted.{0,20}/.exec(shown)?.[0]).toBeUndefined()
  })
})

describe('documents nobody here wrote', () => {
  it('every webhook example matches itself reformatted, and a change of one number is found', () => {
    const path = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json')
    const events = JSON.parse(readFileSync(path, 'utf8')) as { name: string; examples: Record<string, unknown>[] }[]
    const it_ = bench()
    let documents = 0
    for (const { examples } of events) {
      for (const example of examples) {
        documents++
        const reversed = Object.fromEntries(Object.entries(example).reverse())
        it_.run({ v1: JSON.stringify(example), v2: JSON.stringify(reversed, null, 2) })
        it_.run({ v1: JSON.stringify({ ...example, n: 1 }), v2: JSON.stringify({ ...reversed, n: 2 }) })
      }
    }
    expect(documents).toBeGreaterThan(100)
    expect(it_.counts.get('1 compare_match')).toBe(documents)
    expect(it_.counts.get('1 compare_mismatch')).toBe(documents)
    expect(it_.comparer.findings(null)).toMatchObject([{ path: '/n', kind: 'value', count: documents, state: 'regression' }])
  })
})
