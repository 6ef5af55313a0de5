/**
 * Control with everything real but the other threads: a real store in a temporary folder, real shared memory,
 * real ports. The far ends of the ports, and the recorders of the ledger, are the test's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { parseConfig } from '../../../src/config/parse.ts'
import { formatProblem } from '../../../src/config/problem.ts'
import { createControl } from '../../../src/control/control.ts'
import type { Control, ControlOptions } from '../../../src/control/control.ts'
import { openNotes } from '../../../src/control/notes.ts'
import { createLocalStore } from '../../../src/control/local-store.ts'
import type { ReadConfig } from '../../../src/control/reload.ts'
import type { ControlStore } from '../../../src/control/store.ts'
import type { ConfigInForce, ControlToData, DataToControl, SharedMemory, ToMain } from '../../../src/core/model/messages.ts'
import type { Snapshot } from '../../../src/core/model/snapshot.ts'
import { createRecorder } from '../../../src/ledger/recorder.ts'
import type { Recorder } from '../../../src/ledger/recorder.ts'
import { createAlerts } from '../../../src/notify/alerts.ts'
import type { Notice } from '../../../src/notify/alerts.ts'
import { createMemory, withBank } from '../../../src/supervisor/memory.ts'

interface RouteText {
  readonly name: string
  readonly path?: string
  readonly stage?: string
  readonly weight?: number
  readonly more?: string
}

export interface ConfigText {
  readonly routes: readonly RouteText[]
  readonly v1?: string
  readonly v2?: string
  readonly probe?: string
  readonly more?: string
}

export function configText({ routes, v1 = 'http://127.0.0.1:1', v2 = 'http://127.0.0.1:2', probe = '', more = '' }: ConfigText): string {
  const listed = routes.map(({ name, path, stage = 'canary', weight = 10, more: rest = '' }) => {
    const fields = `name: ${name}, match: { path: "${path ?? `/${name}/**`}" }, stage: ${stage}, weight: ${weight}${rest}`
    return `  - { ${fields} }`
  })
  const backend = (url: string): string => `{ endpoints: ["${url}"]${probe} }`
  return [`backends: { v1: ${backend(v1)}, v2: ${backend(v2)} }`, more, 'routes:', ...listed, ''].join('\n')
}

export function readConfig(text: ConfigText | string, ceiling: ReadConfig['ceiling'] = { env: null, file: null }): ReadConfig {
  const parsed = parseConfig(typeof text === 'string' ? text : configText(text), 'test.yaml', {})
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'))
  return { config: parsed.config, hash: parsed.hash, ceiling }
}

/** What a data thread is to control. */
interface FakeThread {
  readonly received: ControlToData[]
  readonly recorder: Recorder
  snapshot(): Snapshot | null
  acknowledge(revision?: number, oldest?: number): void
  send(message: DataToControl): void
}

export interface Rig {
  readonly control: Control
  readonly store: ControlStore
  readonly memory: SharedMemory
  readonly folder: string
  readonly notices: Notice[]
  readonly lines: { readonly level: string; readonly fields: object; readonly text: string }[]
  readonly told: ToMain[]
  readonly rollbacks: number[]
  readonly clock: { offset: number }
  readonly threads: readonly FakeThread[]
  word(slot: number): number
  slotOf(route: string): number
  /** Ends this control as a crash would: nothing is saved, nothing said. A successor starts on what is left. */
  crash(options?: Partial<RigOptions>): Promise<Rig>
  close(): Promise<void>
}

export interface RigOptions {
  readonly threads: number
  readonly folder: string
  readonly memory: SharedMemory
  readonly inForce: ConfigInForce | null
  readonly dataPort: number | null
  readonly store: ControlStore
  readonly intervals: ControlOptions['intervals']
  /** Acknowledge every snapshot at once. */
  readonly acknowledges: boolean
}

export function startRig(options: Partial<RigOptions> = {}): Rig {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'banyan-control-'))
  let memory = options.memory ?? createMemory(options.threads ?? 1)
  const store = options.store ?? createLocalStore({ folder, busyMs: 50 })
  const notices: Notice[] = []
  const lines: Rig['lines'] = []
  const told: ToMain[] = []
  const rollbacks: number[] = []
  const clock = { offset: 0 }
  const now = (): number => Date.now() + clock.offset
  const log = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text })
  const control = createControl({
    start: {
      configPath: 'test.yaml',
      env: {},
      memory,
      dataPort: options.dataPort ?? null,
      version: '0.0.0',
      inForce: options.inForce ?? null,
    },
    store,
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    alerts: createAlerts({ receivers: [{ name: 'test', send: (notice) => void notices.push(notice) }], now }),
    tell: (message) => {
      told.push(message)
      if (message.kind !== 'need-bank') return
      memory = withBank(memory, message.bank)
      const bank = memory.banks[message.bank]
      if (bank !== undefined) control.neighbours.receive({ kind: 'bank', bank: message.bank, memory: bank })
    },
    onLog: (some) => lines.push(...some.map((text) => ({ level: 'thread', fields: {}, text }))),
    onRollback: (tookMs) => rollbacks.push(tookMs),
    onStop: () => {},
    parse: (text) => {
      const parsed = parseConfig(text, 'plan.yaml', {})
      return parsed.ok ? { ...parsed, problems: null } : { problems: parsed.problems.map(formatProblem) }
    },
    now,
    monotonic: () => performance.now(),
    intervals: { judgeMs: 20, recoverMs: 10, askTimeoutMs: 50, ...options.intervals },
  })
  const ports: MessagePort[] = []
  const threads = Array.from({ length: memory.threads }, (_, index) =>
    fakeThread(control, memory, index, ports, options.acknowledges ?? true),
  )
  const leave = (): void => {
    for (const port of ports) port.close()
  }
  const words = new Int32Array(memory.words)
  return {
    control,
    store,
    get memory() {
      return memory
    },
    folder,
    notices,
    lines,
    told,
    rollbacks,
    clock,
    threads,
    word: (slot) => Atomics.load(words, slot),
    slotOf: (route) => slotIn(memory, route),
    crash: async (changes = {}) => {
      const inForce = told.findLast((message) => message.kind === 'config-in-force')?.inForce ?? options.inForce ?? null
      // The store goes first: what the dying control would still save must not reach the disk.
      store.close()
      await control.close()
      leave()
      return startRig({ ...options, folder, memory, inForce, dataPort: 1, ...changes })
    },
    close: async () => {
      await control.close()
      store.close()
      leave()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** In a copy of the notes: opening the real ones counts as a life of control. */
function slotIn(memory: SharedMemory, route: string): number {
  const copy = new SharedArrayBuffer(memory.notes.byteLength)
  new Int32Array(copy).set(new Int32Array(memory.notes))
  return openNotes(copy).slots.find(route)
}

function fakeThread(control: Control, memory: SharedMemory, index: number, ports: MessagePort[], acknowledges: boolean): FakeThread {
  const { port1, port2 } = new MessageChannel()
  ports.push(port2)
  const received: ControlToData[] = []
  let latest: Snapshot | null = null
  const send = (message: DataToControl): void => port2.postMessage(message)
  const acknowledge = (revision = latest?.revision ?? 0, oldest = revision): void => send({ kind: 'ack', revision, oldest })
  port2.on('message', (message: ControlToData) => {
    received.push(message)
    if (message.kind !== 'snapshot') return
    latest = message.snapshot
    if (acknowledges) acknowledge()
  })
  control.neighbours.receive({ kind: 'peer', peer: `data-${index}`, port: port1 })
  return { received, recorder: createRecorder(memory, index), snapshot: () => latest, acknowledge, send }
}
