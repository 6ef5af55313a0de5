/** The program over its life: trip, latch, restart, reload, ceiling file, drain; seen from outside. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { request } from 'undici'
import { startBackend } from '../support/backends.ts'
import type { Backend } from '../support/backends.ts'
import { api, startTraffic, yamlFor } from '../support/e2e.ts'
import { startGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

async function backends(): Promise<[Backend, Backend]> {
  const pair: [Backend, Backend] = [await startBackend('v1'), await startBackend('v2')]
  onTestFinished(async () => {
    await pair[0].close()
    await pair[1].close()
  })
  return pair
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'banyan-life-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a dead v2 is tripped without one client error, stays latched over a restart and a reload, and is rearmed by a person', async () => {
  const [v1, v2] = await backends()
  const store = folder()
  const yaml = yamlFor(v1, v2, 'stage: canary\nweight: 20')
  const first = await startGateway({ yaml, storePath: store, dataThreads: 2 })
  const traffic = startTraffic(first.dataPort)
  await until('v2 has users', () => (traffic.answers['v2'] ?? 0) > 20)
  await v2.kill()
  await until('the trip', async () => (await api(first, 'GET', 'routes/all')).body['tripped'] !== null)
  await traffic.stop()
  expect(traffic.failures).toEqual([])
  expect((await api(first, 'GET', 'routes/all')).body).toMatchObject({
    weight: { configured: 20, wanted: 0, effective: 0, heldBy: 'latch' },
    verdict: { kind: 'regression' },
  })
  expect(await first.stop()).toBe(0)

  await v2.revive()
  const second = await startGateway({ yaml: yaml.replace('weight: 20', 'weight: 10'), storePath: store })
  const route = async (): Promise<Record<string, unknown>> => (await api(second, 'GET', 'routes/all')).body
  expect(await route()).toMatchObject({ weight: { effective: 0, heldBy: 'latch' }, tripped: { epoch: 1 } })
  writeFileSync(
    join(second.folder, 'gateway.yaml'),
    readFileSync(join(second.folder, 'gateway.yaml'), 'utf8').replace('weight: 10', 'weight: 30'),
  )
  await until('the reload', async () => ((await route())['weight'] as { configured: number }).configured === 30)
  expect(await route()).toMatchObject({ weight: { effective: 0, heldBy: 'latch' } })
  expect((await api(second, 'POST', 'routes/all/rearm', {})).status).toBe(400)
  expect((await api(second, 'POST', 'routes/all/rearm', { reason: 'fixed', force: true, to: 5 })).status).toBe(200)
  expect(await route()).toMatchObject({ weight: { effective: 5, heldBy: 'none' }, tripped: null })
  const { body } = await api(second, 'GET', 'audit')
  expect((body['entries'] as { kind: string }[]).map(({ kind }) => kind)).toEqual(expect.arrayContaining(['trip', 'rearm']))
}, 60_000)

test('the ceiling file set to 0 is zero for everybody, latches, and putting the number back changes nothing', async () => {
  const [v1, v2] = await backends()
  const gateway = await startGateway({ yaml: yamlFor(v1, v2, 'stage: canary\nweight: 100'), files: { v2_traffic_percentage: '100' } })
  const backend = async (): Promise<unknown> => {
    const answer = await request(`${gateway.dataUrl}/x`, { headers: { 'x-user-id': 'u' } })
    await answer.body.dump()
    return answer.headers['x-banyan-backend']
  }
  expect(await backend()).toBe('v2')
  const put = (text: string): void => {
    writeFileSync(join(gateway.folder, '.next'), text)
    renameSync(join(gateway.folder, '.next'), join(gateway.folder, 'v2_traffic_percentage'))
  }
  put('0')
  await until('everything goes to v1', async () => (await backend()) === 'v1')
  expect((await api(gateway, 'GET', 'status')).body).toMatchObject({ killed: true, ceiling: { percent: 0, file: 0 } })
  put('100')
  await until(
    'the file is read',
    async () => ((await api(gateway, 'GET', 'status')).body['ceiling'] as { percent: number }).percent === 100,
  )
  expect(await backend()).toBe('v1')
  expect((await api(gateway, 'POST', 'rearm', { reason: 'all clear' })).status).toBe(200)
  expect(await backend()).toBe('v2')
}, 60_000)

test('SIGTERM under load: what is in flight ends, no client sees an error, exit 0', async () => {
  const [v1, v2] = await backends()
  v1.mode = { kind: 'answer', delayMs: 300 }
  const gateway = await startGateway({ yaml: yamlFor(v1, v2, 'stage: off').replace('delay: 0s', 'delay: 1s') })
  const slow = Array.from({ length: 20 }, () => request(`${gateway.dataUrl}/slow`))
  await until('they are in flight', () => v1.count >= 20)
  const ended = gateway.stop()
  await until('readiness falls', async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 503)
  const late = await request(`${gateway.dataUrl}/late`)
  expect(late.statusCode).toBe(200)
  expect(late.headers['connection']).toBe('close')
  await late.body.dump()
  for (const each of slow) expect((await each).statusCode).toBe(200)
  expect(await ended).toBe(0)
  expect(existsSync(gateway.folder)).toBe(true)
}, 60_000)
