/** What the gateway promises when things break, each measured against the running program. */
import { residentBytes } from '../lib/processes.ts'
import { round } from '../lib/stats.ts'

import { gatewayYaml, startRig } from './rig.ts'
import type { Rig } from './rig.ts'
import { Traffic, percentile, sleep } from './traffic.ts'

export interface Outcome {
  readonly pass: boolean
  readonly figures: Readonly<Record<string, unknown>>
}

export interface Scenario {
  readonly about: string
  readonly run: (quick: boolean) => Promise<Outcome>
}

const NEVER_TRIP = 'health: { errorRate: { max: 99.9 }, sustain: 60s }'

/** v2 killed, frozen, resetting in turn, every five seconds; it is never tripped, so that it keeps failing. */
async function chaos(quick: boolean): Promise<Outcome> {
  const rig = await startRig({ route: `    stage: canary\n    weight: 50\n    fallback: { after: 1s }\n    ${NEVER_TRIP}` })
  const traffic = new Traffic({ port: rig.dataPort, perSecond: 1_000, posts: 10 })
  const rounds = quick ? 2 : 8
  await sleep(1_000)
  for (let turn = 0; turn < rounds; turn++) {
    await rig.v2.kill()
    await sleep(2_500)
    await rig.v2.start()
    await sleep(2_500)
    rig.v2.freeze()
    await sleep(2_500)
    rig.v2.thaw()
    await sleep(2_500)
    await rig.v2.mode('reset')
    await sleep(2_500)
    await rig.v2.mode('ok')
    await sleep(2_500)
  }
  const seen = await traffic.stop()
  const orders = [...rig.v1.orders(), ...rig.v2.orders()]
  const twice = orders.length - new Set(orders).size
  const figures = {
    requests: seen.finished,
    failedGets: seen.failures.length,
    firstFailures: seen.failures.slice(0, 3),
    posts: seen.posts,
    postErrors: seen.postFailures,
    postsSeenTwice: twice,
    byBackend: seen.byBackend,
    getP99Ms: round(percentile(seen.getMs, 99), 1),
  }
  await rig.stop()
  return { pass: seen.failures.length === 0 && twice === 0 && seen.finished === seen.started, figures }
}

/** v2 dies: how long until no thread sends it anything; and how fast a command is. */
async function rollback(): Promise<Outcome> {
  const rig = await startRig({ threads: 2, route: '    stage: canary\n    weight: 10' })
  const traffic = new Traffic({ port: rig.dataPort, perSecond: 100 })
  await sleep(4_000)
  await rig.v2.mode('reset')
  const died = performance.now()
  let zeroAfter = Number.NaN
  let last = await rig.v2.served()
  let lastChange = died
  while (performance.now() - died < 8_000) {
    await sleep(20)
    const now = await rig.v2.served()
    if (now !== last) lastChange = performance.now()
    last = now
  }
  zeroAfter = lastChange - died
  const status = await rig.api('GET', 'routes/all')
  const seen = await traffic.stop()
  await rig.v2.mode('ok')
  const command = await commandTime(rig)
  await rig.stop()
  return {
    pass: zeroAfter <= 2_500 && seen.failures.length === 0 && command.zeroMs < 50,
    figures: {
      lastV2RequestAfterMs: Math.round(zeroAfter),
      failedGets: seen.failures.length,
      tripped: (status as { tripped: unknown }).tripped,
      ...command,
    },
  }
}

/** From sending a rollback to the last request v2 gets, at full split over two threads. */
async function commandTime(rig: Rig): Promise<{ zeroMs: number; commandMs: number }> {
  await rig.api('POST', 'routes/all/rearm', { reason: 'bench', force: true })
  await rig.api('PUT', 'routes/all/weight', { percent: 100, reason: 'bench' })
  const traffic = new Traffic({ port: rig.dataPort, perSecond: 500 })
  await sleep(1_500)
  const sent = performance.now()
  await rig.api('POST', 'routes/all/rollback', {})
  const commandMs = performance.now() - sent
  let last = -1
  let lastChange = sent
  while (performance.now() - sent < 1_000) {
    const now = await rig.v2.served()
    if (now !== last && last >= 0) lastChange = performance.now()
    last = now
    await sleep(2)
  }
  await traffic.stop()
  return { zeroMs: round(lastChange - sent, 1), commandMs: round(commandMs, 1) }
}

