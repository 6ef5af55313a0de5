import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const BIN = resolve(import.meta.dirname, '../../bin/banyan.js')
const OLD = resolve(import.meta.dirname, '../fixtures/old-node.mjs')

/** Runs the program on a Node that takes itself for version 20. */
async function onOldNode(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ['--import', OLD, BIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

describe('on a Node that is too old the program', () => {
  test('runs on the pinned one, with its arguments, output and exit code', async () => {
    expect(await onOldNode(['--version'])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' })
    expect(await onOldNode(['serve', '--config', '/nowhere'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('/nowhere: file: does not exist'),
    })
  })

  test('says what to install where there is no pinned one', async () => {
    const { code, err } = await onOldNode(['--version'], { OLD_PLATFORM: 'aix' })
    expect(code).toBe(1)
    expect(err).toContain('this is Node 20.1.0 and the gateway needs Node 24')
    expect(err).toContain('npm ci')
  })
})
