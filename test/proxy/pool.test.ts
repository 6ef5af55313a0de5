/** A pool by itself, with one endpoint: real backends, a clock the test turns. */
import { describe, expect, it } from 'vitest'
import { answerBytes, ok } from '../support/wire/backend.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'
import { poolFixture } from '../support/proxy/pool-fixture.ts'
import { OneRequest } from '../support/proxy/pool-user.ts'
import { hang } from '../support/proxy/scripts.ts'

const REFUSED = 1
const { backend, stage, served } = poolFixture()

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
