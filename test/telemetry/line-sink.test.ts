import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createLineSink } from '../../src/telemetry/line-sink.ts'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

function openFile(): { readonly fd: number; readonly text: () => string } {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-sink-'))
  const file = join(folder, 'log')
  const fd = openSync(file, 'a')
  cleanups.push(() => {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })
  return { fd, text: () => readFileSync(file, 'utf8') }
}

test('lines arrive whole and in order, however many are written at once', async () => {
  const { fd, text } = openFile()
  const sink = createLineSink(fd, 64 * 1024 * 1024)
  const lines = Array.from({ length: 20_000 }, (_, index) => `${index} ${'é'.repeat(index % 97)}\n`)
  for (const line of lines) sink.write(line)
  await sink.flush(10_000)
  expect(text()).toBe(lines.join(''))
  expect(sink.dropped()).toBe(0)
})

test('what does not fit is dropped and counted by lines; room comes back', async () => {
  const { fd, text } = openFile()
  const sink = createLineSink(fd, 10)
  sink.write('12345678\n')
  sink.write('a\nb\nc\n')
  expect(sink.dropped()).toBe(3)
  await sink.flush(10_000)
  sink.write('again\n')
  await sink.flush(10_000)
  expect(text()).toBe('12345678\nagain\n')
})

test('a flush of nothing is done at once', async () => {
  await createLineSink(openFile().fd, 10).flush(10_000)
})

/** A child process that writes `count` lines to its stdout and reports on stderr how the flush went. */
function writer(count: number, limitMs: number): ReturnType<typeof spawn> {
  const module = new URL('../../src/telemetry/line-sink.ts', import.meta.url).href
  const script = `
    process.stdout._handle?.setBlocking?.(false)
    const { createLineSink } = await import(${JSON.stringify(module)})
    const sink = createLineSink(1, 1e9)
    for (let i = 0; i < ${count}; i++) sink.write(String(i).padEnd(99, '.') + '\\n')
    const started = performance.now()
    await sink.flush(${limitMs})
    process.stderr.write(JSON.stringify({ ms: performance.now() - started, dropped: sink.dropped() }), () => process.exit(0))`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
}

test('a reader that is slow gets everything', async () => {
  const child = writer(20_000, 20_000)
  let bytes = 0
  child.stdout!.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    child.stdout!.pause()
    setImmediate(() => child.stdout!.resume())
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(bytes).toBe(20_000 * 100)
})

test('a reader that has stopped does not keep the process from ending', async () => {
  const child = writer(20_000, 300)
  let report = ''
  child.stderr!.on('data', (chunk: Buffer) => (report += chunk.toString()))
  const code = await new Promise((resolve) => child.once('exit', resolve))
  child.stdout!.destroy()
  await expect.poll(() => report).not.toBe('')
  expect(code).toBe(0)
  expect((JSON.parse(report) as { ms: number }).ms).toBeLessThan(5_000)
})
