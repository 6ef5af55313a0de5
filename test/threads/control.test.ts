import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { isLaxer } from '../../src/control/words.ts'
import type { ConfigInForce, ControlStart, ControlToData, FromMain, SharedMemory, ToMain } from '../../src/core/model/messages.ts'
import { ASSIGNED_BY_BUCKET, LANE_V2, OUTCOME_RESET } from '../../src/core/model/observation.ts'
import { KILLED, LATCHED, weightOf } from '../../src/core/model/routing.ts'
import type { Snapshot } from '../../src/core/model/snapshot.ts'
import type { StatusBody } from '../../src/core/model/status.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import { createMemory } from '../../src/supervisor/memory.ts'
import { configText } from '../support/control/rig.ts'
import type { ConfigText } from '../support/control/rig.ts'
import { until } from '../support/until.ts'

/** The control thread as main runs it, with the test as main and as the one data thread. */
interface Thread {
  readonly memory: SharedMemory
  readonly told: ToMain[]
  snapshot(): Snapshot | null
  admin(): string
  get(path: string): Promise<Response>
  send(method: string, path: string, body: object): Promise<Response>
  status(): Promise<StatusBody>
  word(route: string): number
  post(message: FromMain): void
  kill(): Promise<void>
}

const cleanups: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'banyan-control-thread-'))
  cleanups.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

function write(into: string, text: ConfigText): void {
  const more = `${text.more ?? ''}\nlisten: { port: 0 }\nadmin: { host: 127.0.0.1, port: 0 }\nstore: { path: "${join(into, 'data')}" }`
  writeFileSync(join(into, 'gateway.yaml'), configText({ ...text, more }))
}

