/** A pool by itself, with several endpoints, and with others instead of them. */
import { describe, expect, it } from 'vitest'
import { ok } from '../support/wire/backend.ts'
import { resolved } from '../support/wire/config.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'
import { hungConnect } from '../support/proxy/frozen.ts'
import { poolFixture } from '../support/proxy/pool-fixture.ts'
import { OneRequest } from '../support/proxy/pool-user.ts'
import { hang } from '../support/proxy/scripts.ts'

const REFUSED = 1
const { backend, stage, served } = poolFixture()

describe('several endpoints', () => {
  it('share the load', async () => {
    const [a, b] = [await backend(), await backend()]
    const { pool } = stage([a.port, b.port])
    for (let i = 0; i < 200; i++) await served(pool)
    expect(a.requests.length + b.requests.length).toBe(200)
    expect(Math.min(a.requests.length, b.requests.length)).toBeGreaterThan(50)
  })

  it('the one with fewer in flight gets the next', async () => {
    const [a, b] = [await backend(hang), await backend(hang)]
    // The dice name the first twice, then the first and the second, and so on.
    const { pool } = stage([a.port, b.port], {}, ...Array.from({ length: 40 }, () => [0, 0, 0, 0.9]).flat())
    for (let i = 0; i < 80; i++) new OneRequest(pool).start()
    await until('all sent', () => a.requests.length + b.requests.length === 80)
    expect([a.requests.length, b.requests.length]).toEqual([40, 40])
  })

  it('one that refuses is left out, for a second, then twice as long, to half a minute', async () => {
    const good = await backend()
    const { pool, pass } = stage([REFUSED, good.port])
    const tries: number[] = []
    for (let second = 0; second < 130; second++) {
      for (let i = 0; i < 8; i++) {
        const user = new OneRequest(pool).start()
        await until('an answer', () => user.last === 'end' || user.last === 'refused')
        if (user.last === 'refused') tries.push(second)
      }
      pass(1_000)
    }
    const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
    expect(gaps.slice(0, 5).map((gap, index) => gap >= 2 ** index && gap <= 2 ** index + 2)).toEqual([true, true, true, true, true])
    expect(Math.max(...gaps)).toBeLessThanOrEqual(33)
  }, 60_000)

  it('many connects that fail in one moment count as one failure', async () => {
    const good = await backend()
    const { pool, pass } = stage([REFUSED, good.port])
    const users = Array.from({ length: 60 }, () => new OneRequest(pool).start())
    for (const user of users) await until('an answer', () => user.last === 'end' || user.last === 'refused')
    expect(users.filter((user) => user.last === 'refused').length).toBeGreaterThan(5)
    pass(1_200)
    const after = Array.from({ length: 20 }, () => new OneRequest(pool).start())
    for (const user of after) await until('an answer', () => user.last === 'end' || user.last === 'refused')
    expect(after.some((user) => user.last === 'refused')).toBe(true)
  })

  it('when all refuse, all are still tried', async () => {
    const { pool } = stage([REFUSED, REFUSED])
    for (let i = 0; i < 5; i++) await new OneRequest(pool).start().until('refused')
  })
})

describe('endpoints replaced', () => {
  it('idle connections end at once, busy ones when their answer is complete', async () => {
    let answer: (() => void) | null = null
    const old = await backend((exchange) => {
      if (exchange.index === 0) answer = () => void exchange.send(ok('late'))
      else void exchange.send(ok('x'))
    })
    const fresh = await backend()
    const { pool, open } = stage([old.port])
    const busy = new OneRequest(pool).start()
    await until('busy', () => old.requests.length === 1)
    await served(pool)
    expect(open()).toBe(2)
    pool.setEndpoints(resolved([fresh.port], 5))
    expect(open()).toBe(1)
    await served(pool)
    expect(fresh.requests).toHaveLength(1)
    if (answer !== null) (answer as () => void)()
    await busy.until('end')
    await until('the old connection ended', () => old.open.length === 0)
  })

  it('whoever waits for a connect to an endpoint that has gone can still leave', async () => {
    const hung = await hungConnect()
    try {
      const fresh = await backend()
      const { pool, pass } = stage([hung.port])
      const user = new OneRequest(pool).start()
      pool.setEndpoints(resolved([fresh.port], 5))
      pool.cancel(user)
      pass(1_200)
      await turnOfLoop()
      expect(user.told).toEqual([])
    } finally {
      await hung.close()
    }
  })

  it('those who wait at a cap are served by the new ones', async () => {
    const [full, fresh] = [await backend(hang), await backend()]
    const { pool } = stage([full.port], { connections: 1 })
    new OneRequest(pool).start()
    const waiting = new OneRequest(pool).start()
    pool.setEndpoints([...resolved([full.port], 0), ...resolved([fresh.port], 1)])
    await waiting.until('end')
  })

  it('the same address by another socket path, with TLS, or under another name is another endpoint', async () => {
    const v1 = await backend()
    const { pool, open } = stage([v1.port])
    await served(pool)
    const [same] = resolved([v1.port], 0)
    if (same === undefined) throw new Error('no endpoint')
    pool.setEndpoints([same])
    expect(open()).toBe(1)
    pool.setEndpoints([{ ...same, serverName: 'other' }])
    expect(open()).toBe(0)
  })
})
