/** Pools by themselves: real backends, a clock the test turns. */
import { afterEach, describe, expect, it } from 'vitest'
import { answerBytes, ok, RawBackend, type Script } from '../support/wire/backend.ts'
import { resolved } from '../support/wire/config.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'
import { hungConnect } from '../support/proxy/frozen.ts'
import { OneRequest, poolStage, type PoolStage } from '../support/proxy/pool-user.ts'
import { hang } from '../support/proxy/scripts.ts'

const REFUSED = 1
const backends: RawBackend[] = []
const opened: PoolStage[] = []

async function backend(script: Script = answerBytes(ok('x'))): Promise<RawBackend> {
  const one = new RawBackend()
  backends.push(one)
  await one.listen()
  one.script = script
  return one
}

function stage(...args: Parameters<typeof poolStage>): PoolStage {
  const one = poolStage(...args)
  opened.push(one)
  return one
}

async function served(pool: PoolStage['pool'], once = false): Promise<OneRequest> {
  return new OneRequest(pool).start(once).until('end')
}

afterEach(async () => {
  for (const { pool, open } of opened.splice(0)) {
    pool.close(true)
    expect(open()).toBe(0)
  }
  for (const one of backends.splice(0)) await one.close()
})

describe('idle connections', () => {
  it('are used again, the last one first', async () => {
    const v1 = await backend()
    const { pool } = stage([v1.port])
    const two = [new OneRequest(pool).start(), new OneRequest(pool).start()]
    for (const one of two) await one.until('end')
    expect(v1.connections).toHaveLength(2)
    const last = v1.requests.length
    for (let i = 0; i < 5; i++) await served(pool)
    expect(v1.connections).toHaveLength(2)
    // All five on one connection: the other one may age and go.
    const busy = v1.connections.map((connection) => connection.reader.messages.length)
    expect(busy.toSorted((a, b) => a - b)).toEqual([1, last - 1 + 5])
  })

  it('end after their idle time, and not before', async () => {
    const v1 = await backend()
    const { pool, pass, open } = stage([v1.port], { idleMs: 4_000 })
    await served(pool)
    pass(3_900)
    expect(open()).toBe(1)
    await served(pool)
    expect(v1.connections).toHaveLength(1)
    pass(4_200)
    expect(open()).toBe(0)
  })

  it('end before the backend would end them: Keep-Alive timeout, a fifth early', async () => {
    const v1 = await backend(answerBytes(ok('x', 'Keep-Alive: timeout=2, max=100')))
    const { pool, pass, open } = stage([v1.port], { idleMs: 60_000 })
    await served(pool)
    pass(1_500)
    expect(open()).toBe(1)
    pass(300)
    expect(open()).toBe(0)
  })

  it('learn how long the backend keeps them', async () => {
    const v1 = await backend()
    const { pool, pass, open } = stage([v1.port], { idleMs: 60_000 })
    await served(pool)
    pass(5_000)
    await v1.disconnect()
    expect(open()).toBe(0)
    await served(pool)
    pass(3_800)
    expect(open()).toBe(1)
    pass(400)
    expect(open()).toBe(0)
  })

  it('are not used past their maximal age', async () => {
    const v1 = await backend()
    const { pool, pass } = stage([v1.port], { maxAgeMs: 1_000, idleMs: 60_000 })
    await served(pool)
    pass(800)
    await served(pool)
    expect(v1.connections).toHaveLength(1)
    pass(400)
    await served(pool)
    expect(v1.connections).toHaveLength(2)
  })

  it('on which bytes came are never used again', async () => {
    const v1 = await backend()
    const { pool, open } = stage([v1.port])
    await served(pool)
    v1.connections[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison')
    await until('the connection is given up', () => open() === 0)
    const next = await served(pool)
    expect(next.told).toEqual(['connected', 'head', 'end'])
    expect(v1.connections).toHaveLength(2)
  })

  it('with bytes behind the answer are never used again', async () => {
    const v1 = await backend(answerBytes(`${ok('x')}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`))
    const { pool } = stage([v1.port])
    await served(pool)
    await served(pool)
    expect(v1.connections).toHaveLength(2)
  })

  it('idle for a second or more are not given to a request that may not be repeated', async () => {
    const v1 = await backend()
    const { pool, pass } = stage([v1.port], { idleMs: 60_000 })
    await served(pool)
    pass(900)
    await served(pool, true)
    expect(v1.connections).toHaveLength(1)
    pass(1_200)
    await served(pool, true)
    expect(v1.connections).toHaveLength(2)
  })

  it('that end in the turn of the second look are replaced, and the user is told once', async () => {
    const v1 = await backend()
    const { pool } = stage([v1.port])
    for (let i = 0; i < 5; i++) {
      await served(pool)
      const user = new OneRequest(pool).start(true)
      for (const connection of v1.open) connection.socket.destroy()
      expect((await user.until('end')).told).toEqual(['connected', 'head', 'end'])
    }
  })

  it('whose user leaves in the turn of the second look are kept for the next', async () => {
    const v1 = await backend()
    const { pool } = stage([v1.port])
    await served(pool)
    const user = new OneRequest(pool).start(true)
    pool.cancel(user)
    await turnOfLoop()
    expect(user.told).toEqual([])
    await served(pool)
    expect(v1.connections).toHaveLength(1)
  })
})

describe('the cap', () => {
  it('is waited at in order, and cancelled waits do not count', async () => {
    const held: (() => void)[] = []
    const v1 = await backend((exchange) => void held.push(() => void exchange.send(ok('x'))))
    const { pool, open } = stage([v1.port], { connections: 2 })
    const users = Array.from({ length: 6 }, () => new OneRequest(pool).start())
    await until('two at the backend', () => held.length === 2)
    expect([open(), pool.waiting]).toEqual([2, 4])
    const [, , third, fourth, fifth] = users
    if (fourth !== undefined) expect(pool.cancel(fourth)).toBe(true)
    held.shift()?.()
    await third?.until('connected')
    expect(fifth?.told).toEqual([])
    held.shift()?.()
    await fifth?.until('connected')
    expect(fourth?.told).toEqual([])
    for (let i = 0; i < 3; i++) {
      await until('at the backend', () => held.length > 0)
      held.shift()?.()
    }
    await users[5]?.until('end')
    expect(v1.connections).toHaveLength(2)
  })

  it('with a full queue turns away at once', async () => {
    const v1 = await backend(hang)
    const { pool } = stage([v1.port], { connections: 1, queue: 1 })
    const users = Array.from({ length: 3 }, () => new OneRequest(pool).start())
    expect(users.map((user) => user.last)).toEqual(['', '', 'busy'])
  })

  it('of one endpoint does not keep a request from another that has room', async () => {
    const stuck = await backend(hang)
    const free = await backend()
    // The dice always fall on the first endpoint.
    const { pool } = stage([stuck.port, free.port], { connections: 1 }, 0)
    new OneRequest(pool).start()
    for (let i = 0; i < 5; i++) await served(pool)
    expect(free.requests).toHaveLength(5)
  })

  it('is passed on to those who wait when a connection fails', async () => {
    const { pool } = stage([REFUSED], { connections: 1 })
    const users = Array.from({ length: 4 }, () => new OneRequest(pool).start())
    for (const user of users) expect((await user.until('refused')).told).toEqual(['refused'])
    expect(pool.waiting).toBe(0)
  })
})

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