function spawn(configPath: string, memory = createMemory(1), inForce: ConfigInForce | null = null): Thread {
  const workerData: ControlStart = { configPath, env: { LOG_LEVEL: 'silent' }, memory, dataPort: null, version: '1.2.3', inForce }
  const worker = new Worker(new URL('../../src/threads/control.ts', import.meta.url), { workerData, stdout: true, stderr: true })
  const told: ToMain[] = []
  const { port1, port2 } = new MessageChannel()
  let latest: Snapshot | null = null
  worker.on('message', (message: ToMain) => told.push(message))
  worker.on('error', (error) => told.push({ kind: 'unusable', why: String(error) }))
  port2.on('message', (message: ControlToData) => {
    if (message.kind !== 'snapshot') return
    latest = message.snapshot
    port2.postMessage({ kind: 'ack', revision: latest.revision, oldest: latest.revision })
  })
  worker.postMessage({ kind: 'peer', peer: 'data-0', port: port1 } satisfies FromMain, [port1])
  const words = new Int32Array(memory.words)
  const kill = async (): Promise<void> => {
    await worker.terminate()
    port2.close()
  }
  cleanups.push(kill)
  const thread: Thread = {
    memory,
    told,
    snapshot: () => latest,
    admin: () => {
      const listening = told.find((message) => message.kind === 'admin-listening')
      return listening === undefined ? '' : `http://${listening.host}:${listening.port}`
    },
    get: (path) => fetch(thread.admin() + path),
    send: (method, path, body) =>
      fetch(thread.admin() + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    status: async () => (await (await thread.get('/api/v1/status')).json()) as StatusBody,
    word: (route) => Atomics.load(words, latest?.slots[route] ?? 0),
    post: (message) => worker.postMessage(message),
    kill,
  }
  return thread
}

async function started(configPath: string, memory?: SharedMemory, inForce?: ConfigInForce): Promise<Thread> {
  const thread = spawn(configPath, memory, inForce)
  await until('control has started', () => thread.admin() !== '' && thread.snapshot() !== null)
  return thread
}

const ORDERS = { routes: [{ name: 'orders' }, { name: 'rest', path: '/**', stage: 'off', weight: 0 }] }

describe('the control thread', () => {
  it('serves the admin port, is ready when data threads listen, and obeys a rollback in every word at once', async () => {
    const at = folder()
    write(at, ORDERS)
    const thread = await started(at)
    expect((await thread.get('/healthz')).status).toBe(200)
    expect((await thread.get('/readyz')).status).toBe(503)
    thread.post({ kind: 'data-port', port: 1 })
    await until('ready', async () => (await thread.get('/readyz')).status === 200)
    expect(await thread.status()).toMatchObject({
      version: '1.2.3',
      routes: [{ name: 'orders', weight: { effective: 10 } }, { name: 'rest' }],
    })

    const sent = performance.now()
    const answer = thread.send('POST', '/api/v1/routes/orders/rollback', {})
    await until('zero', () => (thread.word('orders') & LATCHED) !== 0)
    expect(performance.now() - sent).toBeLessThan(1_000)
    expect((await answer).status).toBe(200)
    expect(weightOf(thread.word('orders'))).toBe(0)

    const explained = await (await thread.get('/api/v1/explain?path=/orders/1&header=x-user-id:alice')).json()
    expect(explained).toMatchObject({ backend: 'v1', rule: 'latch' })
    expect(await (await thread.get('/api/v1/audit')).json()).toMatchObject({ entries: [{ kind: 'rollback' }, { kind: 'configure' }] })
    const metrics = await (await thread.get('/metrics')).text()
    expect(metrics).toMatch(/^banyan_tripped\{route="orders"\} 1$/m)
    expect(metrics).toMatch(/^banyan_rollbacks_total\{route="orders",cause="rollback"\} 1$/m)
    expect(metrics).toMatch(/^banyan_rollback_duration_seconds_count 1$/m)
    const raised = await thread.send('PUT', '/api/v1/routes/orders/weight', { percent: 50, reason: 'again' })
    expect([raised.status, ((await raised.json()) as { code: string }).code]).toEqual([409, 'latched'])
    thread.post({ kind: 'drain', delayMs: 1, graceMs: 1 })
    await until('draining', async () => (await thread.get('/readyz')).status === 503)
  })

  it('follows its files: a good config is live, a bad one changes nothing and is shown, a ceiling of 0 kills', async () => {
    const at = folder()
    write(at, ORDERS)
    const thread = await started(at)
    write(at, { routes: [{ name: 'orders', weight: 25 }] })
    await until('the new weight', () => weightOf(thread.word('orders')) === 2_500, 2_500)
    writeFileSync(join(at, 'gateway.yaml'), 'routes: { nonsense')
    const bad = await until('the error', async () => {
      const status = await thread.status()
      return status.config.lastError.length > 0 ? status : null
    })
    expect(bad.config.lastError[0]).toMatch(/gateway\.yaml:\d+:\d+/)
    expect(weightOf(thread.word('orders'))).toBe(2_500)
    writeFileSync(join(at, 'v2_traffic_percentage'), '0\n')
    await until('zero', () => thread.snapshot() !== null && (thread.word('orders') & KILLED) !== 0)
    write(at, {
      routes: [
        { name: 'orders', weight: 25 },
        { name: 'new', weight: 3 },
      ],
    })
    writeFileSync(join(at, 'v2_traffic_percentage'), '100\n')
    await until('the new route', () => thread.snapshot()?.slots['new'])
    expect(thread.word('orders') & KILLED).toBe(KILLED)
    expect((await thread.status()).ceiling).toMatchObject({ percent: 100, file: 100 })
  })

  it('killed under way and started again lets no word be laxer at any moment, and knows what it knew', async () => {
    const at = folder()
    write(at, { routes: [{ name: 'a' }, { name: 'b', weight: 50 }] })
    const first = await started(at)
    await first.send('POST', '/api/v1/routes/a/rollback', { reason: 'broken' })
    await first.send('PUT', '/api/v1/routes/b/weight', { percent: 7 })
    const slots = Object.values(first.snapshot()!.slots)
    const inForce = first.told.findLast((message) => message.kind === 'config-in-force')!.inForce
    const words = new Int32Array(first.memory.words)
    const before = [...words]
    const laxer: string[] = []
    let looks = 0
    const watching = setInterval(() => {
      looks++
      for (const slot of [0, ...slots])
        if (isLaxer(Atomics.load(words, slot), before[slot]!)) laxer.push(`slot ${slot}: ${Atomics.load(words, slot)}`)
    }, 0)
    cleanups.push(() => clearInterval(watching))
    await first.kill()
    // The file is bad by now: the successor must know the config all the same.
    writeFileSync(join(at, 'gateway.yaml'), 'routes: { nonsense')
    const second = await started(at, first.memory, inForce)
    const status = await second.status()
    clearInterval(watching)
    expect(laxer).toEqual([])
    expect(looks).toBeGreaterThan(20)
    expect(second.snapshot()!.slots).toEqual(first.snapshot()!.slots)
    expect(second.snapshot()!.revision).toBeGreaterThan(first.snapshot()!.revision)
    expect(status.routes.map(({ weight }) => [weight.effective, weight.heldBy])).toEqual([
      [0, 'latch'],
      [7, 'none'],
    ])
    expect(status.config.lastError.length).toBeGreaterThan(0)
  })

  it('trips by itself what the ledger shows', async () => {
    const at = folder()
    write(at, ORDERS)
    const thread = await started(at)
    const recorder = createRecorder(thread.memory, 0)
    const began = performance.now()
    await until('the trip', () => {
      recorder.started(thread.snapshot()!.slots['orders']!, LANE_V2)
      recorder.finished(thread.snapshot()!.slots['orders']!, LANE_V2, ASSIGNED_BY_BUCKET, OUTCOME_RESET, -1, 5)
      return (thread.word('orders') & LATCHED) !== 0
    })
    expect(performance.now() - began).toBeLessThan(2_500)
    const [route] = (await thread.status()).routes
    expect(route).toMatchObject({ tripped: { cause: 'errors' } })
  })

  it('writes out and says so when main stops it', async () => {
    const at = folder()
    write(at, ORDERS)
    const thread = await started(at)
    thread.post({ kind: 'stop' })
    await until('drained', () => thread.told.some(({ kind }) => kind === 'drained'))
    await expect(thread.get('/healthz')).rejects.toThrow(/fetch failed/)
  })
})

describe('a control thread that cannot start', () => {
  it('names every problem of its config, with exit code 2', async () => {
    const at = folder()
    writeFileSync(join(at, 'gateway.yaml'), 'routes: []\nbackendz: {}\n')
    const thread = spawn(at)
    const refused = await until('refused', () => thread.told.find((message) => message.kind === 'refused-to-start'))
    expect(refused.exitCode).toBe(2)
    expect(refused.problems.join('\n')).toMatch(/gateway\.yaml:2:1: backendz: /)
  })

  it('names a busy admin port and what to do, with exit code 1', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    cleanups.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = server.address() as AddressInfo
    const at = folder()
    writeFileSync(
      join(at, 'gateway.yaml'),
      configText({ ...ORDERS, more: `admin: { host: 127.0.0.1, port: ${port} }\nstore: { path: "${at}" }` }),
    )
    const thread = spawn(at)
    const refused = await until('refused', () => thread.told.find((message) => message.kind === 'refused-to-start'))
    expect(refused.exitCode).toBe(1)
    expect(refused.problems.join('\n')).toMatch(new RegExp(`admin port ${port} .* in use`))
  })
})
