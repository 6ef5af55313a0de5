import { describe, expect, it } from 'vitest'
import { Backlog } from '../../src/compare/backlog.ts'
import { createLoop } from '../../src/compare/loop.ts'
import { batchOf, type TestPair } from './pairs.ts'

function numbered(...ids: string[]): TestPair[] {
  return ids.map((requestId) => ({ requestId, v1: 'one', v2: 'two' }))
}

describe('the backlog', () => {
  it('hands pairs out in the order they came, and frees a batch with its last pair', () => {
    const backlog = new Backlog<string>({ maxBytes: 1_000, maxPairs: 10 })
    expect(backlog.offer(batchOf(...numbered('a', 'b')), 'data-0')).toBe(true)
    const first = backlog.take()
    expect(backlog.offer(batchOf(...numbered('c')), 'data-1')).toBe(true)
    expect(backlog.bytes).toBe(18)
    expect(backlog.pairs).toBe(2)
    const tasks = [first, backlog.take(), backlog.take(), backlog.take()]
    expect(tasks.map((task) => task?.meta.requestId)).toEqual(['a', 'b', 'c', undefined])
    expect(tasks.map((task) => task?.sender)).toEqual(['data-0', 'data-0', 'data-1', undefined])
    expect(tasks.map((task) => (task ? backlog.release(task) : null))).toEqual([0, 12, 6, null])
    expect(backlog.bytes).toBe(0)
  })

  it('refuses a batch past its bytes or its number, whole, and takes the next that fits', () => {
    const backlog = new Backlog<string>({ maxBytes: 20, maxPairs: 2 })
    expect(backlog.offer(batchOf(...numbered('a', 'b', 'c')), 'x')).toBe(false)
    expect(backlog.offer(batchOf({ v1: 'x'.repeat(21), v2: '' }), 'x')).toBe(false)
    expect(backlog.offer(batchOf(), 'x')).toBe(false)
    expect(backlog.offer(batchOf(...numbered('a', 'b')), 'x')).toBe(true)
    expect(backlog.offer(batchOf(...numbered('c')), 'x')).toBe(false)
    expect([backlog.pairs, backlog.bytes]).toEqual([2, 12])
  })
})

describe('the loop', () => {
  it('works everything off, tells each sender its bytes, and lets others have a turn in between', async () => {
    const backlog = new Backlog<string>({ maxBytes: 1_000_000, maxPairs: 1_000 })
    const seen: string[] = []
    const given: [string, number][] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    let turns = 0
    const loop = createLoop(
      backlog,
      ({ meta }) => {
        const until = performance.now() + 1
        while (performance.now() < until);
        seen.push(meta.requestId)
      },
      (sender, bytes) => {
        given.push([sender, bytes])
        if (given.length === 2) resolve()
      },
    )
    const ids = Array.from({ length: 40 }, (_, i) => String(i))
    backlog.offer(batchOf(...numbered(...ids)), 'data-0')
    backlog.offer(batchOf(...numbered('last')), 'data-1')
    loop.wake()
    loop.wake()
    const count = (): void => {
      turns++
      if (given.length < 2) setImmediate(count)
    }
    setImmediate(count)
    await promise
    expect(seen).toEqual([...ids, 'last'])
    expect(given).toEqual([
      ['data-0', 240],
      ['data-1', 6],
    ])
    expect(turns).toBeGreaterThan(5)
  })

  it('takes nothing more once stopped', async () => {
    const backlog = new Backlog<string>({ maxBytes: 1_000, maxPairs: 1_000 })
    const seen: string[] = []
    const loop = createLoop(
      backlog,
      ({ meta }) => {
        seen.push(meta.requestId)
        loop.stop()
      },
      () => undefined,
    )
    backlog.offer(batchOf(...numbered('a', 'b')), 'x')
    loop.wake()
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    loop.wake()
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(seen).toEqual(['a'])
  })
})
