import { describe, expect, test } from 'vitest'
import type { ListenConfig } from '../../src/core/model/config.ts'
import { createBackoff } from '../../src/supervisor/backoff.ts'
import { dataThreads } from '../../src/supervisor/data-threads.ts'
import { createLog } from '../../src/supervisor/log.ts'
import { createStuckWatch } from '../../src/supervisor/stuck.ts'
import { talk } from '../../src/supervisor/switchboard.ts'

describe('the wait before a successor', () => {
  test('is nothing, then 1 s doubling to 30 s while the thread dies young', () => {
    const backoff = createBackoff()
    expect(Array.from({ length: 8 }, () => backoff.afterDeath(100))).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })

  test('is nothing again after a life of ten seconds', () => {
    const backoff = createBackoff()
    for (const livedMs of [1, 1, 1]) backoff.afterDeath(livedMs)
    expect(backoff.afterDeath(10_000)).toBe(0)
    expect(backoff.afterDeath(9_999)).toBe(1_000)
  })
})

describe('a thread', () => {
  const look = (watch: ReturnType<typeof createStuckWatch>, now: number, beat: number | null) =>
    watch.look(now, () => beat).map(({ thread, stuck }) => `${thread} ${stuck ? 'stuck' : 'moves'}`)

  test('whose heartbeat stands still for more than ten seconds is told once, and so is its recovery', () => {
    const watch = createStuckWatch(['data-0'])
    expect(look(watch, 0, 1)).toEqual([])
    expect(look(watch, 9_000, 2)).toEqual([])
    expect(look(watch, 19_000, 2)).toEqual([])
    expect(look(watch, 19_001, 2)).toEqual(['data-0 stuck'])
    expect(look(watch, 60_000, 2)).toEqual([])
    expect(look(watch, 61_000, 3)).toEqual(['data-0 moves'])
    expect(look(watch, 62_000, 4)).toEqual([])
  })

  test('that has not begun to beat, or is down, is not stuck; its successor gets its own ten seconds', () => {
    const watch = createStuckWatch(['data-0'])
    expect([0, 50_000].flatMap((now) => look(watch, now, 0))).toEqual([])
    expect(look(watch, 60_000, 7)).toEqual([])
    expect(look(watch, 75_000, null)).toEqual([])
    expect(look(watch, 76_000, 7)).toEqual([])
    expect(look(watch, 80_000, 7)).toEqual([])
    expect(look(watch, 86_001, 7)).toEqual(['data-0 stuck'])
  })

  test('talks with all but its like', () => {
    expect(talk('control', 'data-0')).toBe(true)
    expect(talk('data-3', 'compare')).toBe(true)
    expect(talk('compare', 'control')).toBe(true)
    expect(talk('data-0', 'data-1')).toBe(false)
    expect(talk('control', 'control')).toBe(false)
  })
})

describe('the number of data threads', () => {
  const listen: ListenConfig = { host: '::', port: 1, socket: null, threads: 'auto', proxyProtocol: false, health: null, tls: null }
  const linux = { platform: 'linux', parallelism: 6 }

  test.each([
    ['auto: as many as the machine runs at once', listen, linux, 6],
    ['as configured, more than cores too', { ...listen, threads: 9 }, linux, 9],
    ['at least one', listen, { ...linux, parallelism: 0 }, 1],
    ['one where no port can be shared', { ...listen, threads: 4 }, { ...linux, platform: 'darwin' }, 1],
    ['one with a socket path', { ...listen, socket: '/run/banyan.sock', threads: 4 }, linux, 1],
  ] as const)('%s', (_, config, machine, expected) => {
    expect(dataThreads(config, machine)).toBe(expected)
  })
})

describe('a log line of main', () => {
  test('has the shape of the others’', () => {
    const lines: string[] = []
    createLog((line) => lines.push(line), undefined)('warn', 'data-1 died', { about: 'data-1', lost: 2 })
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 40,
      thread: 'main',
      about: 'data-1',
      lost: 2,
      msg: 'data-1 died',
      pid: process.pid,
    })
    expect(lines[0]).not.toContain('\n')
  })

  test.each([
    ['error', 1],
    ['WARN', 2],
    ['info', 3],
    ['nonsense', 3],
    ['silent', 0],
  ])('is not written below LOG_LEVEL=%s', (level, count) => {
    const lines: string[] = []
    const log = createLog((line) => lines.push(line), level)
    log('info', 'a')
    log('warn', 'b')
    log('error', 'c')
    expect(lines).toHaveLength(count)
  })
})
