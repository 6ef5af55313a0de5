import { describe, expect, it } from 'vitest'
import { Findings, OTHER } from '../../src/compare/findings.ts'
import { Samples } from '../../src/compare/samples.ts'
import type { Difference, Sample } from '../../src/core/model/finding.ts'

const AMPLE = { endpointsPerRoute: 100, findingsPerRoute: 100 }
const none = (): readonly string[] => []

function value(path: string, kind: Difference['kind'] = 'value'): Difference {
  return { path, kind, v1: '1', v2: '2' }
}

describe('the book of findings', () => {
  it('groups by route, endpoint, path and kind; a comparison counts once', () => {
    const book = new Findings(AMPLE)
    book.add('orders', 'GET', '/orders/1', [value('/a'), value('/b', 'missing')], 2_000)
    book.add('orders', 'GET', '/orders/2?x=1', [value('/a'), value('/users/*/x'), value('/users/*/x')], 1_000)
    book.add('rest', 'GET', '/orders/1', [value('/a')], 3_000)
    const list = book.list(null, () => 100, none)
    expect(list.map(({ route, endpoint, path, kind, count }) => [route, endpoint, path, kind, count])).toEqual([
      ['orders', 'GET /orders/:id', '/a', 'value', 2],
      ['orders', 'GET /orders/:id', '/b', 'missing', 1],
      ['orders', 'GET /orders/:id', '/users/*/x', 'value', 1],
      ['rest', 'GET /orders/:id', '/a', 'value', 1],
    ])
    expect(list[0]).toMatchObject({
      state: 'regression',
      firstSeen: new Date(2_000).toISOString(),
      lastSeen: new Date(2_000).toISOString(),
    })
    expect(list[1]).toMatchObject({ state: 'learning' })
    expect(book.list('rest', () => 1, none)).toHaveLength(1)
    expect(book.list('unknown', () => 1, none)).toEqual([])
  })

  it('a finding keeps its id over restarts, and shares it with no other', () => {
    const ids = [1, 2].map(() => {
      const book = new Findings(AMPLE)
      return book.add('orders', 'GET', '/orders/1', [value('/a'), value('/b'), value('/a', 'type')], 0).map(({ id }) => id)
    })
    expect(ids[0]).toEqual(ids[1])
    expect(new Set(ids[0]).size).toBe(3)
  })

  it('a share is never of fewer comparisons than showed it', () => {
    const book = new Findings(AMPLE)
    for (let i = 0; i < 12; i++) book.add('orders', 'GET', '/x', [value('/a')], i)
    expect(book.list(null, () => 0, none)[0]).toMatchObject({ count: 12, compared: 12 })
    const [finding] = book.list(null, () => 800, none)
    expect(finding?.compared).toBe(800)
    expect(finding?.share[0]).toBeCloseTo(0.0086, 4)
  })

  it('endpoints and findings past their caps are counted as other, and nothing grows any more', () => {
    const book = new Findings({ endpointsPerRoute: 3, findingsPerRoute: 5 })
    for (let i = 0; i < 1_000; i++) {
      book.add('orders', 'GET', `/word${'x'.repeat(i % 30)}/list`, [value(`/field_${'y'.repeat(i % 30)}`)], i)
    }
    const list = book.list(null, () => 1_000, none)
    expect(list.length).toBeLessThanOrEqual(6)
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(1_000)
    expect(list[0]).toMatchObject({ endpoint: OTHER, path: OTHER })
    expect(new Set(list.map(({ endpoint }) => endpoint)).size).toBeLessThanOrEqual(4)
  })

  it('endpoints and paths are short and hold no secret', () => {
    const book = new Findings(AMPLE)
    book.add('orders', 'GET', '/x/token=abc/eyJhbGciOi.eyJzdWIi', [value(`/a${'/b'.repeat(1_000)}`)], 0)
    const [finding] = book.list(null, () => 1, none)
    expect(finding?.endpoint).toBe('GET /x/:id/:id')
    expect(finding?.path).toHaveLength(301)
  })

  it('routes that are gone are forgotten, and their findings named', () => {
    const book = new Findings(AMPLE)
    book.add('old', 'GET', '/x', [value('/a')], 0)
    book.add('new', 'GET', '/x', [value('/a')], 0)
    const old = book.list('old', () => 1, none).map(({ id }) => id)
    expect(book.keepOnly(new Set(['new']))).toEqual(old)
    expect(book.list(null, () => 1, none).map(({ route }) => route)).toEqual(['new'])
  })
})

function sample(finding: string, body = ''): Omit<Sample, 'id'> {
  const side = { status: 200, headers: { etag: 'x' }, body }
  return { finding, route: 'r', method: 'GET', target: '/', at: '', requestId: '', v1: side, v2: side, differences: [value('/a')] }
}

describe('samples', () => {
  it('a few per finding, found by id, gone with their finding', () => {
    const samples = new Samples({ perFinding: 2, maxBytes: 1e6 }, () => 0)
    const ids = [samples.keep(sample('f')), samples.keep(sample('f')), samples.keep(sample('f'))]
    expect(samples.idsOf('f')).toEqual([ids[0], ids[2]])
    expect(samples.get(ids[1] ?? '')).toBeNull()
    expect(samples.get(ids[2] ?? '')).toMatchObject({ id: ids[2], finding: 'f' })
    samples.forget('f')
    expect(samples.idsOf('f')).toEqual([])
    expect(samples.bytes).toBe(0)
  })

  it('the first pair that showed a finding is kept, of the others each with the same chance', () => {
    let seed = 1
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
    const kept = Array.from({ length: 10 }, () => 0)
    for (let run = 0; run < 3_000; run++) {
      const samples = new Samples({ perFinding: 2, maxBytes: 1e9 }, random)
      for (let nth = 1; nth <= 10; nth++) if (samples.wants(nth)) samples.keep(sample('f', String(nth - 1)))
      for (const id of samples.idsOf('f')) kept[Number(samples.get(id)?.v1.body)]!++
    }
    expect(kept[0]).toBe(3_000)
    // 333 expected, standard deviation 17.
    for (const times of kept.slice(1)) expect(Math.abs(times - 333)).toBeLessThan(86)
  })

  it('past the byte cap the oldest go, whatever finding they belong to', () => {
    const samples = new Samples({ perFinding: 3, maxBytes: 30_000 }, () => 0.5)
    const ids = Array.from({ length: 20 }, (_, i) => samples.keep(sample(`f${i}`, 'x'.repeat(1_000))))
    expect(samples.bytes).toBeLessThanOrEqual(30_000)
    expect(samples.get(ids[0] ?? '')).toBeNull()
    expect(samples.idsOf('f0')).toEqual([])
    expect(samples.get(ids[19] ?? '')).not.toBeNull()
  })
})
