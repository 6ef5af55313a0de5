import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { watch } from '../../src/cli/watch.ts'

test('a watch ends after so many views, with the code of the last', async () => {
  let shown = 0
  const code = await watch(() => Promise.resolve(++shown === 3 ? 3 : 0), { intervalMs: 1, times: 3 })
  expect([code, shown]).toEqual([3, 3])
})

test('Ctrl-C ends a watch between two views, with the code of the last one', async () => {
  const module = new URL('../../src/cli/watch.ts', import.meta.url).href
  const script = `
    const { watch } = await import(${JSON.stringify(module)})
    process.exitCode = await watch(async () => (console.log('view'), 3), { intervalMs: 3_600_000, times: Infinity })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  child.stdout.once('data', () => child.kill('SIGINT'))
  const ended = await new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])))
  expect(ended).toEqual([3, null])
})
