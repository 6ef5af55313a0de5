import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { createPaint, createTerminal } from '../../src/cli/terminal.ts'

/** Asks three times in a process of its own, with this text as its input; what it said on stdout and stderr. */
async function ask(input: string): Promise<{ readonly out: string; readonly err: string }> {
  const module = new URL('../../src/cli/terminal.ts', import.meta.url).href
  const script = `
    const { createTerminal } = await import(${JSON.stringify(module)})
    const terminal = createTerminal({ env: {} })
    console.log(JSON.stringify([terminal.interactive, terminal.clear, await terminal.ask('First? '), await terminal.ask('Second? '), await terminal.ask('Third? ')]))
    terminal.close()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  child.stdin.end(input)
  await new Promise((resolve) => child.once('close', resolve))
  return { out, err }
}

test('questions go to stderr, answers are lines, also those that were typed ahead', async () => {
  const { out, err } = await ask('because\ny\n')
  expect(JSON.parse(out)).toEqual([false, '', 'because', 'y', null])
  expect(err).toContain('First? ')
  expect(err).toContain('Second? ')
})

test('an input that has ended is no answer', async () => {
  expect(JSON.parse((await ask('')).out)).toEqual([false, '', null, null, null])
})

test('without a screen there are no colours', () => {
  const io = { stdout: () => undefined, stderr: () => undefined, env: {}, cwd: '/', exit: () => undefined }
  expect(createTerminal(io).paint('red', 'x')).toBe('x')
  expect(createPaint(true)('red', 'x')).toBe('\u001b[31mx\u001b[39m')
})