/** The shadow misbehaves in every way; the primary must not notice. */
async function shadow(quick: boolean): Promise<Outcome> {
  const rig = await startRig({ threads: 1, route: '    stage: shadow\n    mirror: { sample: 100, timeout: 2s }' })
  const seconds = quick ? 4 : 15
  const rate = 500
  const baseline = await measure(rig, rate, seconds)
  const figures: Record<string, unknown> = { healthy: baseline }
  let pass = baseline.failures === 0
  for (const fault of ['refuse', 'hang', 'trickle', 'flood', 'reset'] as const) {
    const before = residentBytes(rig.gateway.pid)
    if (fault === 'refuse') await rig.v2.kill()
    else await rig.v2.mode(fault)
    const now = await measure(rig, rate, seconds)
    const grownMiB = round((residentBytes(rig.gateway.pid) - before) / 2 ** 20, 1)
    figures[fault] = { ...now, grownMiB }
    const calm = now.p99Ms <= Math.max(baseline.p99Ms * 1.05, baseline.p99Ms + 2)
    pass &&= now.failures === 0 && calm && grownMiB <= 64
    if (fault === 'refuse') await rig.v2.start()
    await rig.v2.mode('ok')
    await sleep(2_500)
  }
  await rig.stop()
  return { pass, figures }
}

async function measure(rig: Rig, perSecond: number, seconds: number): Promise<{ failures: number; p50Ms: number; p99Ms: number }> {
  const traffic = new Traffic({ port: rig.dataPort, perSecond })
  await sleep(seconds * 1_000)
  const seen = await traffic.stop()
  const settled = seen.getMs.slice(Math.floor(perSecond / 2))
  return { failures: seen.failures.length, p50Ms: round(percentile(settled, 50), 2), p99Ms: round(percentile(settled, 99), 2) }
}

/** 500 swaps of the config, a third of them invalid, under load. */
async function reloads(quick: boolean): Promise<Outcome> {
  const rig = await startRig({ route: '    stage: canary\n    weight: 10' })
  const ports = { data: rig.dataPort, admin: rig.adminPort, v1: rig.v1.port, v2: rig.v2.port }
  const traffic = new Traffic({ port: rig.dataPort, perSecond: 300 })
  const swaps = quick ? 30 : 500
  const live: number[] = []
  let late = 0
  for (let swap = 1; swap <= swaps; swap++) {
    if (swap % 3 === 0) {
      rig.write(swap % 2 === 0 ? 'routes: [' : 'routes: []\nnonsense: true\n')
      await sleep(100)
      continue
    }
    const marker = (100 + (swap % 90)) / 100
    rig.write(gatewayYaml(ports, rig.folder, { route: `    stage: canary\n    weight: ${marker}` }))
    const wrote = performance.now()
    let seen = false
    while (!seen && performance.now() - wrote < 5_000) {
      const status = (await rig.api('GET', 'routes/all')) as { weight: { configured: number } }
      seen = status.weight.configured === marker
      if (!seen) await sleep(20)
    }
    live.push(performance.now() - wrote)
    if (performance.now() - wrote > 2_500) late++
  }
  const seen = await traffic.stop()
  await rig.stop()
  return {
    pass: seen.failures.length === 0 && late === 0,
    figures: {
      swaps,
      valid: live.length,
      requests: seen.finished,
      failed: seen.failures.length,
      liveMsP50: Math.round(percentile(live, 50)),
      liveMsMax: Math.round(Math.max(...live)),
      late,
    },
  }
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  chaos: { about: 'v2 killed, frozen, resetting in turn at 1,000 requests/s and weight 50: no failed GET, no POST twice', run: chaos },
  rollback: { about: 'v2 fails at 10 %: time to zero; a command: time to zero', run: rollback },
  shadow: { about: 'the shadow refuses, hangs, trickles, floods, resets: the primary does not notice', run: shadow },
  reloads: { about: '500 config swaps under load, a third invalid', run: reloads },
}
