/** Tables for people and a JSON file for comparisons, with the machine and the versions. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { loadTool } from './load.ts'

export interface Row {
  readonly peer: string
  /** CPU microseconds per request; NaN where nobody was measured. */
  readonly cpuUs: number
  readonly rps: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
}

const RESULTS = join(import.meta.dirname, '../results')

export function printTable(title: string, rows: readonly Row[]): void {
  const reference = rows.find((row) => row.peer === 'nginx')?.cpuUs ?? Number.NaN
  console.log(`\n${title}`)
  console.log(line(['peer', 'CPU µs/req', '× nginx', 'req/s', 'p50 ms', 'p99 ms', 'errors']))
  for (const row of rows) {
    const ratio = row.cpuUs / reference
    console.log(
      line([
        row.peer,
        text(row.cpuUs),
        Number.isNaN(ratio) ? '' : ratio.toFixed(2),
        String(row.rps),
        text(row.p50Ms),
        text(row.p99Ms),
        String(row.errors),
      ]),
    )
  }
}

function text(value: number): string {
  return Number.isNaN(value) ? '' : String(value)
}

function line(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(22) : cell.padStart(11))).join('')
}

/** Writes the run to bench/results; returns the file's name. */
export function saveResults(run: Readonly<Record<string, unknown>>, name = 'proxies'): string {
  mkdirSync(RESULTS, { recursive: true })
  const at = new Date().toISOString()
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()}`,
    node: process.version,
    load: loadTool(),
  }
  const file = `${at.slice(0, 10)}-${name}.json`
  writeFileSync(join(RESULTS, file), `${JSON.stringify({ at, machine, ...run }, null, 2)}\n`)
  return `bench/results/${file}`
}
