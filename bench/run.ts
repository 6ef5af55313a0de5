/**
 * `npm run bench [-- --quick]`: the gateway beside its peers, in one run, same backend, same load, rounds
 * interleaved so that a noisy moment hits everybody. CPU is utime + stime of each peer's own processes.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBackend } from './lib/backend.ts'
import { closedLoop, openLoop } from './lib/load.ts'
import type { LoadResult } from './lib/load.ts'
import { cpuSeconds, freePort, waitForPort } from './lib/processes.ts'
import { printTable, saveResults } from './lib/report.ts'
import type { Row } from './lib/report.ts'
import { median, round } from './lib/stats.ts'
import { banyan } from './peers/banyan.ts'
import { nodePeers, relay } from './peers/node-peers.ts'
import type { Peer } from './peers/peer.ts'
import { haproxy, nginx } from './peers/programs.ts'

const quick = process.argv.includes('--quick')
const ROUNDS = quick ? 3 : 5
const SECONDS = quick ? 1 : 5
const RATE_SECONDS = quick ? 3 : 8
const CONNECTIONS = 50
const RATE = 1_000

const scratch = mkdtempSync(join(tmpdir(), 'banyan-bench-'))
const [v1, v2] = [await freePort(), await freePort()]
const backend = await startBackend(folder('backend'), [v1, v2])

const all = [banyan(), nginx(), haproxy(), ...nodePeers(), relay()]
for (const { name, absent } of all) if (absent !== null) console.log(`left out: ${name} (${absent})`)
const peers = all.filter(({ absent }) => absent === null)

const plain = await measure('sticky split', peers, false)
const mirrored = await measure(
  '100 % mirrored',
  peers.filter((peer) => peer.mirrors),
  true,
)
const paced = await pace(peers)

printTable('sticky split, closed loop', plain)
printTable('every request mirrored, closed loop', mirrored)
printTable(`${RATE} requests/s`, paced)
const saved = saveResults(
  {
    quick,
    rounds: ROUNDS,
    seconds: SECONDS,
    connections: CONNECTIONS,
    plain,
    mirrored,
    paced,
    versions: Object.fromEntries(peers.map((peer) => [peer.name, peer.version()])),
  },
  quick ? 'proxies-quick' : 'proxies',
)
console.log(`\nsaved as ${saved}`)

await backend.stop()
rmSync(scratch, { recursive: true, force: true })

interface Started {
  readonly peer: Peer
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

function folder(name: string): string {
  const path = join(scratch, name.replace(/\W/g, '_'))
  mkdirSync(path, { recursive: true })
  return path
}

async function launch(peer: Peer, withMirrors: boolean): Promise<Started> {
  const port = await freePort()
  const running = peer.start({ listen: port, v1, v2, folder: folder(`${peer.name}-${withMirrors ? 'm' : 's'}-${port}`) }, withMirrors)
  await waitForPort(port)
  return { peer, port, pid: running.pid, stop: running.stop }
}

/** CPU per request, requests/s and latency of each peer, medians over the rounds. */
async function measure(what: string, which: readonly Peer[], withMirrors: boolean): Promise<Row[]> {
  const started: Started[] = []
  for (const peer of which) started.push(await launch(peer, withMirrors))
  const samples = new Map<string, { cpuUs: number; rps: number; load: LoadResult }[]>()
  for (const { port } of started) await closedLoop({ port, seconds: 1, connections: CONNECTIONS })
  for (let turn = 0; turn < ROUNDS; turn++) {
    for (const { peer, port, pid } of started) {
      const before = cpuSeconds(pid)
      const load = await closedLoop({ port, seconds: SECONDS, connections: CONNECTIONS })
      const cpuUs = ((cpuSeconds(pid) - before) * 1e6) / Math.max(1, load.requests)
      samples.set(peer.name, [...(samples.get(peer.name) ?? []), { cpuUs, rps: load.requests / load.seconds, load }])
    }
    console.log(`${what}: round ${turn + 1} of ${ROUNDS}`)
  }
  for (const each of started) await each.stop()
  return which.map(({ name }) => {
    const of = samples.get(name) ?? []
    return {
      peer: name,
      cpuUs: round(median(of.map((sample) => sample.cpuUs)), 1),
      rps: Math.round(median(of.map((sample) => sample.rps))),
      p50Ms: round(median(of.map((sample) => sample.load.p50Ms)), 2),
      p99Ms: round(median(of.map((sample) => sample.load.p99Ms)), 2),
      errors: of.reduce((sum, sample) => sum + sample.load.errors, 0),
    }
  })
}

/** Latency at a fixed rate, the bare backend first: what is added is the difference. */
async function pace(which: readonly Peer[]): Promise<Row[]> {
  const rows: Row[] = []
  const bare = async (): Promise<LoadResult> => openLoop({ port: v1, seconds: RATE_SECONDS, connections: CONNECTIONS }, RATE)
  rows.push(await pacedRow('bare backend', bare, null))
  for (const peer of which) {
    const one = await launch(peer, false)
    rows.push(await pacedRow(peer.name, () => openLoop({ port: one.port, seconds: RATE_SECONDS, connections: CONNECTIONS }, RATE), one.pid))
    await one.stop()
  }
  return rows
}

async function pacedRow(name: string, load: () => Promise<LoadResult>, pid: number | null): Promise<Row> {
  const turns = quick ? 1 : 3
  const results: { load: LoadResult; cpuUs: number }[] = []
  for (let turn = 0; turn < turns; turn++) {
    const before = pid === null ? 0 : cpuSeconds(pid)
    const result = await load()
    results.push({ load: result, cpuUs: pid === null ? Number.NaN : ((cpuSeconds(pid) - before) * 1e6) / Math.max(1, result.requests) })
  }
  return {
    peer: name,
    cpuUs: round(median(results.map((result) => result.cpuUs)), 1),
    rps: Math.round(median(results.map((result) => result.load.requests / result.load.seconds))),
    p50Ms: round(median(results.map((result) => result.load.p50Ms)), 2),
    p99Ms: round(median(results.map((result) => result.load.p99Ms)), 2),
    errors: results.reduce((sum, result) => sum + result.load.errors, 0),
  }
}
