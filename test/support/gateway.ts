/**
 * The whole program as a child process: `node bin/banyan.js serve --config DIR`, on ports of its own choice.
 *
 * The ports come from the JSON line that main writes when everything listens; the gateway is handed out
 * when `/readyz` says yes. Everything it printed is kept and is part of every failure's message.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

const BIN = resolve(import.meta.dirname, '../../bin/banyan.js')
const START_MS = 20_000
/** Longer than any drain a test configures. */
const STOP_MS = 20_000

export interface GatewayOptions {
  /** The config but for `listen`, `admin` and `store`, which are added where they are missing. */
  readonly yaml: string
  readonly env?: Readonly<Record<string, string>>
  /** More files of the config folder, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** Where the databases lie; default: in the config's temporary folder. */
  readonly storePath?: string
  readonly dataThreads?: number
}

export interface Gateway {
  readonly pid: number
  readonly dataPort: number
  readonly adminPort: number
  readonly dataUrl: string
  readonly adminUrl: string
  /** The config folder; `gateway.yaml` in it may be rewritten. */
  readonly folder: string
  /** Lines of stdout (JSON) and stderr so far. */
  readonly logs: readonly string[]
  readonly process: ChildProcess
  /** SIGTERM, and waits for the end; resolves with the exit code. Does nothing the second time. */
  stop(): Promise<number | null>
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Starts a gateway that ends with the test. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = writeConfig(options)
  const child = spawn(process.execPath, [BIN, 'serve', '--config', folder], {
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const logs: string[] = []
  collectLines(child, logs)
  const stop = stopper(child, logs)
  onTestFinished(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const ready = await started(child, logs, 'listens', () => readyOf(logs))
  const adminUrl = `http://127.0.0.1:${ready.admin.port}`
  await started(child, logs, 'is ready by /readyz', async () => (await fetch(`${adminUrl}/readyz`)).ok)
  return {
    pid: child.pid ?? 0,
    dataPort: ready.port,
    adminPort: ready.admin.port,
    dataUrl: `http://127.0.0.1:${ready.port}`,
    adminUrl,
    folder,
    logs,
    process: child,
    stop,
  }
}

/** Runs the program to its end. `cwd` matters to relative paths only. */
export async function runBanyan(
  args: readonly string[],
  { env, cwd = tmpdir(), node = process.execPath }: { env?: Readonly<Record<string, string>>; cwd?: string; node?: string } = {},
): Promise<Ended> {
  const child = spawn(node, [BIN, ...args], { env: environment(env), cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, out, err }
}

/** A temporary folder with `gateway.yaml` and the given files; sections a test does not care about are added. */
export function writeConfig({ yaml, files = {}, storePath, dataThreads = 2 }: GatewayOptions): string {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-test-'))
  const has = (section: string): boolean => new RegExp(`^${section}:`, 'm').test(yaml)
  const added = [
    ...(has('listen') ? [] : [`listen: { host: 127.0.0.1, port: 0, threads: ${dataThreads} }`]),
    ...(has('admin') ? [] : ['admin: { host: 127.0.0.1, port: 0 }']),
    ...(has('store') ? [] : [`store: { path: ${JSON.stringify(storePath ?? join(folder, 'data'))} }`]),
    ...(has('drain') ? [] : ['drain: { delay: 0s, grace: 5s }']),
  ]
  for (const [name, text] of Object.entries({ 'gateway.yaml': `${added.join('\n')}\n${yaml}`, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Nothing of the machine's own settings reaches the gateway but what Node itself needs. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, NODE_V8_COVERAGE } = process.env
  return { PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), ...(NODE_V8_COVERAGE !== undefined && { NODE_V8_COVERAGE }), ...extra }
}

function collectLines(child: ChildProcess, logs: string[]): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop() ?? ''
      logs.push(...lines)
    })
  }
}

interface ReadyLog {
  readonly port: number
  readonly admin: { readonly host: string; readonly port: number }
}

function readyOf(logs: readonly string[]): ReadyLog | null {
  for (const line of logs) {
    if (!line.startsWith('{') || !line.includes('"msg":"ready"')) continue
    const entry = JSON.parse(line) as ReadyLog & { readonly thread?: string }
    if (entry.thread === 'main') return entry
  }
  return null
}

/** Waits for a condition of a starting gateway; one that ends meanwhile fails at once, with all it said. */
async function started<T>(child: ChildProcess, logs: readonly string[], what: string, condition: () => T | Promise<T>) {
  const said = (text: string): Error => new Error(`${text}\n${logs.join('\n')}`)
  const outcome = await until(`the gateway ${what}`, async () => (hasEnded(child) ? ENDED : condition()), START_MS).catch(
    (error: unknown) => {
      throw said(error instanceof Error ? error.message : String(error))
    },
  )
  if (outcome === ENDED) throw said(`the gateway ended with ${child.exitCode ?? child.signalCode} before it ${what}`)
  return outcome as Exclude<typeof outcome, typeof ENDED>
}

const ENDED = Symbol('ended')

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function stopper(child: ChildProcess, logs: readonly string[]): () => Promise<number | null> {
  let stopping: Promise<number | null> | null = null
  const run = async (): Promise<number | null> => {
    if (!hasEnded(child)) {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exit
      clearTimeout(timer)
    }
    if (child.signalCode === 'SIGKILL') throw new Error(`the gateway did not end within ${STOP_MS} ms\n${logs.join('\n')}`)
    return child.exitCode
  }
  return () => (stopping ??= run())
}
