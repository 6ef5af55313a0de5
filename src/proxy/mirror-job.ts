/**
 * One shadow request: its head and body on a connection of the mirrors' own pool, its answer into the pair.
 */
import {
  OUTCOME_BUSY,
  OUTCOME_MALFORMED,
  OUTCOME_REFUSED,
  OUTCOME_RESET,
  OUTCOME_TIMEOUT,
  outcomeOfStatus,
} from '../core/model/observation.ts'
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import type { Pool } from '../wire/pool.ts'
import { FRAME_LENGTH } from '../wire/request.ts'
import { send } from '../wire/scratch.ts'
import type { ConnectFault, Upstream, UpstreamFault, UpstreamUser } from '../wire/upstream.ts'
import { WheelEntry } from '../wire/wheel.ts'
import type { Timed } from '../wire/wheel.ts'
import type { Context } from './context.ts'
import { isSafe } from './method.ts'
import type { Pair } from './pair.ts'

export interface JobOwner {
  /** Its time ran out while it waited for its turn. */
  jobExpired(job: MirrorJob): void
  /** It ran and is over. `failed`: the backend did not answer. */
  jobDone(job: MirrorJob, outcome: number, failed: boolean, latencyMs: number): void
}

export class MirrorJob implements UpstreamUser, Timed {
  deadline = 0
  readonly pair: Pair
  readonly #entry: WheelEntry = new WheelEntry(this)
  readonly #mirrors: JobOwner
  readonly #ctx: Context
  readonly #pool: Pool
  #conn: Upstream | null = null
  #running = false
  #over = false
  #retried = false
  #sentAt = 0
  #latencyMs = -1

  constructor(mirrors: JobOwner, ctx: Context, pair: Pair, pool: Pool, deadline: number) {
    this.#mirrors = mirrors
    this.#ctx = ctx
    this.pair = pair
    this.#pool = pool
    ctx.wheel.arm(this.#entry, deadline)
  }

  run(): void {
    this.#running = true
    const conn = this.#pool.acquire(this, Infinity)
    if (conn !== null) this.onConnected(conn)
  }

  onConnected(conn: Upstream): void {
    if (this.#over) {
      this.#pool.release(conn)
      return
    }
    this.#conn = conn
    conn.begin(this, this.pair.method === 'HEAD')
    this.#sentAt = this.#ctx.clock()
    const { head, requestBody } = this.pair
    if (requestBody.length === 0 && !this.pair.chunked) {
      send(conn.socket, head)
      return
    }
    conn.socket.cork()
    send(conn.socket, head)
    this.#sendBody(conn)
    conn.socket.uncork()
  }

  #sendBody(conn: Upstream): void {
    const { requestBody, chunked } = this.pair
    for (const chunk of requestBody) {
      if (chunked) send(conn.socket, Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'))
      send(conn.socket, chunk)
      if (chunked) send(conn.socket, Buffer.from('\r\n', 'latin1'))
    }
    if (chunked) send(conn.socket, Buffer.from('0\r\n\r\n', 'latin1'))
  }

  onUnavailable(fault: ConnectFault): void {
    this.#end(fault === 'busy' ? OUTCOME_BUSY : fault === 'timeout' ? OUTCOME_TIMEOUT : OUTCOME_REFUSED, fault !== 'busy', false)
  }

  onAnswerHead(conn: Upstream, head: Head, info: AnswerInfo): void {
    if (info.status === 101) {
      conn.abandon()
      this.#end(OUTCOME_MALFORMED, true, false)
      return
    }
    if (info.status < 200) return
    this.#latencyMs = this.#ctx.clock() - this.#sentAt
    this.pair.mirrorHead(head, info, this.#latencyMs)
    if (info.framing === FRAME_LENGTH && this.pair.mirrorTooLarge(info.length)) {
      conn.abandon()
      this.#end(outcomeOfStatus(info.status), false, false)
    }
  }

  onBody(buf: Buffer, from: number, to: number): void {
    if (this.#over || this.pair.mirrorBody(buf, from, to)) return
    // Too large to compare: not read to its end, and no reflection on the backend.
    this.#conn?.abandon()
    this.#end(outcomeOfStatus(this.pair.mirror.status), false, false)
  }

  onAnswerEnd(conn: Upstream): void {
    const { status } = this.pair.mirror
    this.#conn = null
    if (conn.info.reusable) this.#pool.release(conn)
    else conn.abandon()
    this.#end(outcomeOfStatus(status), false, true)
  }

  onFault(conn: Upstream, fault: UpstreamFault): void {
    const stale = fault === 'reset' && conn.served > 0 && !conn.touched
    // A write is never sent twice, not even to the shadow.
    if (stale && !this.#retried && !this.#over && isSafe(this.pair.method)) {
      this.#retried = true
      this.#conn = null
      const fresh = this.#pool.acquire(this, 0)
      if (fresh !== null) this.onConnected(fresh)
      return
    }
    this.#end(fault === 'reset' ? OUTCOME_RESET : OUTCOME_MALFORMED, true, false)
  }

  onDeadline(): void {
    if (this.#over) return
    if (!this.#running) {
      this.#over = true
      this.#mirrors.jobExpired(this)
      return
    }
    this.#pool.cancel(this)
    this.#conn?.abandon()
    this.#end(OUTCOME_TIMEOUT, true, false)
  }

  onCrash(error: unknown): void {
    this.#pool.cancel(this)
    this.#conn?.abandon()
    try {
      this.#end(OUTCOME_MALFORMED, false, false)
    } finally {
      this.#ctx.onError(error)
    }
  }

  onReadEnd(): void {}
  onUpstreamDrain(): void {}

  #end(outcome: number, failed: boolean, complete: boolean): void {
    if (this.#over) return
    this.#over = true
    this.#conn = null
    this.#ctx.wheel.remove(this.#entry)
    try {
      this.pair.mirrorEnd(complete)
    } finally {
      this.#mirrors.jobDone(this, outcome, failed, this.#latencyMs)
    }
  }
}
