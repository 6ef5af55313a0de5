/** Slow and idle clients in number: the others are served as if they were not there, and they are gone in time. */
import { expect, it } from 'vitest'
import { get, post } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { until } from '../support/wire/until.ts'

const gateway = useGateway({ route: { timeouts: { headMs: 1_500, idleMs: 1_000, keepAliveMs: 1_000 } } })

async function latencies(count: number): Promise<number[]> {
  const client = gateway.client()
  const out: number[] = []
  for (let i = 1; i <= count; i++) {
    const since = performance.now()
    await client.send(i % 5 === 0 ? post('/normal', 'x'.repeat(1_000)) : get('/normal'))
    const answer = await client.answer(i)
    expect(answer.status).toBe(200)
    out.push(performance.now() - since)
  }
  return out.sort((a, b) => a - b)
}

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? 0

it('200 slowloris and 300 idle connections hold nobody up, reach no backend, and are closed in time', async () => {
  const calm = p99(await latencies(300))
  const slow = Array.from({ length: 200 }, () => gateway.client())
  const idle = Array.from({ length: 300 }, () => gateway.client())
  await Promise.all([...slow, ...idle].map((client) => client.connected()))
  await Promise.all(slow.map((client) => client.send('GET /slow HTTP/1.1\r\nHost: a\r\n')))
  const drip = setInterval(() => {
    for (const client of slow) if (client.ended === null) void client.send('X')
  }, 100)
  try {
    const busy = p99(await latencies(300))
    // A shared machine: what must not happen is that anybody waits for them.
    expect(busy).toBeLessThan(Math.max(20, calm * 4))
    await until('every slow and idle client closed', () => [...slow, ...idle].every((client) => client.ended !== null), 6_000)
  } finally {
    clearInterval(drip)
  }
  expect(slow.filter((client) => client.complete.some((answer) => answer.status === 408)).length).toBe(200)
  expect(idle.filter((client) => client.received > 0)).toEqual([])
  expect(gateway.backend.requests.filter((request) => request.target === '/slow')).toEqual([])
})

it('100 clients that stop in their bodies hold nobody up, and free their backends', async () => {
  await gateway.backend.disconnect()
  const stuck = Array.from({ length: 100 }, () => gateway.client())
  await Promise.all(stuck.map((client) => client.send('POST /stuck HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')))
  await until('their heads at the backend', () => gateway.backend.requests.length === 100)
  expect(p99(await latencies(200))).toBeLessThan(50)
  await until('all of them closed', () => stuck.every((client) => client.ended !== null), 6_000)
  await until('their backends freed', () => gateway.backend.open.length <= 1)
  expect(gateway.backend.complete.filter((request) => request.target === '/stuck')).toEqual([])
})
