/** Decisions as clients and backends see them: who answers, what that is called, and what nobody may see. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { StickySource } from '../../src/core/model/config.ts'
import { answerBytes, ok } from '../support/wire/backend.ts'
import { get, post, request } from '../support/wire/client.ts'
import { has, value, values, type Message } from '../support/wire/message.ts'
import { hang, same } from '../support/proxy/scripts.ts'
import { COMPLETE, stages, type Stage } from '../support/proxy/stage.ts'

const open = stages()

interface Case {
  readonly salt: string
  readonly key: string
  readonly bucket: number
}
const VECTORS = (
  JSON.parse(readFileSync(new URL('../vectors/buckets.json', import.meta.url), 'utf8')) as { readonly cases: readonly Case[] }
).cases
/** Keys that can be written in a header as they are. */
const PLAIN = VECTORS.filter(({ key, salt }) => salt === 'gateway' && /^[\x21-\x7e]+$/.test(key) && !/["',;=]/.test(key))
const HALF = { stage: 'canary' as const, weightBps: 5_000 }

function backendOf(answer: Message): string | null {
  return value(answer, 'x-banyan-backend')
}

async function whoAnswers(stage: Stage, ...lines: string[]): Promise<string | null> {
  return backendOf(await stage.ask(get('/', ...lines)))
}

/** A token nobody has signed. */
function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part(claims)}.x`
}

describe('sticky keys', () => {
  it('there are vectors on both sides of the weight', () => {
    expect(PLAIN.length).toBeGreaterThan(10)
    expect(PLAIN.some(({ bucket }) => bucket < 5_000) && PLAIN.some(({ bucket }) => bucket >= 5_000)).toBe(true)
  })

  const SOURCES: readonly (readonly [string, StickySource, (key: string) => { readonly target?: string; readonly lines?: string[] }])[] = [
    ['a header', { kind: 'header', name: 'x-user-id' }, (key) => ({ lines: [`X-User-ID: ${key}`] })],
    ['a quoted header', { kind: 'header', name: 'x-user-id' }, (key) => ({ lines: [`x-user-id:  "${key}" `] })],
    ['the first of two headers', { kind: 'header', name: 'x-user-id' }, (key) => ({ lines: [`X-User-Id: ${key}`, 'X-User-Id: other'] })],
    ['a cookie', { kind: 'cookie', name: 'session' }, (key) => ({ lines: [`Cookie: a=b; session=${key}; c=d`] })],
    ['a cookie in its second line', { kind: 'cookie', name: 'session' }, (key) => ({ lines: ['Cookie: a=b', `Cookie: session=${key}`] })],
    ['a token’s claim', { kind: 'jwt', claim: 'sub' }, (key) => ({ lines: [`Authorization: Bearer ${jwt({ sub: key })}`] })],
    ['the query', { kind: 'query', name: 'user' }, (key) => ({ target: `/a?x=1&user=${encodeURIComponent(key)}&user=other` })],
  ]

  it.each(SOURCES)('of %s split as the vectors say', async (_name, source, of) => {
    const stage = await open({ word: HALF, config: { sticky: [source] }, v1: same('v1'), v2: same('v2') })
    const client = stage.client()
    for (const { key } of PLAIN) {
      const { target = '/', lines = [] } = of(key)
      await client.send(get(target, ...lines))
    }
    await client.answer(PLAIN.length)
    const got = client.complete.map((answer, index) => [PLAIN[index]?.key, backendOf(answer)])
    expect(got).toEqual(PLAIN.map(({ key, bucket }) => [key, bucket < 5_000 ? 'v2' : 'v1']))
    // Who answered is who was asked.
    expect(client.complete.every((answer) => answer.body.toString() === backendOf(answer))).toBe(true)
  })

  it('of the client’s address is the one a trusted proxy names, and only that', async () => {
    const stage = await open({
      word: HALF,
      config: { sticky: [{ kind: 'ip', direct: false }], trustedProxies: ['127.0.0.1/32'], debug: { secret: 's' } },
    })
    const from = async (...lines: string[]): Promise<string> =>
      value(await stage.ask(get('/', 'X-Banyan-Debug: s', ...lines)), 'x-banyan-decision') ?? ''
    expect(await from('X-Forwarded-For: 203.0.113.7')).not.toBe(await from('X-Forwarded-For: 203.0.113.8'))
    // The right-most untrusted address counts: what stands before it anybody can write.
    expect(await from('X-Forwarded-For: 1.2.3.4, 203.0.113.7, 127.0.0.1')).toBe(await from('X-Forwarded-For: 203.0.113.7'))
  })

  it('that are missing or empty go to v1, by a rule of their own', async () => {
    const stage = await open({ word: { ...HALF, weightBps: 9_999 }, config: { debug: { secret: 's' } } })
    for (const lines of [[], ['X-User-Id:'], ['X-User-Id: ""']]) {
      const answer = await stage.ask(get('/', 'X-Banyan-Debug: s', ...lines))
      expect(value(answer, 'x-banyan-decision')).toBe('v1; rule=no-key')
    }
    expect(stage.counter('keyless')).toBe(3)
  })

  it('raising the weight never takes a user back from v2', async () => {
    const stage = await open({})
    const before = new Set<string>()
    for (const weightBps of [0, 100, 1_000, 5_000, 9_000, 10_000]) {
      stage.setWord({ stage: 'canary', weightBps })
      const now = new Set<string>()
      for (const { key } of PLAIN) if ((await whoAnswers(stage, `X-User-Id: ${key}`)) === 'v2') now.add(key)
      for (const key of before) expect([weightBps, now.has(key)]).toEqual([weightBps, true])
      for (const key of now) before.add(key)
    }
    expect(before.size).toBe(PLAIN.length)
  })
})

describe('the very next request obeys', () => {
  const LINES = ['X-User-Id: alice', 'X-Allowed: yes', 'X-Force: v2;s']
  const ROUTE = { allow: { header: 'x-allowed', values: ['yes'] }, force: { header: 'x-force', secret: 's', whileTripped: false } }

  it.each([
    ['a latch', { ...COMPLETE, latched: true }],
    ['the kill switch', { ...COMPLETE, killed: true }],
    ['a ceiling of 0', { ...COMPLETE, ceilingZero: true }],
    ['stage off', { stage: 'off' as const, weightBps: 10_000 }],
    ['stage shadow', { stage: 'shadow' as const, weightBps: 10_000 }],
    ['a removed route', { ...COMPLETE, live: false }],
  ])('%s: v2 gets nobody, on no connection', async (_name, word) => {
    const stage = await open({ word: COMPLETE, route: ROUTE })
    const client = stage.client()
    for (let i = 0; i < 20; i++) {
      stage.setWord(COMPLETE)
      await client.send(get('/', LINES[i % 3] ?? ''))
      expect(backendOf(await client.answer(2 * i + 1))).toBe('v2')
      stage.setWord(word)
      await client.send(get('/', LINES[i % 3] ?? ''))
      expect(backendOf(await client.answer(2 * i + 2))).toBe('v1')
    }
    expect(stage.v2.requests).toHaveLength(20)
  })

  it('the gateway’s own kill switch, and its end', async () => {
    const stage = await open({ word: COMPLETE })
    for (let i = 0; i < 5; i++) {
      stage.setGatewayWord({ killed: true })
      expect(await whoAnswers(stage)).toBe('v1')
      stage.setGatewayWord({})
      expect(await whoAnswers(stage)).toBe('v2')
    }
  })

  it('weight 0: nobody but those allowed or forced', async () => {
    const stage = await open({ word: { stage: 'canary', weightBps: 0 }, route: ROUTE })
    expect(await Promise.all(LINES.map((line) => whoAnswers(stage, line)))).toEqual(['v1', 'v2', 'v2'])
  })

  it('weight 100: everybody, keyless too', async () => {
    const stage = await open({ word: { stage: 'canary', weightBps: 10_000 } })
    expect(await whoAnswers(stage)).toBe('v2')
  })
})

describe('lists', () => {
  it('allow is always v2, deny always v1, deny first', async () => {
    const stage = await open({
      word: HALF,
      route: { allow: { header: 'x-user-id', values: ['42'] }, deny: { header: 'x-user-id', values: ['alice'] } },
    })
    // 42 has bucket 4264, alice 17: without the lists both are v2's at half.
    stage.setWord({ stage: 'canary', weightBps: 100 })
    expect([await whoAnswers(stage, 'X-User-Id: 42'), await whoAnswers(stage, 'X-User-Id: alice')]).toEqual(['v2', 'v1'])
    stage.setWord(COMPLETE)
    expect(await whoAnswers(stage, 'X-User-Id: alice')).toBe('v1')
    const both = await open({ word: COMPLETE, route: { allow: { header: 'a', values: ['1'] }, deny: { header: 'b', values: ['1'] } } })
    expect(await whoAnswers(both, 'A: 1', 'B: 1')).toBe('v1')
  })

  it('are not read from what Connection names', async () => {
    const stage = await open({ word: HALF, route: { allow: { header: 'x-team', values: ['qa'] } } })
    expect([await whoAnswers(stage, 'X-Team: qa'), await whoAnswers(stage, 'X-Team: qa', 'Connection: x-team')]).toEqual(['v2', 'v1'])
  })
})

describe('the force header', () => {
  const FORCE = { force: { header: 'X-Force-Backend', secret: 's3cret', whileTripped: true } }

  it('picks the backend with the right secret only, and never travels', async () => {
    const stage = await open({ word: HALF, route: FORCE })
    const asked: readonly (readonly [string, string])[] = [
      ['x-force-backend: v2;s3cret', 'v2'],
      ['X-Force-Backend: v2 ; s3cret', 'v2'],
      ['X-Force-Backend: v1;s3cret', 'v1'],
      ['X-Force-Backend: v2;wrong', 'v1'],
      ['X-Force-Backend: v2', 'v1'],
      ['X-Force-Backend: v3;s3cret', 'v1'],
    ]
    for (const [line, backend] of asked) expect([line, await whoAnswers(stage, line)]).toEqual([line, backend])
    await stage.ask(post('/', 'b', 'X-Force-Backend: v2;s3cret', 'X-Force-Backend: v2;s3cret'))
    expect(`${stage.v1.text}${stage.v2.text}`).not.toMatch(/force|s3cret/i)
  })

  it('passes a latch where that is configured, never the kill switch or a ceiling of 0', async () => {
    const stage = await open({ word: { ...COMPLETE, latched: true }, route: FORCE })
    expect(await whoAnswers(stage, 'X-Force-Backend: v2;s3cret')).toBe('v2')
    stage.setWord({ ...COMPLETE, latched: true, ceilingZero: true })
    expect(await whoAnswers(stage, 'X-Force-Backend: v2;s3cret')).toBe('v1')
    stage.setWord({ ...COMPLETE, killed: true })
    expect(await whoAnswers(stage, 'X-Force-Backend: v2;s3cret')).toBe('v1')
  })
})

describe('the sticky cookie', () => {
  const COOKIE = { stickyCookie: { name: 'banyan_id', maxAgeMs: 60_000 }, debug: { secret: 's' } }
  const mintedIn = (answer: Message): string | null => /^banyan_id=([^;]*)/.exec(values(answer, 'set-cookie').at(-1) ?? '')?.[1] ?? null

  it('is minted, decides its own request, and is found again', async () => {
    const stage = await open({ word: HALF, config: COOKIE })
    const seen = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const answer = await stage.ask(get('/', 'X-Banyan-Debug: s'))
      expect(values(answer, 'set-cookie')).toEqual([
        expect.stringMatching(/^banyan_id=[0-9a-f]{32}; Path=\/; Max-Age=60; HttpOnly; SameSite=Lax$/),
      ])
      const id = mintedIn(answer) ?? ''
      seen.add(id)
      const again = await stage.ask(get('/', 'X-Banyan-Debug: s', `Cookie: banyan_id=${id}`))
      expect([backendOf(again), value(again, 'x-banyan-decision')]).toEqual([backendOf(answer), value(answer, 'x-banyan-decision')])
      expect(mintedIn(again)).toBe(null)
    }
    expect(seen.size).toBe(20)
    expect(stage.counter('keyless')).toBe(0)
  })

  it('is not set where there is a key, nor on what caches may share, nor on a preflight', async () => {
    const v1 = answerBytes(ok('x', 'Cache-Control: max-age=60, Public'))
    const stage = await open({ word: HALF, config: COOKIE, v1, v2: v1 })
    expect(mintedIn(await stage.ask(get('/')))).toBe(null)
    const shared = answerBytes(ok('x', 'Cache-Control: s-maxage=60'))
    const other = await open({ word: HALF, config: COOKIE, v1: shared, v2: shared })
    expect(mintedIn(await other.ask(get('/')))).toBe(null)
    const plain = await open({ word: HALF, config: COOKIE })
    expect(mintedIn(await plain.ask(get('/', 'X-User-Id: alice')))).toBe(null)
    expect(mintedIn(await plain.ask(request('OPTIONS', '/', ['Origin: http://a', 'Access-Control-Request-Method: GET'])))).toBe(null)
    expect(mintedIn(await plain.ask(get('/', 'Cache-Control: no-cache')))).not.toBe(null)
  })

  it('is Secure when the client came over https by a trusted proxy’s word, not by its own', async () => {
    const stage = await open({ word: HALF, config: COOKIE })
    const line = async (on: Stage): Promise<string> => values(await on.ask(get('/', 'X-Forwarded-Proto: https')), 'set-cookie')[0] ?? ''
    expect(await line(stage)).not.toMatch(/Secure/)
    const trusting = await open({ word: HALF, config: { ...COOKIE, trustedProxies: ['127.0.0.1/32'] } })
    expect(await line(trusting)).toMatch(/; Secure/)
  })

  it('comes beside the backend’s own cookies, and with v1’s answer when v2 failed', async () => {
    const stage = await open({ word: HALF, config: COOKIE, v1: same('x', 'Set-Cookie: a=1', 'Set-Cookie: b=2'), v2: 'refuses' })
    for (let i = 0; i < 6; i++) {
      const cookies = values(await stage.ask(get('/')), 'set-cookie')
      expect([cookies.length, cookies.slice(0, 2)]).toEqual([3, ['a=1', 'b=2']])
    }
  })
})

describe('what the answer says', () => {
  it('names contract and backend; a backend’s own version stays, its claim to be another does not', async () => {
    const stage = await open({ v1: same('x', 'x-api-version: v9', 'X-Banyan-Backend: v2') })
    const answer = await stage.ask(get('/'))
    expect([values(answer, 'x-api-version'), values(answer, 'x-banyan-backend')]).toEqual([['v9'], ['v1']])
    const plain = await open({ word: COMPLETE })
    const other = await plain.ask(get('/'))
    expect([values(other, 'x-api-version'), values(other, 'x-banyan-backend')]).toEqual([['v2'], ['v2']])
  })

  it('can be renamed or left out', async () => {
    const stage = await open({ config: { responseHeaders: { version: null, backend: 'X-Served-By' } } })
    const answer = await stage.ask(get('/'))
    expect([has(answer, 'x-api-version'), has(answer, 'x-banyan-backend'), value(answer, 'x-served-by')]).toEqual([false, false, 'v1'])
  })

  it('tells the decision to who knows the debug secret, and to nobody else', async () => {
    const stage = await open({ word: { stage: 'canary', weightBps: 500 }, config: { debug: { header: 'X-Dbg', secret: 's3cret' } } })
    const alice = await stage.ask(get('/', 'X-User-Id: alice', 'x-dbg: s3cret'))
    expect(value(alice, 'x-banyan-decision')).toBe('v2; rule=bucket; bucket=17; below=500')
    for (const line of ['x-dbg: wrong', 'x-dbg:', 'X-Other: s3cret'])
      expect(has(await stage.ask(get('/', line)), 'x-banyan-decision')).toBe(false)
    const none = await open({ config: { debug: { header: 'X-Dbg', secret: null } } })
    expect(has(await none.ask(get('/', 'X-Dbg: null')), 'x-banyan-decision')).toBe(false)
    expect(stage.v2.text + stage.v1.text).not.toMatch(/x-dbg/i)
  })

  it('says who failed to answer', async () => {
    const stage = await open({ v1: hang, route: { timeouts: { firstByteMs: 150 } } })
    expect(backendOf(await stage.ask(get('/')))).toBe('v1')
  })
})

describe('the class of an exchange', () => {
  it('is by bucket only where the bucket decided', async () => {
    const stage = await open({ word: HALF, route: { allow: { header: 'x-allowed', values: ['1'] } } })
    await stage.ask(get('/', 'X-User-Id: alice'))
    await stage.ask(get('/', 'X-Allowed: 1'))
    await stage.ask(get('/'))
    expect([stage.finished('v2', 'bucket'), stage.finished('v2', 'otherwise'), stage.finished('v1', 'otherwise')]).toEqual([1, 1, 1])
  })

  it('of a shadow request from a trusted peer is none of the bucket’s', async () => {
    const stage = await open({ word: HALF, config: { trustedProxies: ['127.0.0.1/32'] } })
    await stage.ask(get('/', 'X-User-Id: alice', 'X-Banyan-Shadow: 1'))
    expect([stage.finished('v2', 'bucket'), stage.finished('v2', 'otherwise')]).toEqual([0, 1])
  })
})
