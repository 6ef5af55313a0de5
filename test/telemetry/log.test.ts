import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createLog } from '../../src/telemetry/log.ts'
import type { Log, LogOptions } from '../../src/telemetry/log.ts'

interface Opened {
  readonly log: Log
  /** Flushes and reads what was written so far. */
  readonly lines: () => Promise<Record<string, unknown>[]>
}

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

function openLog(options: Partial<LogOptions> = {}): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-log-'))
  const file = join(folder, 'log')
  const fd = openSync(file, 'a')
  cleanups.push(() => {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })
  const log = createLog({ level: undefined, thread: 'control', fd, ...options })
  return {
    log,
    lines: async () => {
      await log.flush()
      const lines = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

test('lines are JSON with time, level and thread', async () => {
  const { log, lines } = openLog()
  log.logger.info({ route: 'orders' }, 'tripped')
  expect(await lines()).toMatchObject([{ level: 30, thread: 'control', route: 'orders', msg: 'tripped', pid: process.pid }])
})

test('the level comes from LOG_LEVEL, in any case', async () => {
  const { log, lines } = openLog({ level: 'WARN' })
  log.logger.info('no')
  log.logger.warn('yes')
  expect(await lines()).toMatchObject([{ msg: 'yes' }])
})

test('a level that is none means info, and is said', async () => {
  const { log, lines } = openLog({ level: 'verbose' })
  log.logger.debug('no')
  expect(await lines()).toMatchObject([
    { level: 40, msg: 'LOG_LEVEL is "verbose": it must be one of fatal, error, warn, info, debug, trace, silent; using info' },
  ])
})

test('secrets are censored three levels deep', async () => {
  const { log, lines } = openLog()
  log.logger.info(
    {
      token: 'hunter2',
      admin: { token: 'hunter2' },
      request: { headers: { authorization: 'hunter2', cookie: 'hunter2', 'set-cookie': 'hunter2' } },
    },
    'x',
  )
  log.logger.info({ force: { secret: 'hunter2' }, alert: { pagerduty: { key: 'hunter2' } } }, 'y')
  const written = await lines()
  expect(JSON.stringify(written)).not.toContain('hunter2')
  expect(written[0]).toMatchObject({ token: '[redacted]' })
})

test('lines of other threads are passed on as they are, their losses added up', async () => {
  const { log, lines } = openLog()
  log.writeLines(['{"thread":"data-0","msg":"a"}', '{"thread":"data-0","msg":"b"}'], 3)
  log.writeLines([], 2)
  expect(await lines()).toMatchObject([{ msg: 'a' }, { msg: 'b' }])
  expect(log.dropped()).toBe(5)
})

test('beyond its buffer the log drops lines and counts them, and then goes on', async () => {
  const { log, lines } = openLog({ bufferBytes: 1_000 })
  const line = JSON.stringify({ msg: 'x'.repeat(90) })
  log.writeLines(
    Array.from({ length: 50 }, () => line),
    0,
  )
  expect(log.dropped()).toBe(50)
  log.writeLines([line], 0)
  expect(await lines()).toHaveLength(1)
})

test.skipIf(!existsSync('/dev/full'))('a log that cannot be written costs its lines and nothing else (needs /dev/full)', async () => {
  const full = openSync('/dev/full', 'w')
  cleanups.push(() => closeSync(full))
  const log = createLog({ level: undefined, thread: 'control', fd: full })
  for (let count = 1; count <= 3; count++) {
    log.logger.info('nowhere to go')
    await log.flush()
    expect(log.dropped()).toBe(count)
  }
})
