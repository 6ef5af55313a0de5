/** The real supervisor over the stand-in threads of test/fixtures/threads, with questions to each of them. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ListenConfig } from '../../src/core/model/config.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'
import type { Ready, StartFailure, Supervisor } from '../../src/supervisor/supervisor.ts'

const MODULES = {
  control: new URL('../fixtures/threads/control.ts', import.meta.url),
  data: new URL('../fixtures/threads/data.ts', import.meta.url),
  compare: new URL('../fixtures/threads/compare.ts', import.meta.url),
}
const LISTEN: ListenConfig = { host: '127.0.0.1', port: 0, socket: null, threads: 'auto', proxyProtocol: false, health: null, tls: null }

export interface Answer {
  readonly thread: string
  // The stubs' answers are loose JSON.
  readonly body: Record<string, never> & { readonly threadId: number; readonly [key: string]: unknown }
}

export interface StubGateway {
  readonly supervisor: Supervisor
  readonly logs: readonly string[]
  /** Lines the stubs appended to one file, in the order it happened. */
  traced(): string[]
  start(): Promise<Ready | StartFailure>
  /** Asks the control stub. */
  control(path: string): Promise<Answer>
  /** Asks the data stub of this index: the kernel spreads connections, so it asks until that one answers. */
  data(index: number, path: string): Promise<Answer>
}

export interface StubOptions {
  readonly threads?: number
  readonly env?: Readonly<Record<string, string>>
  readonly drain?: { readonly delayMs: number; readonly graceMs: number }
  readonly modules?: Partial<typeof MODULES>
  readonly port?: number
}

export function createStubGateway({ threads = 2, env = {}, drain, modules, port = 0 }: StubOptions = {}): StubGateway {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-supervisor-'))
  const trace = join(folder, 'trace')
  const logs: string[] = []
  let ready: Ready | null = null
  const supervisor = createSupervisor({
    modules: { ...MODULES, ...modules },
    threads,
    listen: { ...LISTEN, port, health: trace },
    drain: drain ?? { delayMs: 0, graceMs: 5_000 },
    control: { configPath: folder, env: { ...env, STUB_TRACE: trace }, version: '0.0.0' },
    storePath: folder,
    log: (level, message, fields) => logs.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
  })
  onTestFinished(async () => {
    await supervisor.drain()
    rmSync(folder, { recursive: true })
  })

  async function data(index: number, path: string): Promise<Answer> {
    const separator = path.includes('?') ? '&' : '?'
    for (let attempt = 0; attempt < 500; attempt++) {
      const answer = await ask(ready?.port ?? 0, `${path}${separator}only=data-${index}`)
      if (answer.thread === `data-${index}`) return answer
    }
    throw new Error(`data-${index} never answered`)
  }

  return {
    supervisor,
    logs,
    traced: () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : []),
    async start() {
      const outcome = await supervisor.start()
      if (!('failed' in outcome)) ready = outcome
      return outcome
    },
    control: (path) => ask(ready?.admin.port ?? 0, path),
    data,
  }
}

/** One request on a connection of its own, with whatever comes back. */
export function ask(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ thread: String(response.headers['x-thread']), body: text.startsWith('{') ? JSON.parse(text) : { text } })
      })
    })
      .on('error', reject)
      .end()
  })
}
