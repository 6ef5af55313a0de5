import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { createConfigMap, gatewayYaml } from '../../src/demo/config-map.ts'
import { openTally } from '../../src/demo/tally.ts'
import { answer, CUSTOMER_IDS, ORDER_IDS } from '../../src/demo/toy-api.ts'
import type { Release } from '../../src/demo/toy-api.ts'
import type { Seen } from '../../src/demo/traffic.ts'

const TARGETS = [
  ...ORDER_IDS.map((id) => `/api/orders/${id}`),
  ...CUSTOMER_IDS.flatMap((id) => [`/api/customers/${id}`, `/api/orders?customer=${id}`]),
]

function differing(release: Release): string[] {
  return TARGETS.filter((target) => {
    const [v1, v2] = [answer('legacy', target), answer(release, target)]
    expect([target, v1.status, v2.status]).toEqual([target, 200, 200])
    try {
      expect(JSON.parse(v2.body)).toEqual(JSON.parse(v1.body))
      return false
    } catch {
      return true
    }
  })
}

describe('the toy backends', () => {
  it('of release 2.0 differ in one order by one cent', () => {
    expect(differing('2.0')).toEqual(['/api/orders/1017'])
    const amounts = (release: Release): unknown[] =>
      (JSON.parse(answer(release, '/api/orders/1017').body) as { lines: { amount: number }[] }).lines.map(({ amount }) => amount)
    expect([amounts('legacy'), amounts('2.0')]).toEqual([
      [14.73, 3.8],
      [14.72, 3.8],
    ])
  })

  it('of release 2.1 say the same as the legacy, in other words', () => {
    expect(differing('2.1')).toEqual([])
    expect(answer('2.1', '/api/orders/1001').body).not.toBe(answer('legacy', '/api/orders/1001').body)
  })

  it('of release 2.2 answer everything with a 500', () => {
    expect(new Set(TARGETS.map((target) => answer('2.2', target).status))).toEqual(new Set([500]))
  })

  it('do not know what is not there', () => {
    expect(['/', '/api/orders/7', '/api/tea', '/api/customers/0'].map((target) => answer('legacy', target).status)).toEqual([
      404, 404, 404, 404,
    ])
  })
})

describe('the ConfigMap folder', () => {
  it('is swapped whole, as Kubernetes does it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-config-map-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const map = createConfigMap(folder, { 'gateway.yaml': 'one', v2_traffic_percentage: '100' })
    const read = (): string[] => ['gateway.yaml', 'v2_traffic_percentage'].map((name) => readFileSync(join(folder, name), 'utf8'))
    expect(read()).toEqual(['one', '100'])
    map.swap({ v2_traffic_percentage: '0' })
    expect(read()).toEqual(['one', '0'])
    map.swap({ 'gateway.yaml': 'two' })
    expect(read()).toEqual(['two', '0'])
    expect(readdirSync(folder).toSorted()).toEqual(['..data', '..generation-3', 'gateway.yaml', 'v2_traffic_percentage'])
  })

  it('holds a config without a problem or a warning', () => {
    const wish = { stage: 'canary', weight: 10 } as const
    const text = gatewayYaml({
      v1: 'http://127.0.0.1:1',
      v2: 'http://127.0.0.1:2',
      storePath: '/x y',
      debugSecret: 'abc123',
      orders: wish,
      customers: wish,
    })
    const parsed = parseConfig(text, 'gateway.yaml', {})
    expect(parsed).toMatchObject({ ok: true, warnings: [] })
  })
})

describe('a tally', () => {
  const seen = (over: Partial<Seen>): Seen => ({
    user: 'ada-1',
    route: 'orders',
    sentAt: 1,
    endedAt: 2,
    tookMs: 1,
    backend: 'v1',
    decided: 'v1',
    rule: 'bucket',
    error: null,
    ...over,
  })

  function counted(...all: readonly Seen[]) {
    const listeners = new Set<(one: Seen) => void>()
    const tally = openTally({ watch: (listener) => (listeners.add(listener), () => void listeners.delete(listener)) })
    for (const one of all) for (const listener of listeners) listener(one)
    tally.close()
    expect(listeners.size).toBe(0)
    return tally
  }

  it('tells who was to answer from who did', () => {
    const tally = counted(
      seen({}),
      seen({ user: 'ben-1', backend: 'v2', decided: 'v2', sentAt: 5 }),
      seen({ user: 'ben-1', backend: 'v1', decided: 'v2', sentAt: 7, tookMs: 9 }),
      seen({ user: 'cleo-1', backend: null, decided: '', error: 'socket hang up' }),
    )
    expect([tally.total, tally.v1.count, tally.v2.count, tally.fellBack.count, tally.decidedV2, tally.lastV2SentAt]).toEqual([
      4, 2, 1, 1, 2, 7,
    ])
    expect([tally.torn, tally.v1.users, tally.fellBack.quantile(1)]).toEqual([1, 2, 9])
    expect(tally.errors).toEqual(['cleo-1, orders: socket hang up'])
  })

  it('has quantiles of what there is, and none of nothing', () => {
    const tally = counted(...Array.from({ length: 100 }, (_, index) => seen({ tookMs: index + 1 })))
    expect([tally.v1.quantile(0.5), tally.v1.quantile(0.99), tally.v1.quantile(1), tally.v2.quantile(0.5)]).toEqual([
      51,
      100,
      100,
      Number.NaN,
    ])
  })
})
