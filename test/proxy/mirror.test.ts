/** Which requests are mirrored, what the shadow gets, and that every mirror not sent is counted with its reason. */
import { describe, expect, it } from 'vitest'
import { get, post, request } from '../support/wire/client.ts'
import { has, value, values } from '../support/wire/message.ts'
import { createRandom, randomBody } from '../support/wire/random.ts'
import { until } from '../support/wire/until.ts'
import { hang, same } from '../support/proxy/scripts.ts'
import { COMPLETE, SHADOW, stages, type Stage } from '../support/proxy/stage.ts'
import type { Counter } from '../../src/core/model/observation.ts'

const open = stages()
const ALL = { mirror: { sample: 100 } }
const LOST: readonly Counter[] = [
  'mirror_dropped_queue',
  'mirror_dropped_body',
  'mirror_dropped_lag',
  'mirror_dropped_breaker',
  'mirror_dropped_buffers',
  'mirror_dropped_timeout',
  'mirror_unsampled',
]

/** Mirrors sent and lost, with reasons. The machine may be late for a moment: such mirrors are counted, not missing. */
function lost(stage: Stage): Record<string, number> {
  return Object.fromEntries(LOST.map((name) => [name, stage.counter(name)] as const).filter(([, count]) => count > 0))
}

/** Holds the thread's lateness at a value, so that tests of everything else do not depend on the machine. */
function lateBy(stage: Stage, ms: number): void {
  Object.defineProperty(stage.ctx.wheel, 'lagMs', { get: () => ms, set: () => undefined })
}

async function punctual(options: Parameters<typeof open>[0]): Promise<Stage> {
  const stage = await open(options)
  lateBy(stage, 0)
  return stage
}

describe('the shadow', () => {
  it('gets every eligible request exactly once, as the primary got it, with its mark', async () => {
    const stage = await punctual({ v1: same(), v2: same(), word: SHADOW, route: ALL })
    const client = stage.client({ methods: Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'GET' : 'HEAD')) })
    for (let i = 0; i < 20; i++) {
      const lines = ['X-User-Id: alice', 'x-CASE: kept', 'Cookie: a=b', `X-Request-Id: id-${i}`, 'Accept: a', 'Accept: b']
      await client.send(request(i % 2 === 0 ? 'GET' : 'HEAD', `/a/../%2e/b?q=${i}#`.slice(0, -1), lines))
      await client.answer(i + 1)
    }
    await stage.quiet()
    expect(stage.v2.requests).toHaveLength(20)
    for (const primary of stage.v1.requests) {
      const shadows = stage.v2.requests.filter((one) => one.target === primary.target)
      expect(shadows).toHaveLength(1)
      const [shadow] = shadows
      expect(has(primary, 'x-banyan-shadow')).toBe(false)
      expect(shadow?.headers).toEqual([...primary.headers, ['X-Banyan-Shadow', '1']])
      expect(shadow?.start).toBe(primary.start)
    }
    expect([stage.counter('mirror_sent'), stage.counter('compare_match')]).toEqual([20, 20])
    expect([lost(stage), stage.batches]).toEqual([{}, []])
    expect(stage.counted('mirror')).toEqual({ '2xx': 20 })
    expect(stage.counted('v2')).toEqual({})
  })

  it('keeps Host, and gets no Expect, neither once nor twice given', async () => {
    const stage = await punctual({ v1: same(), v2: same(), word: SHADOW, route: { mirror: { sample: 100, methods: ['POST'] } } })
    const client = stage.client()
    await client.send(
      'POST /up HTTP/1.1\r\nHost: api.example.com:8443\r\nExpect: 100-continue\r\nX-A: 1\r\nexpect: 100-Continue\r\nContent-Length: 4\r\n\r\nbody',
    )
    await client.answer()
    await stage.quiet()
    const [shadow] = stage.v2.complete
    expect(values(stage.v1.requests[0] ?? never(), 'expect')).toHaveLength(2)
    expect(values(shadow ?? never(), 'expect')).toEqual([])
    expect(shadow && value(shadow, 'host')).toBe('api.example.com:8443')
    expect(shadow?.body.toString()).toBe('body')
  })

  it.each([
    ['of known length', (body: Buffer) => Buffer.concat([Buffer.from(request('POST', '/w', [`Content-Length: ${body.length}`])), body])],
    [
      'in chunks',
      (body: Buffer) =>
        Buffer.concat([
          Buffer.from(request('POST', '/w', ['Transfer-Encoding: chunked'])),
          ...[body.subarray(0, 3), body.subarray(3)].flatMap((part) => [
            Buffer.from(`${part.length.toString(16)};x=y\r\n`),
            part,
            Buffer.from('\r\n'),
          ]),
          Buffer.from('0\r\n\r\n'),
        ]),
    ],
  ])('gets a write only where the route opts in, with its body %s', async (_name, bytes) => {
    const body = randomBody(createRandom(5), 150_000)
    const optedIn = await punctual({ v1: same(), v2: same(), word: SHADOW, route: { mirror: { sample: 100, methods: ['POST'] } } })
    const client = optedIn.client()
    await client.send(bytes(body))
    await client.answer()
    await optedIn.quiet()
    expect(optedIn.v2.complete[0]?.body.equals(body)).toBe(true)
    const not = await punctual({ v1: same(), v2: same(), word: SHADOW, route: ALL })
    await not.ask(post('/w', 'body'))
    await not.quiet()
    expect([not.v2.requests.length, not.counter('mirror_sent')]).toEqual([0, 0])
  })

  it('never sees the force header, nor the secret of the debug header', async () => {
    const stage = await punctual({
      v1: same(),
      v2: same(),
      word: { stage: 'canary', weightBps: 0 },
      config: { debug: { header: 'x-dbg', secret: 'd3bug' } },
      route: { ...ALL, force: { header: 'X-Force-Backend', secret: 's3cret', whileTripped: false } },
    })
    await stage.ask(get('/', 'x-force-backend: v1;s3cret', 'X-Dbg: d3bug', 'X-Banyan-Anything: 1'))
    await stage.quiet()
    expect(stage.v2.requests).toHaveLength(1)
    expect(`${stage.v1.text}${stage.v2.text}`).not.toMatch(/s3cret|d3bug|anything/i)
  })
})

