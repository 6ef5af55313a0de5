import { describe, expect, it } from 'vitest'
import { Compared } from '../../src/compare/compared.ts'
import { Notices } from '../../src/compare/notices.ts'
import { snapshotOf } from './pairs.ts'

describe('notices', () => {
  it('say a thing at once, then once a minute with its count', () => {
    let now = 1_000_000
    const lines: Record<string, unknown>[] = []
    const notices = new Notices(
      () => now,
      (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    )
    for (let i = 0; i < 5; i++) notices.warn('cannot', { route: 'a' })
    notices.warn('cannot', { route: 'b' })
    expect(lines.map(({ route, times, level, msg }) => [route, times, level, msg])).toEqual([
      ['a', 1, 40, 'cannot'],
      ['b', 1, 40, 'cannot'],
    ])
    now += 60_000
    notices.warn('cannot', { route: 'a' })
    expect(lines.at(-1)).toMatchObject({ route: 'a', times: 5 })
    now -= 3_600_000
    notices.warn('cannot', { route: 'a' })
    expect(lines.at(-1)).toMatchObject({ route: 'a', times: 1 })
  })

  it('do not grow without bound', () => {
    const lines: string[] = []
    const notices = new Notices(Date.now, (line) => lines.push(line))
    for (let i = 0; i < 5_001; i++) notices.warn('x', { i })
    notices.warn('x', { i: 0 })
    expect(lines).toHaveLength(5_002)
  })
})

describe('compared', () => {
  it('counts a route from when it was first seen in its slot', () => {
    const counts = new Map([
      [1, 100],
      [2, 7],
    ])
    const compared = new Compared((slot) => counts.get(slot) ?? 0)
    expect(compared.on('a')).toBe(0)
    compared.configure(snapshotOf({ a: {} }, { a: 1 }))
    counts.set(1, 130)
    compared.configure(snapshotOf({ a: {}, b: {} }, { a: 1, b: 2 }))
    expect(compared.on('a')).toBe(30)
    expect(compared.on('b')).toBe(0)
    compared.configure(snapshotOf({ a: {} }, { a: 2 }))
    expect(compared.on('a')).toBe(0)
    expect(compared.on('b')).toBe(0)
    counts.set(2, 0)
    expect(compared.on('a')).toBe(0)
  })
})
