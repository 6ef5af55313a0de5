import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../support/until.ts'

async function obeying() {
  const child = spawn(process.execPath, [new URL('../fixtures/signals.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = once(child, 'exit')
  const said = (line: string): Promise<boolean> => until(line, () => text.includes(`${line}\n`))
  await said('ready')
  return { child, said, ended, times: (line: string) => text.split('\n').filter((each) => each === line).length }
}

describe('a signal', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s drains, and later once more ends at once', async (signal, code) => {
    const { child, said, ended, times } = await obeying()
    child.kill(signal)
    await said('drain')
    const again = setInterval(() => child.kill(signal), 20)
    expect(await ended).toEqual([code, null])
    clearInterval(again)
    expect(times('drain')).toBe(1)
  })

  test('that comes twice with one press of Ctrl-C is one', async () => {
    const { child, said, times } = await obeying()
    child.kill('SIGINT')
    child.kill('SIGTERM')
    await said('drain')
    child.kill('SIGHUP')
    await said('info SIGHUP: nothing to do, a changed config is noticed by itself')
    expect(child.exitCode).toBeNull()
    expect(times('drain')).toBe(1)
  })
})
