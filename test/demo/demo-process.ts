/** `node bin/demo.js` as a child, in a temporary folder of its own that must be empty afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { until } from '../support/until.ts'

const STARTER = resolve(import.meta.dirname, '../../bin/demo.js')

export interface DemoProcess {
  readonly pid: number
  /** What it printed so far. */
  out(): string
  /** Resolves with the first match in its output. */
  said(pattern: RegExp, deadlineMs: number): Promise<RegExpMatchArray>
  signal(name: NodeJS.Signals): void
  /** The exit code, or the signal it died of. */
  ended(): Promise<number | NodeJS.Signals | null>
  /** Names in its temporary folder. */
  leftovers(): readonly string[]
  gatewayPid(): number
}

export function startDemo(...args: string[]): DemoProcess {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-demo-test-'))
  const { PATH, HOME, NODE_V8_COVERAGE } = process.env
  const coverage = NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }
  // What a user has set for another gateway must not reach the demo's.
  const hostile = {
    PORT: '1',
    ADMIN_PORT: '1',
    V2_TRAFFIC_PERCENTAGE: '0',
    BANYAN_ADMIN_TOKEN: 'other',
    BANYAN_ADMIN: 'http://127.0.0.1:1',
  }
  const child = spawn(process.execPath, [STARTER, ...args], {
    env: { PATH, HOME, ...coverage, ...hostile, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (out += text))
  const closed = once(child, 'close')
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await closed
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    pid: child.pid ?? 0,
    out: () => out,
    said: async (pattern, deadlineMs) => {
      const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
      const found = await until('the words', () => pattern.exec(out) ?? ended(), deadlineMs).catch(() => null)
      if (found === null || found === true) throw new Error(`the demo did not say ${pattern.source}; it said:\n${out}`)
      return found
    },
    signal: (name) => void child.kill(name),
    ended: async () => {
      await closed
      return child.exitCode ?? child.signalCode
    },
    leftovers: () => readdirSync(folder),
    gatewayPid: () => {
      const [ground = ''] = readdirSync(folder)
      const line = readFileSync(join(folder, ground, 'gateway.log'), 'utf8').split('\n')[0] ?? ''
      return (JSON.parse(line) as { readonly pid: number }).pid
    },
  }
}

/** Whether nobody listens there any more. */
export function isDeaf(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}
