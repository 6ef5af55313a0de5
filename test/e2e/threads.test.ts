/** The real threads in this process: what happens to clients when one of them dies. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'
import type { Ready } from '../../src/supervisor/supervisor.ts'
import { startBackend } from '../support/backends.ts'
import { api, startTraffic, yamlFor } from '../support/e2e.ts'
import { until } from '../support/until.ts'

/** Control's successor must find its admin port again, so it is chosen here. */
async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

const fixtures = new URL('../fixtures/threads/', import.meta.url)

interface Started {
  readonly ready: Ready
  readonly adminUrl: string
  readonly folder: string
  readonly lines: string[]
}

async function startInProcess(route: string): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-e2e-'))
  const [v1, v2] = [await startBackend('v1'), await startBackend('v2')]
  const store = join(folder, 'data')
  mkdirSync(store)
  const config = join(folder, 'gateway.yaml')
  const extra = `listen: { host: 127.0.0.1, port: 0 }\nadmin: { host: 127.0.0.1, port: ${await freePort()} }\nstore: { path: ${store} }`
  writeFileSync(config, yamlFor(v1, v2, route, extra))
  const loaded = loadConfig(config, {})
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const lines: string[] = []
  const supervisor = createSupervisor({
    modules: {
      control: new URL('mortal-control.ts', fixtures),
      data: new URL('../../src/threads/data.ts', import.meta.url),
      compare: new URL('mortal-compare.ts', fixtures),
    },
    threads: 2,
    listen: loaded.config.listen,
    drain: { delayMs: 0, graceMs: 2_000 },
    control: { configPath: config, env: { MORTAL_CONTROL: join(folder, 'kill-control'), LOG_LEVEL: 'silent' }, version: 'test' },
    storePath: store,
    log: (_level, text, fields) => void lines.push(`${text} ${JSON.stringify(fields)}`),
  })
  onTestFinished(async () => {
    await supervisor.drain()
    await v1.close()
    await v2.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const ready = await supervisor.start()
  if ('failed' in ready) throw new Error(ready.problems.join('; '))
  const adminUrl = `http://127.0.0.1:${ready.admin.port}`
  await until('ready', async () => (await fetch(`${adminUrl}/readyz`)).ok)
  return { ready, adminUrl, folder, lines }
}

test('killing the control thread under load costs no request, and its successor knows what was commanded', async () => {
  const gateway = await startInProcess('stage: canary\nweight: 50')
  const traffic = startTraffic(gateway.ready.port)
  await api(gateway, 'PUT', 'routes/all/weight', { percent: 20, reason: 'test' })
  await until('some traffic', () => traffic.finished > 200)
  const admin = gateway.adminUrl
  for (let death = 1; death <= 2; death++) {
    writeFileSync(join(gateway.folder, 'kill-control'), '')
    await until('control is back', () => gateway.lines.filter((line) => line.startsWith('control is back')).length >= death, 20_000)
    await until('ready again', async () => (await fetch(`${admin}/readyz`)).ok, 20_000)
    expect((await api(gateway, 'GET', 'routes/all')).body).toMatchObject({ stage: 'canary', weight: { wanted: 20, effective: 20 } })
  }
  const before = traffic.finished
  await until('traffic after it', () => traffic.finished > before + 100)
  await traffic.stop()
  expect(traffic.failures).toEqual([])
  expect(traffic.answers['v2']).toBeGreaterThan(0)
}, 60_000)

test('killing the compare thread under load costs no request, and comparing goes on', async () => {
  const gateway = await startInProcess('stage: canary\nweight: 10')
  const traffic = startTraffic(gateway.ready.port)
  const mismatches = async (): Promise<number> => {
    const { comparisons } = (await api(gateway, 'GET', 'routes/all')).body as { comparisons: { mismatch: number } }
    return comparisons.mismatch
  }
  await until('mismatches are found', async () => (await mismatches()) > 50)
  writeFileSync(join(gateway.folder, 'data', 'kill-compare'), '')
  await until('compare is back', () => gateway.lines.some((line) => line.startsWith('compare is back')), 20_000)
  const found = await mismatches()
  await until('more mismatches are found', async () => (await mismatches()) > found + 50, 20_000)
  await traffic.stop()
  expect(traffic.failures).toEqual([])
}, 60_000)