describe('is not mirrored', () => {
  it.each([
    ['in stage off', { stage: 'off' as const }],
    ['while mirrors are off', { ...SHADOW, mirrorsOff: true }],
    ['on a route that has gone', { ...SHADOW, live: false }],
  ])('any request %s', async (_name, word) => {
    const stage = await punctual({ v1: same(), v2: same(), word, route: ALL })
    for (let i = 0; i < 5; i++) await stage.ask(get(`/${i}`))
    expect([stage.v2.requests.length, stage.counter('mirror_sent'), stage.lane('mirror').started]).toEqual([0, 0, 0])
  })

  it('any request while the whole gateway’s mirrors are off', async () => {
    const stage = await punctual({ v1: same(), v2: same(), word: SHADOW, route: ALL })
    stage.setGatewayWord({ mirrorsOff: true })
    await stage.ask(get('/'))
    expect(stage.v2.requests).toHaveLength(0)
    stage.setGatewayWord({})
    await stage.ask(get('/'))
    await until('mirrored again', () => stage.v2.requests.length === 1)
  })

  it('a shadow request of a trusted peer; its mark is kept', async () => {
    const stage = await punctual({ v1: same(), v2: same(), word: SHADOW, route: ALL, config: { trustedProxies: ['127.0.0.1/32'] } })
    await stage.ask(get('/', 'X-Banyan-Shadow: 1'))
    await stage.quiet()
    expect(stage.v2.requests).toHaveLength(0)
    expect(values(stage.v1.requests[0] ?? never(), 'x-banyan-shadow')).toEqual(['1'])
    await stage.ask(get('/'))
    await until('an unmarked one is mirrored', () => stage.v2.requests.length === 1)
  })

  it('but a client’s own shadow mark counts for nothing', async () => {
    const stage = await punctual({ v1: same(), v2: same(), word: SHADOW, route: ALL })
    await stage.ask(get('/', 'X-Banyan-Shadow: 1'))
    await stage.quiet()
    expect(has(stage.v1.requests[0] ?? never(), 'x-banyan-shadow')).toBe(false)
    expect(stage.v2.requests).toHaveLength(1)
  })

  it('what the sample leaves out, which is counted; the sample follows its share', async () => {
    const stage = await punctual({ v1: same(), v2: same(), word: SHADOW, route: { mirror: { sample: 25 } } })
    const client = stage.client()
    for (let i = 0; i < 400; i++) await client.send(get(`/${i}`))
    await client.answer(400)
    await stage.quiet()
    const sent = stage.counter('mirror_sent')
    expect(sent + stage.counter('mirror_unsampled')).toBe(400)
    // Binomial(400, 0.25): six standard deviations.
    expect(Math.abs(sent - 100)).toBeLessThan(52)
    expect(stage.v2.requests).toHaveLength(sent)
  })

  it.each([
    ['the route is tripped', { ...COMPLETE, latched: true }, {}],
    ['the route is killed', { ...SHADOW, killed: true }, {}],
    ['the gateway is killed', SHADOW, { killed: true }],
    ['the gateway’s ceiling is 0', SHADOW, { ceilingZero: true }],
  ])('more than a twentieth while %s', async (_name, word, gateway) => {
    const stage = await punctual({ v1: same(), v2: same(), word, route: ALL })
    stage.setGatewayWord(gateway)
    const client = stage.client()
    for (let i = 0; i < 400; i++) await client.send(get(`/${i}`))
    await client.answer(400)
    await stage.quiet()
    // Binomial(400, 0.05): six standard deviations above 20.
    expect(stage.counter('mirror_sent')).toBeLessThan(47)
  })
})

