/**
 * Clients at a fixed rate that count everything: each request is started on time whatever became of the others,
 * so a slow answer hides nothing.
 */
import { Pool } from 'undici'

export interface Seen {
  started: number
  finished: number
  /** No answer, a cut answer, or a status of 500 and above. */
  readonly failures: { at: number; method: string; what: string }[]
  readonly byBackend: Record<string, number>
  readonly getMs: number[]
  posts: number
  postFailures: number
}

export interface TrafficOptions {
  readonly port: number
  readonly perSecond: number
  /** Share of POSTs, percent. */
  readonly posts?: number
  readonly users?: number
  readonly connections?: number
}

const TICK_MS = 10

export class Traffic {
  readonly seen: Seen = { started: 0, finished: 0, failures: [], byBackend: {}, getMs: [], posts: 0, postFailures: 0 }
  readonly #pool: Pool
  readonly #options: TrafficOptions
  readonly #timer: NodeJS.Timeout
  readonly #begun = performance.now()
  #running = 0
  #order = 0

  constructor(options: TrafficOptions) {
    this.#options = options
    this.#pool = new Pool(`http://127.0.0.1:${options.port}`, {
      connections: options.connections ?? 200,
      pipelining: 1,
      allowH2: false,
      headersTimeout: 30_000,
    })
    this.#timer = setInterval(() => this.#due(), TICK_MS)
  }

  #due(): void {
    const due = ((performance.now() - this.#begun) / 1_000) * this.#options.perSecond
    while (this.seen.started < due) {
      const isPost = (this.seen.started * 37) % 100 < (this.#options.posts ?? 0)
      this.seen.started++
      void (isPost ? this.#post() : this.#get())
    }
  }

  async #get(): Promise<void> {
    const began = performance.now()
    const user = `user-${(this.seen.started * 7919) % (this.#options.users ?? 1_000)}`
    await this.#one({ path: `/api/orders/${this.seen.started}`, method: 'GET', headers: { 'x-user-id': user } })
    this.seen.getMs.push(performance.now() - began)
  }

  async #post(): Promise<void> {
    this.seen.posts++
    const order = `order-${++this.#order}`
    const user = `user-${(this.seen.started * 7919) % (this.#options.users ?? 1_000)}`
    await this.#one({ path: '/api/orders', method: 'POST', headers: { 'x-user-id': user, 'x-order': order }, body: '{"a":1}' })
  }

  async #one(request: { path: string; method: 'GET' | 'POST'; headers: Record<string, string>; body?: string }): Promise<void> {
    this.#running++
    let what = ''
    try {
      const answer = await this.#pool.request(request)
      await answer.body.dump({ limit: 100_000_000 })
      const backend = String(answer.headers['x-banyan-backend'] ?? 'none')
      this.seen.byBackend[backend] = (this.seen.byBackend[backend] ?? 0) + 1
      if (answer.statusCode >= 500) what = `status ${answer.statusCode}`
    } catch (error) {
      what = error instanceof Error ? error.message : String(error)
    }
    this.#running--
    this.seen.finished++
    if (what === '') return
    if (request.method === 'POST') this.seen.postFailures++
    else this.seen.failures.push({ at: Math.round(performance.now() - this.#begun), method: request.method, what })
  }

  /** Stops starting, waits for what runs. */
  async stop(): Promise<Seen> {
    clearInterval(this.#timer)
    const end = performance.now() + 35_000
    while (this.#running > 0 && performance.now() < end) await sleep(20)
    await this.#pool.destroy()
    return this.seen
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN
}
