/** The real program as a child: `banyan serve`, and `banyan …` as a user would type it. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import type { Processes } from './processes.ts'
import { until } from './until.ts'

export interface Gateway {
  readonly pid: number
  /** Where users send their requests. */
  readonly url: string
  readonly admin: string
  readonly threads: number
  readonly logFile: string
  /** Its last lines, for when something went wrong. */
  lastLines(): readonly string[]
  /** Rejects when it ends before it was asked to. */
  readonly broken: Promise<never>
  end(): Promise<void>
}

export interface GatewayPlace {
  readonly cwd: string
  readonly configFolder: string
  readonly logFile: string
}

const BANYAN = new URL('../../bin/banyan.js', import.meta.url)
const START_MS = 20_000
/** Its own grace is shorter (`drain.grace`). */
const END_MS = 6_000
const KEPT_LINES = 15

export async function startGateway(processes: Processes, place: GatewayPlace, signal: AbortSignal): Promise<Gateway> {
  const args = ['serve', '--config', place.configFolder]
  const child = processes.start(BANYAN, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: place.cwd })
  const lines: string[] = []
  let ready: ReadyLine | null = null
  eachLine(child, (line) => {
    appendFileSync(place.logFile, `${line}\n`)
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
    ready ??= readyLine(line)
  })
  let ending = false
  const broken = once(child, 'exit').then(() => {
    if (ending) return new Promise<never>(() => undefined)
    throw new Error(`the gateway ended by itself (${child.exitCode ?? child.signalCode}); its last words:\n${lines.join('\n')}`)
  })
  broken.catch(() => undefined)
  const { port, admin, threads } = await Promise.race([broken, until('the gateway listens', () => ready, { signal, deadlineMs: START_MS })])
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    admin: `http://${admin.host}:${admin.port}`,
    threads,
    logFile: place.logFile,
    lastLines: () => lines,
    broken,
    end: () => {
      ending = true
      return processes.end(child, 'SIGTERM', END_MS)
    },
  }
}

interface ReadyLine {
  readonly port: number
  readonly admin: { readonly host: string; readonly port: number }
  readonly threads: number
}

/** Main's own log line, which it writes when everything listens. */
function readyLine(line: string): ReadyLine | null {
  if (!line.startsWith('{') || !line.includes('"msg":"ready"')) return null
  return JSON.parse(line) as ReadyLine
}

function eachLine(child: ChildProcess, take: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) take(line)
    })
  }
}

export interface CommandRun {
  readonly code: number | null
  /** What it printed, stdout first. */
  readonly lines: readonly string[]
  readonly out: string
}

/** Runs one command against the gateway at `admin`. */
export async function runBanyan(processes: Processes, cwd: string, admin: string, args: readonly string[]): Promise<CommandRun> {
  const child = processes.start(BANYAN, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd, env: { BANYAN_ADMIN: admin, NO_COLOR: '1' } })
  let [out, err] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  await once(child, 'close')
  const lines = `${out}${err}`.split('\n').filter((line) => line !== '')
  return { code: child.exitCode, lines, out }
}
