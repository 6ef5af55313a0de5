/** Clients that do nothing, slowly: the others must not notice. */
import net from 'node:net'
import { round } from '../lib/stats.ts'
import { startRig } from './rig.ts'
import type { Outcome } from './scenarios.ts'
import { Traffic, percentile, sleep } from './traffic.ts'

const IDLE = 1_000
const SLOW = 200

export async function slowClients(quick: boolean): Promise<Outcome> {
  const rig = await startRig({ threads: 1, route: '    stage: off\n    timeouts: { head: 60s }' })
  const seconds = quick ? 4 : 15
  const alone = await p99(rig.dataPort, seconds)
  const sockets = Array.from({ length: IDLE + SLOW }, () => net.connect({ host: '127.0.0.1', port: rig.dataPort }))
  for (const socket of sockets) socket.on('error', () => {})
  await sleep(500)
  const slow = sockets.slice(IDLE)
  for (const socket of slow) socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
  const drip = setInterval(() => {
    for (const socket of slow) socket.write('x')
  }, 500)
  const crowded = await p99(rig.dataPort, seconds)
  clearInterval(drip)
  for (const socket of sockets) socket.destroy()
  await rig.stop()
  return {
    pass: alone.failures + crowded.failures === 0 && crowded.p99Ms <= alone.p99Ms * 2,
    figures: { idle: IDLE, slowloris: SLOW, alone, crowded, ratio: round(crowded.p99Ms / alone.p99Ms, 2) },
  }
}

async function p99(port: number, seconds: number): Promise<{ p50Ms: number; p99Ms: number; failures: number }> {
  const traffic = new Traffic({ port, perSecond: 500 })
  await sleep(seconds * 1_000)
  const seen = await traffic.stop()
  const settled = seen.getMs.slice(250)
  return { p50Ms: round(percentile(settled, 50), 2), p99Ms: round(percentile(settled, 99), 2), failures: seen.failures.length }
}
