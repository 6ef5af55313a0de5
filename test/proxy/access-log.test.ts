/** The access log: a line for every sampled exchange, however it ended, and none of its secrets. */
import { describe, expect, it } from 'vitest'
import { AccessLog } from '../../src/proxy/access-log.ts'
import { get, post, request } from '../support/wire/client.ts'
import { until } from '../support/wire/until.ts'
import { hang, status } from '../support/proxy/scripts.ts'
import { COMPLETE, stages, type Stage } from '../support/proxy/stage.ts'

const open = stages()
const ALL = { config: { accessLog: { sample: 100 } } }

interface Line {
  readonly msg: string
  readonly method: string
  readonly target: string
  readonly status: number
  readonly route: string
  readonly backend: string
  readonly decision: string
  readonly requestId: string
  readonly latencyMs: number
  readonly totalMs: number
}

function lines(stage: Stage): Line[] {
  return (stage.ctx.accessLog.take()?.lines ?? []).map((line) => JSON.parse(line) as Line)
}

describe('the access log', () => {
  it('says who asked for what and who answered, without the query', async () => {
    const stage = await open({ ...ALL, word: { stage: 'canary', weightBps: 500 } })
    await stage.ask(get('/a/b?token=secret', 'X-User-Id: alice', 'X-Request-Id: id-1'))
    const [line, ...more] = lines(stage)
    expect(more).toEqual([])
    expect(line).toMatchObject({
      msg: 'access',
      method: 'GET',
      target: '/a/b',
      status: 200,
      route: 'all',
      backend: 'v2',
      decision: 'v2; rule=bucket; bucket=17; below=500',
      requestId: 'id-1',
    })
    expect(line?.latencyMs).toBeGreaterThanOrEqual(0)
    expect(line?.totalMs).toBeGreaterThanOrEqual(line?.latencyMs ?? Infinity)
  })

  it('has exactly one line for each, whatever became of it', async () => {
    const stage = await open({
      ...ALL,
      word: COMPLETE,
      v2: (exchange) => (exchange.request.target === '/503' ? status(503)(exchange) : hang(exchange)),
      v1: (exchange) => (exchange.request.target === '/reset' ? exchange.rst() : status(404)(exchange)),
      route: { timeouts: { firstByteMs: 200, idleMs: 200 }, fallback: { afterMs: 100 } },
    })
    await stage.ask(get('/503'))
    await stage.ask(get('/reset'))
    await stage.ask(post('/hang', 'body'))
    await stage.ask(request('POST', '/half', ['Content-Length: 9']) + 'half')
    const client = stage.client()
    await client.send(post('/left', 'body'))
    await until('v2 has it', () => stage.v2.requests.some((one) => one.target === '/left'))
    client.rst()
    await stage.quiet()
    expect(lines(stage).map(({ target, status: code, backend }) => [target, code, backend])).toEqual([
      ['/503', 404, 'v1'],
      ['/reset', 502, 'v1'],
      ['/hang', 504, 'v2'],
      ['/half', 408, 'v2'],
      ['/left', 0, 'v2'],
    ])
  })

  it('samples evenly, and is off by default', async () => {
    const stage = await open({ config: { accessLog: { sample: 25 } } })
    const client = stage.client()
    for (let i = 0; i < 40; i++) await client.send(get(`/${i}`))
    await client.answer(40)
    expect(lines(stage).map(({ target }) => target)).toEqual(Array.from({ length: 10 }, (_, i) => `/${4 * i + 3}`))
    const off = await open()
    await off.ask(get('/'))
    expect(off.ctx.accessLog.take()).toBe(null)
  })

  it('drops what nobody takes, and counts it', () => {
    const log = new AccessLog()
    for (let i = 0; i < 2_005; i++) log.line({ i })
    const batch = log.take()
    expect([batch?.lines.length, batch?.dropped, log.take()]).toEqual([2_000, 5, null])
  })
})
