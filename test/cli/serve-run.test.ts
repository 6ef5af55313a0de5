/** The program as its users run it: real threads, real backends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBackend } from '../support/backends.ts'
import type { Backend } from '../support/backends.ts'
import { startGateway, writeConfig } from '../support/gateway.ts'
import { until } from '../support/until.ts'

async function backends(): Promise<{ v1: Backend; v2: Backend; yaml: string }> {
  const [v1, v2] = [await startBackend('v1'), await startBackend('v2')]
  onTestFinished(async () => {
    await v1.close()
    await v2.close()
  })
  const yaml = `
backends:
  v1: { endpoints: [${v1.url}] }
  v2: { endpoints: [${v2.url}] }
routes:
  - { name: rest, match: { path: /**, methods: [GET] }, stage: canary, weight: 100 }
`
  return { v1, v2, yaml }
}

describe('a running gateway', () => {
  test('says on one line where it serves what, forwards, and ends with 0 on SIGTERM', async () => {
    const { yaml } = await backends()
    const gateway = await startGateway({ yaml })
    const answer = await fetch(`${gateway.dataUrl}/hello`, { headers: { 'x-user-id': 'alice' } })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ from: answer.headers.get('x-banyan-backend'), method: 'GET', target: '/hello' })
    const line = gateway.logs.find((each) => each.includes(' serves '))
    expect(line).toContain(gateway.dataUrl)
    expect(line).toContain(gateway.adminUrl)
    expect(line).toContain('rest (canary 100 %)')
    expect(await gateway.stop()).toBe(0)
  })

  test('finishes what is in flight when it is told to end', async () => {
    const { v1, v2, yaml } = await backends()
    for (const backend of [v1, v2]) backend.mode = { kind: 'answer', delayMs: 700 }
    const gateway = await startGateway({ yaml })
    const answer = fetch(`${gateway.dataUrl}/slow`)
    await until(
      'a backend has it',
      () => v1.seen.some(({ target }) => target === '/slow') || v2.seen.some(({ target }) => target === '/slow'),
    )
    const stopped = gateway.stop()
    expect((await answer).status).toBe(200)
    expect(await stopped).toBe(0)
  })

  test('started by an old Node gets the signals that were sent there, and its exit code comes back', async () => {
    const { yaml } = await backends()
    const folder = writeConfig({ yaml })
    const bin = resolve(import.meta.dirname, '../../bin/banyan.js')
    const old = resolve(import.meta.dirname, '../fixtures/old-node.mjs')
    const child = spawn(process.execPath, ['--import', old, bin, 'serve', '--config', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    await until('it is ready', () => out.includes('"msg":"ready"'), 20_000)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(out).toContain('"msg":"drained"')
  })
})
