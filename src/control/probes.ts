/**
 * Asks every endpoint of both backends at an interval whether it is well.
 *
 * What a probe says is shown, and tells whether a trip has somewhere to go; it neither routes nor trips:
 * a health page that answers says little about the requests that fail, so requests are judged themselves.
 */
import { Agent, request } from 'undici'
import type { Backend, BackendConfig, EndpointConfig } from '../core/model/config.ts'

export interface ProbeStatus {
  /** Some endpoint answered its last probe with 2xx or 3xx; true as well when no probe is configured. */
  readonly up: boolean
  /** Why not, or what is unusual although it is up. */
  readonly why: string | null
  /** Rounds in a row in which no endpoint answered well. */
  readonly failuresInARow: number
  readonly lastGoodAt: number | null
}

export interface Probes {
  use(backends: Readonly<Record<Backend, BackendConfig>>): void
  status(backend: Backend): ProbeStatus
  close(): Promise<void>
}

/** A probe slower than this has failed, however long the interval. */
const TIMEOUT_MS = 2_000
const NOT_YET: ProbeStatus = { up: false, why: 'not probed yet', failuresInARow: 0, lastGoodAt: null }
const UNPROBED: ProbeStatus = { up: true, why: 'no probe is configured', failuresInARow: 0, lastGoodAt: null }

interface Round {
  readonly key: string
  status: ProbeStatus
  stop(): Promise<void>
}

export function createProbes(now: () => number): Probes {
  const rounds = new Map<Backend, Round>()
  const stopping = new Set<Promise<void>>()

  function replace(backend: Backend, config: BackendConfig): void {
    const key = JSON.stringify([config.endpoints, config.probe])
    const old = rounds.get(backend)
    if (old?.key === key) return
    if (old !== undefined) {
      const done = old.stop().finally(() => stopping.delete(done))
      stopping.add(done)
    }
    rounds.set(backend, startRound(key, config, now))
  }

  return {
    use: (backends) => {
      replace('v1', backends.v1)
      replace('v2', backends.v2)
    },
    status: (backend) => rounds.get(backend)?.status ?? NOT_YET,
    close: async () => {
      const all = [...rounds.values()].map((round) => round.stop())
      rounds.clear()
      await Promise.all([...all, ...stopping])
    },
  }
}

function startRound(key: string, config: BackendConfig, now: () => number): Round {
  const probe = config.probe
  if (probe === null) return { key, status: UNPROBED, stop: () => Promise.resolve() }
  const timeoutMs = Math.min(TIMEOUT_MS, probe.intervalMs)
  const targets = config.endpoints.map((endpoint) => ({ endpoint, agent: agentFor(endpoint, timeoutMs) }))
  const stopped = new AbortController()
  const round: Round = {
    key,
    status: NOT_YET,
    stop: async () => {
      stopped.abort()
      clearInterval(timer)
      await Promise.all(targets.map(({ agent }) => agent.destroy()))
    },
  }
  let running = false
  const tick = async (): Promise<void> => {
    if (running) return
    running = true
    const answers = await Promise.all(targets.map(({ endpoint, agent }) => ask(endpoint, agent, probe.path, timeoutMs, stopped.signal)))
    running = false
    if (!stopped.signal.aborted) round.status = summarise(round.status, answers, now())
  }
  const timer = setInterval(() => void tick(), probe.intervalMs)
  void tick()
  return round
}

function agentFor(endpoint: EndpointConfig, timeoutMs: number): Agent {
  const connect = { timeout: timeoutMs, ...(endpoint.socketPath === null ? {} : { socketPath: endpoint.socketPath }) }
  return new Agent({ allowH2: false, connections: 1, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connect })
}

/** Null when the endpoint is well, else why it is not. */
async function ask(endpoint: EndpointConfig, agent: Agent, path: string, timeoutMs: number, stopped: AbortSignal): Promise<string | null> {
  const origin = endpoint.socketPath === null ? new URL(endpoint.url).origin : 'http://localhost'
  const url = origin + path
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stopped])
    const answer = await request(url, { dispatcher: agent, signal, headers: { 'user-agent': 'banyan-probe' } })
    await answer.body.dump()
    return answer.statusCode < 400 ? null : `${url} answered ${answer.statusCode}`
  } catch (error) {
    return `${url}: ${why(error, timeoutMs)}`
  }
}

function why(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  // Node's error for several tried addresses has no message of its own.
  if (error instanceof AggregateError) return error.errors.map((each) => why(each, timeoutMs)).join(', ')
  return error.message
}

function summarise(before: ProbeStatus, answers: readonly (string | null)[], at: number): ProbeStatus {
  const bad = answers.filter((answer) => answer !== null)
  if (bad.length === answers.length) {
    return { up: false, why: bad.join('; '), failuresInARow: before.failuresInARow + 1, lastGoodAt: before.lastGoodAt }
  }
  const partly = bad.length === 0 ? null : `${bad.length} of ${answers.length} endpoints are down: ${bad.join('; ')}`
  return { up: true, why: partly, failuresInARow: 0, lastGoodAt: at }
}
