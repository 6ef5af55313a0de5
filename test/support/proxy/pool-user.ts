/** A pool on a clock the test turns, and a user of it that sends one request and notes what it is told. */
import { connections } from './counter.ts'
import type { PoolLimits } from '../../../src/wire/endpoint-pool.ts'
import { Pool } from '../../../src/wire/pool.ts'
import type { Upstream, UpstreamUser } from '../../../src/wire/upstream.ts'
import { Wheel } from '../../../src/wire/wheel.ts'
import { resolved } from '../wire/config.ts'
import { turnOfLoop, until } from '../wire/until.ts'

const LIMITS: PoolLimits = {
  connections: 256,
  queue: 1_024,
  idleMs: 4_000,
  maxAgeMs: 300_000,
  connectMs: 1_000,
  head: { requestLineBytes: 8_192, headBytes: 32_768, lines: 200 },
  strict: false,
}

export interface PoolStage {
  readonly pool: Pool
  readonly wheel: Wheel
  /** Open connections as the process counts them. */
  readonly open: () => number
  /** Moves the clock, in steps of a tick. */
  readonly pass: (ms: number) => void
}

/** `random`: what the pool draws, in turn; the last value for ever. */
export function poolStage(ports: readonly number[], limits: Partial<PoolLimits> = {}, ...random: readonly number[]): PoolStage {
  let now = 10_000
  let drawn = 0
  const wheel = new Wheel(() => now)
  const counter = connections()
  const draw = random.length === 0 ? Math.random : (): number => random[Math.min(drawn++, random.length - 1)] ?? 0
  const pool = new Pool(wheel, { ...LIMITS, ...limits }, counter.of, draw)
  pool.setEndpoints(resolved(ports, 0))
  return {
    pool,
    wheel,
    open: counter.open,
    pass: (ms) => {
      for (const end = now + ms; now < end;) {
        now = Math.min(end, now + 100)
        wheel.turn()
      }
    },
  }
}

/** Sends one GET on whatever connection it gets. `told` lists what happened, in order. */
export class OneRequest implements UpstreamUser {
  readonly told: string[] = []
  conn: Upstream | null = null
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Takes any idle connection; with `once`, as a request that may not be repeated does. */
  start(once = false): this {
    if (once) {
      this.#pool.acquireOnce(this)
      return this
    }
    const conn = this.#pool.acquire(this, Infinity)
    if (conn !== null) this.onConnected(conn)
    return this
  }

  onConnected(conn: Upstream): void {
    this.told.push('connected')
    this.conn = conn
    conn.begin(this, false)
    conn.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  }

  onUnavailable(fault: string): void {
    this.told.push(fault)
  }

  onAnswerHead(): void {
    this.told.push('head')
  }

  onAnswerEnd(conn: Upstream): void {
    this.told.push('end')
    this.conn = null
    if (conn.info.reusable) this.#pool.release(conn)
    else conn.abandon()
  }

  onFault(_conn: Upstream, fault: string): void {
    this.told.push(fault)
    this.conn = null
  }

  onBody(): void {}
  onReadEnd(): void {}
  onUpstreamDrain(): void {}
  onCrash(error: unknown): void {
    this.told.push(`crash ${String(error)}`)
  }

  get last(): string {
    return this.told[this.told.length - 1] ?? ''
  }

  async until(what: string): Promise<this> {
    await until(
      () => `${what}; told ${this.told.join(', ')}`,
      () => this.told.includes(what),
    )
    // Whoever waited for it is served within the same turn.
    await turnOfLoop()
    return this
  }
}
