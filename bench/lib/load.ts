/** Load: wrk where it is installed, autocannon everywhere. Bounded in time, loopback only. */
import { spawnSync, spawn } from 'node:child_process'
import autocannon from 'autocannon'
import { findProgram } from './processes.ts'

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly errors: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface LoadOptions {
  readonly port: number
  readonly seconds: number
  readonly connections: number
}

const PATH = '/api/orders/42'
const HEADERS = { 'x-user-id': 'user-000123', accept: 'application/json', 'user-agent': 'bench' }

/** As fast as it goes, over a fixed number of connections. */
export async function closedLoop(options: LoadOptions): Promise<LoadResult> {
  const wrk = findProgram('wrk')
  return wrk === null ? cannon(options, null) : runWrk(wrk, options)
}

/** At a fixed rate: latency as users see it. */
export function openLoop(options: LoadOptions, perSecond: number): Promise<LoadResult> {
  return cannon(options, perSecond)
}

async function cannon({ port, seconds, connections }: LoadOptions, perSecond: number | null): Promise<LoadResult> {
  const result = await autocannon({
    url: `http://127.0.0.1:${port}${PATH}`,
    connections,
    duration: seconds,
    headers: HEADERS,
    ...(perSecond === null ? {} : { overallRate: perSecond }),
  })
  return {
    requests: result.requests.total,
    seconds: result.duration,
    errors: result.errors + result.non2xx + result.timeouts,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}

async function runWrk(wrk: string, { port, seconds, connections }: LoadOptions): Promise<LoadResult> {
  const headers = Object.entries(HEADERS).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const args = ['-t1', `-c${connections}`, `-d${seconds}`, '--latency', ...headers, `http://127.0.0.1:${port}${PATH}`]
  const output = await new Promise<string>((resolve) => {
    const child = spawn(wrk, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once('close', () => resolve(text))
  })
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0)
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  const socketErrors = [...(/Socket errors: (.*)/.exec(output)?.[1] ?? '').matchAll(/\d+/g)].reduce(
    (sum, [count]) => sum + Number(count),
    0,
  )
  return {
    requests,
    seconds,
    errors: bad + socketErrors,
    p50Ms: msOf(/50%\s+(\S+)/.exec(output)?.[1]),
    p99Ms: msOf(/99%\s+(\S+)/.exec(output)?.[1]),
  }
}

function msOf(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? '')
  if (match === null) return Number.NaN
  return Number(match[1]) * (match[2] === 'us' ? 0.001 : match[2] === 's' ? 1_000 : 1)
}

export function loadTool(): string {
  const wrk = findProgram('wrk')
  if (wrk === null) return 'autocannon'
  return /wrk [^\s]*\S*/.exec(spawnSync(wrk, ['-v'], { encoding: 'utf8' }).stdout)?.[0] ?? 'wrk'
}