describe('a mirror given up is counted:', () => {
  it('more than may run and wait', async () => {
    const stage = await punctual({
      v1: same(),
      v2: hang,
      word: SHADOW,
      route: { mirror: { sample: 100, concurrency: 2, queue: 3, timeoutMs: 400 } },
    })
    const client = stage.client()
    for (let i = 0; i < 9; i++) await client.send(get(`/${i}`))
    await client.answer(9)
    expect(stage.v2.requests).toHaveLength(2)
    expect([stage.counter('mirror_sent'), stage.counter('mirror_dropped_queue')]).toEqual([2, 4])
    await stage.quiet()
    // The wait counts: those in the queue had the same 400 ms.
    expect([stage.counter('mirror_sent') + stage.counter('mirror_dropped_timeout'), stage.counted('mirror')['timeout']]).toEqual([
      5,
      stage.counter('mirror_sent'),
    ])
    expect(stage.counter('mirror_failed')).toBe(stage.counter('mirror_sent'))
  })

  it('a thread that is late', async () => {
    const stage = await open({ v1: same(), v2: same(), word: SHADOW, route: ALL })
    lateBy(stage, 51)
    await stage.ask(get('/'))
    expect([stage.counter('mirror_dropped_lag'), stage.v2.requests.length]).toEqual([1, 0])
  })

  it('memory that is short', async () => {
    const stage = await punctual({ v1: hang, v2: same(), word: SHADOW, route: ALL, config: { limits: { buffersBytes: 40_000 } } })
    const holder = stage.client()
    await holder.send(`${request('PUT', '/held', ['Content-Length: 30001'])}${'x'.repeat(30_000)}`)
    await until('held', () => stage.ctx.heldBytes > 20_000)
    const client = stage.client()
    await client.send(get('/'))
    await until('counted', () => stage.counter('mirror_dropped_buffers') === 1)
    expect(stage.v2.requests).toHaveLength(0)
  })

  it('a request body past the cap', async () => {
    const stage = await punctual({
      v1: same(),
      v2: same(),
      word: SHADOW,
      route: { mirror: { sample: 100, methods: ['POST'], maxBodyBytes: 1_000 } },
    })
    await stage.ask(post('/', 'x'.repeat(1_001)))
    expect([stage.counter('mirror_dropped_body'), stage.counter('mirror_sent'), stage.v2.requests.length]).toEqual([1, 0, 0])
    await stage.ask(post('/', 'x'.repeat(1_000)))
    await until('mirrored', () => stage.v2.complete.length === 1)
  })

  it('a backend that answers none of them', async () => {
    const stage = await punctual({ v1: same(), v2: 'refuses', word: SHADOW, route: ALL })
    for (let i = 0; i < 14; i++) {
      await stage.ask(get(`/${i}`))
      await stage.quiet()
    }
    expect([stage.counter('mirror_sent'), stage.counter('mirror_failed'), stage.counter('mirror_dropped_breaker')]).toEqual([10, 10, 4])
    expect(stage.counted('mirror')).toEqual({ refused: 10 })
  })
})

function never(): never {
  throw new Error('there is no such request')
}
