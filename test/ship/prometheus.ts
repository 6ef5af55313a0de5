/** A real Prometheus that scrapes one address five times a second. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../support/until.ts'

/** Debian's package of that name brings it; npm cannot. */
const PROGRAM = 'prometheus'

export const hasPrometheus = spawnSync(PROGRAM, ['--version']).status === 0

export interface Series {
  readonly metric: Readonly<Record<string, string>>
  /** Time and value as text, as the API says it. */
  readonly value: readonly [number, string]
}

export interface Prometheus {
  /** The answer at this moment; what Prometheus says is wrong with the query is thrown. */
  query(expr: string): Promise<readonly Series[]>
  stop(): Promise<void>
}

export async function startPrometheus(target: string, job: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-prometheus-'))
  const scrape = { job_name: job, static_configs: [{ targets: [target] }] }
  // JSON is YAML.
  writeFileSync(
    join(folder, 'config.yml'),
    JSON.stringify({ global: { scrape_interval: '200ms', scrape_timeout: '200ms' }, scrape_configs: [scrape] }),
  )
  const flags = [`--config.file=${join(folder, 'config.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`]
  const child = spawn(PROGRAM, [...flags, '--web.listen-address=127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exit = once(child, 'exit')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exit
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const address = await until('prometheus listens', () => /msg="Listening on" address=(\S+)/.exec(said)?.[1], 20_000)
    return { query: (expr) => query(`http://${address}`, expr), stop }
  } catch (cause) {
    await stop()
    throw new Error(`prometheus did not start:\n${said}`, { cause })
  }
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly warnings?: readonly string[]
  readonly data?: { readonly result: readonly Series[] }
}

async function query(url: string, expr: string): Promise<readonly Series[]> {
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expr }) })
  const answer = (await response.json()) as Answer
  if (answer.status !== 'success' || answer.warnings !== undefined)
    throw new Error(`${expr}: ${answer.error ?? answer.warnings?.join('; ') ?? `status ${response.status}`}`)
  return answer.data?.result ?? []
}
