/**
 * The users: a steady stream of reads over many connections, each answer checked as a client would.
 *
 * Requests leave by the clock, not when the last answer came, so a slow gateway meets as many of them as a fast one.
 * Whatever a client could complain about is an error: no answer, a status other than 200, a body that is no JSON
 * or somebody else's.
 */
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { CUSTOMER_IDS, ORDER_IDS } from './toy-api.ts'

export interface TrafficOptions {
  readonly url: string
  readonly perSecond: number
  readonly debugSecret: string
}

/** One request as its user saw it. Times are milliseconds since the epoch. */
export interface Seen {
  readonly user: string
  readonly route: Route
  readonly sentAt: number
  readonly endedAt: number
  readonly tookMs: number
  /** Who answered; null when nobody did. */
  readonly backend: string | null
  /** Who was to answer, and the rule that said so. They differ from `backend` when v1 answered in v2's place. */
  readonly decided: string
  readonly rule: string
  readonly error: string | null
}

export type Route = 'orders' | 'customers'

export interface Traffic {
  /** Tells of every request from now on; the function it returns ends that. */
  watch(listener: (seen: Seen) => void): () => void
  readonly sent: number
  /** Ends it and resolves when the last answer has come. */
  stop(): Promise<void>
}

/** As many as a busy kitchen has: enough for a split of 10 % to be one. */
export const USERS = [
  'ada',
  'ben',
  'cleo',
  'dan',
  'eve',
  'finn',
  'gita',
  'hugo',
  'ines',
  'jon',
  'kira',
  'liam',
  'mona',
  'nils',
  'olga',
  'paul',
].flatMap((name) => Array.from({ length: 40 }, (_, index) => `${name}-${index + 1}`))
/** Connections spread over the gateway's threads by the kernel; with this many every thread has some. */
const CONNECTIONS = 24
const TICK_MS = 5
/** Users come one by one; a machine that has just started everything is no measure of it. */
const RAMP_UP_MS = 1_500
const TIMEOUT_MS = 10_000
/** Behind after a stall (a laptop's lid), a burst of everything missed would be no steady traffic. */
const MAX_BURST = 50

export function startTraffic(options: TrafficOptions): Traffic {
  return new SteadyTraffic(options)
}

class SteadyTraffic implements Traffic {
  sent = 0
  readonly #options: TrafficOptions
  readonly #target: URL
  readonly #agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true }))
  readonly #listeners = new Set<(seen: Seen) => void>()
  readonly #random = createRandom(7)
  readonly #timer: NodeJS.Timeout
  #due = 0
  readonly #startedAt = performance.now()
  #lastTick = this.#startedAt
  #running = 0
  #ended: (() => void) | null = null

  constructor(options: TrafficOptions) {
    this.#options = options
    this.#target = new URL(options.url)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  watch(listener: (seen: Seen) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#ended = resolve))
    for (const agent of this.#agents) agent.destroy()
  }

  #tick(): void {
    const now = performance.now()
    const rate = this.#options.perSecond * Math.min(1, (now - this.#startedAt) / RAMP_UP_MS)
    this.#due = Math.min(this.#due + ((now - this.#lastTick) / 1_000) * rate, MAX_BURST)
    this.#lastTick = now
    for (; this.#due >= 1; this.#due--) this.#send()
  }

  #send(): void {
    const { path, route, expected } = this.#question()
    const user = this.#pick(USERS)
    const agent = this.#agents[this.sent % CONNECTIONS] ?? null
    this.sent++
    this.#running++
    const ask: Ask = { user, route, expected, sentAt: Date.now(), started: performance.now() }
    const { hostname, port } = this.#target
    const headers = { 'x-user-id': user, 'x-banyan-debug': this.#options.debugSecret }
    const outgoing = request({ hostname, port, path, headers, timeout: TIMEOUT_MS, ...(agent !== null && { agent }) })
    // Exactly one of these ends it; whatever comes after that is not news.
    let over = false
    const end = (answer: IncomingMessage | null, body: string, error: string | null): void => {
      if (over) return
      over = true
      this.#end(ask, answer, error ?? complaint(answer, body, expected))
    }
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)))
    outgoing.on('error', (error) => end(null, '', error.message))
    outgoing.on('response', (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text: string) => (body += text))
      answer.on('end', () => end(answer, body, null))
      answer.on('error', (error) => end(answer, body, `the answer was cut: ${error.message}`))
    })
    outgoing.end()
  }

  #question(): { readonly path: string; readonly route: Route; readonly expected: string } {
    const draw = this.#random()
    if (draw < 0.65) {
      const id = this.#pick(ORDER_IDS)
      return { path: `/api/orders/${id}`, route: 'orders', expected: `"id":${id}` }
    }
    const customer = this.#pick(CUSTOMER_IDS)
    if (draw < 0.75) return { path: `/api/orders?customer=${customer}`, route: 'orders', expected: '"orders":[' }
    return { path: `/api/customers/${customer}`, route: 'customers', expected: `"id":${customer}` }
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.#random() * list.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  #end({ user, route, sentAt, started }: Ask, answer: IncomingMessage | null, error: string | null): void {
    this.#running--
    const backend = headerOf(answer, 'x-banyan-backend')
    const [decided = '', rule = ''] = (headerOf(answer, 'x-banyan-decision') ?? '').split('; ')
    const tookMs = performance.now() - started
    const seen: Seen = { user, route, sentAt, endedAt: Date.now(), tookMs, backend, decided, rule: rule.replace('rule=', ''), error }
    for (const listener of this.#listeners) listener(seen)
    if (this.#running === 0) this.#ended?.()
  }
}

interface Ask {
  readonly user: string
  readonly route: Route
  readonly expected: string
  readonly sentAt: number
  readonly started: number
}

function complaint(answer: IncomingMessage | null, body: string, expected: string): string | null {
  if (answer?.statusCode !== 200) return `status ${answer?.statusCode ?? 'none'}`
  try {
    JSON.parse(body)
  } catch {
    return 'the body is no JSON'
  }
  return body.includes(expected) ? null : `the answer is to another question: no ${expected} in it`
}

function headerOf(answer: IncomingMessage | null, name: string): string | null {
  const value = answer?.headers[name]
  return typeof value === 'string' ? value : null
}

/** mulberry32: the same users ask the same questions in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
