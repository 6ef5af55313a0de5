/**
 * Shadow requests: a copy of what a client asked, sent to the other backend, its answer compared.
 *
 * A lost mirror is free, a lost request is not: nothing here is ever awaited by a client, everything is
 * bounded (number, queue, bytes, time), mirrors are the first thing given up when the thread is late or
 * memory is short, and every one not sent is counted with its reason.
 */
import type { Backend } from '../core/model/config.ts'
import { ASSIGNED_OTHERWISE, LANE_MIRROR, LANE_REVERSE, OUTCOME_ABORTED, counterId } from '../core/model/observation.ts'
import type { PairBatch, PairMeta } from '../core/model/pair.ts'
import { BUCKETS, CEILING_ZERO, GATEWAY_SLOT, KILLED, LATCHED, MIRRORS_OFF } from '../core/model/routing.ts'
import type { CompiledRoute } from '../core/split/compile.ts'
import { mirrorSampled, reverseSampled } from '../core/split/sampling.ts'
import type { Pool } from '../wire/pool.ts'
import { Breaker } from './breaker.ts'
import type { Context, ExchangeLink, MirrorGate } from './context.ts'
import type { HeadFacts } from './head-facts.ts'
import { MirrorJob } from './mirror-job.ts'
import type { JobOwner } from './mirror-job.ts'
import { Pair } from './pair.ts'
import type { PairOwner } from './pair.ts'

const SENT = counterId('mirror_sent')
const QUEUE = counterId('mirror_dropped_queue')
const BODY = counterId('mirror_dropped_body')
const LAG = counterId('mirror_dropped_lag')
const BREAKER = counterId('mirror_dropped_breaker')
const BUFFERS = counterId('mirror_dropped_buffers')
const TIMEOUT = counterId('mirror_dropped_timeout')
const FAILED = counterId('mirror_failed')
const UNSAMPLED = counterId('mirror_unsampled')
const MATCH = counterId('compare_match')
const INCOMPARABLE = counterId('compare_incomparable')
const COMPARE_DROPPED = counterId('compare_dropped')

/** A thread this late gives its time to clients alone. */
const LAG_MS = 50
/** Half of `limits.buffers`: mirrors go first, clients' requests only at the whole. */
const BUFFER_SHARE = 0.5
/** While v2 is held at zero mirrors are thinned out, so the draw needs an id. */
const SAMPLED_WHILE = KILLED | LATCHED | CEILING_ZERO
const BATCH_PAIRS = 64
const BATCH_BYTES = 1_048_576

class RouteMirrors {
  running = 0
  readonly queue: MirrorJob[] = []
  readonly breaker = new Breaker()
}

export class Mirrors implements MirrorGate, PairOwner, JobOwner {
  readonly #ctx: () => Context
  readonly #pools: Readonly<Record<Backend, Pool>>
  readonly #send: (batch: PairBatch) => boolean
  readonly #routes = new Map<number, RouteMirrors>()
  /** Those that wait or run. */
  readonly #jobs = new Set<MirrorJob>()
  #batch: EncodedPair[] = []
  #batchBytes = 0

  constructor(ctx: () => Context, pools: Readonly<Record<Backend, Pool>>, send: (batch: PairBatch) => boolean) {
    this.#ctx = ctx
    this.#pools = pools
    this.#send = send
  }

  /** A pair for this request, or null when it is not to be mirrored. */
  consider(exchange: ExchangeLink, route: CompiledRoute, primary: Backend): Pair | null {
    const { mirror } = route.config
    if (exchange.shadow || exchange.websocket || !mirror.methods.includes(exchange.method)) return null
    const ctx = this.#ctx()
    const sampler = primary === 'v2' ? route.reverse : route.mirror
    if (sampler.bps === 0) return null
    // What holds the whole gateway holds every route, whichever word was written first.
    const word = Atomics.load(ctx.words, route.slot) | (Atomics.load(ctx.words, GATEWAY_SLOT) & (MIRRORS_OFF | SAMPLED_WHILE))
    if ((word & MIRRORS_OFF) !== 0) return null
    // Not the client's request id: one that never changes would be mirrored always, or never.
    const id = sampler.bps < BUCKETS || (word & SAMPLED_WHILE) !== 0 ? ctx.randomHex(16) : ''
    if (primary === 'v2') {
      if (!exchange.safe || !reverseSampled(route.reverse, word, id)) return null
    } else if (!mirrorSampled(route.mirror, word, id)) {
      if (route.mirror.bps < BUCKETS && route.mirror.bps > 0) ctx.recorder.count(route.slot, UNSAMPLED)
      return null
    }
    return this.#admit(ctx, exchange, route, primary)
  }

  #admit(ctx: Context, exchange: ExchangeLink, route: CompiledRoute, primary: Backend): Pair | null {
    const { buffersBytes } = exchange.runtime.config.limits
    const reason = ctx.wheel.lagMs > LAG_MS ? LAG : buffersBytes > 0 && ctx.heldBytes > buffersBytes * BUFFER_SHARE ? BUFFERS : -1
    if (reason >= 0) {
      ctx.recorder.count(route.slot, reason)
      return null
    }
    const { method, requestId } = exchange
    const { target } = ctx.facts
    const { revision } = exchange.runtime.snapshot
    return new Pair(this, route, { method, target, requestId, revision, primaryBackend: primary, conditional: isConditional(ctx.facts) })
  }

  #of(slot: number): RouteMirrors {
    let mirrors = this.#routes.get(slot)
    if (mirrors === undefined) {
      mirrors = new RouteMirrors()
      this.#routes.set(slot, mirrors)
    }
    return mirrors
  }

  /** The request is complete: its copy starts, waits, or is let go. */
  launch(pair: Pair): void {
    const ctx = this.#ctx()
    const { slot, config } = pair.route
    const mirrors = this.#of(slot)
    const reason = pair.dropped
      ? BODY
      : !mirrors.breaker.allows(ctx.wheel.now)
        ? BREAKER
        : mirrors.running >= config.mirror.concurrency && mirrors.queue.length >= config.mirror.queue
          ? QUEUE
          : -1
    if (reason >= 0) {
      ctx.recorder.count(slot, reason)
      this.#drop(pair)
      return
    }
    const backend = pair.primaryBackend === 'v1' ? 'v2' : 'v1'
    const job = new MirrorJob(this, ctx, pair, this.#pools[backend], ctx.wheel.now + config.mirror.timeoutMs)
    this.#jobs.add(job)
    if (mirrors.running < config.mirror.concurrency) this.#run(mirrors, job)
    else mirrors.queue.push(job)
  }

  #run(mirrors: RouteMirrors, job: MirrorJob): void {
    const { recorder } = this.#ctx()
    mirrors.running++
    recorder.count(job.pair.route.slot, SENT)
    recorder.started(job.pair.route.slot, this.#lane(job.pair))
    try {
      job.run()
    } catch (error) {
      job.onCrash(error)
    }
  }

  #lane(pair: Pair): number {
    return pair.primaryBackend === 'v1' ? LANE_MIRROR : LANE_REVERSE
  }

  #drop(pair: Pair): void {
    pair.incomparable = true
    pair.mirrorEnd(false)
  }

  /** A job's time ran out while it waited. */
  jobExpired(job: MirrorJob): void {
    this.#jobs.delete(job)
    const { slot } = job.pair.route
    const { queue } = this.#of(slot)
    const at = queue.indexOf(job)
    if (at >= 0) queue.splice(at, 1)
    this.#ctx().recorder.count(slot, TIMEOUT)
    this.#drop(job.pair)
  }

  /** A job that ran is over. `outcome`: index into OUTCOMES. `failed`: v2 (or v1, reverse) is not answering. */
  jobDone(job: MirrorJob, outcome: number, failed: boolean, latencyMs: number): void {
    const ctx = this.#ctx()
    const { slot } = job.pair.route
    const mirrors = this.#of(slot)
    this.#jobs.delete(job)
    mirrors.running--
    ctx.recorder.finished(slot, this.#lane(job.pair), ASSIGNED_OTHERWISE, outcome, latencyMs, latencyMs)
    if (failed) ctx.recorder.count(slot, FAILED)
    if (outcome !== OUTCOME_ABORTED) mirrors.breaker.note(!failed, ctx.wheel.now)
    const next = mirrors.queue.shift()
    if (next !== undefined) this.#run(mirrors, next)
  }

  /** Both sides have ended: equal ones are counted here, others travel. */
  finished(pair: Pair): void {
    const { recorder } = this.#ctx()
    const { slot } = pair.route
    // A request never sent, or an answer nobody had, is no comparison.
    if (pair.primary.status === 0 || pair.mirror.status === 0) return
    if (pair.incomparable) recorder.count(slot, INCOMPARABLE)
    else if (pair.equal) recorder.count(slot, MATCH)
    else if (pair.conditional) recorder.count(slot, INCOMPARABLE)
    else this.#enqueue(pair)
  }

  #enqueue(pair: Pair): void {
    this.#batch.push(encode(pair))
    this.#batchBytes += pair.primary.length + pair.mirror.length
    if (this.#batch.length >= BATCH_PAIRS || this.#batchBytes >= BATCH_BYTES) this.flush()
  }

  /** Sends the batch on: one copy into a buffer of exactly its size. Called by the tick and when it is full. */
  flush(): void {
    const encoded = this.#batch
    if (encoded.length === 0) return
    this.#batch = []
    this.#batchBytes = 0
    const bytes = new Uint8Array(encoded.reduce((sum, pair) => sum + pair.v1.length + pair.v2.length, 0))
    const pairs: PairMeta[] = []
    let at = 0
    for (const { meta, v1, v2 } of encoded) {
      bytes.set(v1, at)
      bytes.set(v2, at + v1.length)
      pairs.push({ ...meta, v1: { ...meta.v1, offset: at }, v2: { ...meta.v2, offset: at + v1.length } })
      at += v1.length + v2.length
    }
    if (this.#send({ bytes: bytes.buffer, pairs })) return
    const { recorder } = this.#ctx()
    for (const pair of pairs) recorder.count(pair.slot, COMPARE_DROPPED)
  }

  held(bytes: number): void {
    this.#ctx().heldBytes += bytes
  }

  oldestRevision(newest: number): number {
    let oldest = newest
    for (const { pair } of this.#jobs) oldest = Math.min(oldest, pair.revision)
    return oldest
  }
}

const CONDITIONS = ['if-none-match', 'if-modified-since', 'range', 'if-range', 'if-match', 'if-unmodified-since']

function isConditional(facts: HeadFacts): boolean {
  return CONDITIONS.some((name) => facts.header(name) !== null)
}

interface EncodedPair {
  readonly meta: PairMeta
  readonly v1: Buffer
  readonly v2: Buffer
}

function encode(pair: Pair): EncodedPair {
  const meta = toMeta(pair)
  const primary = pair.body(pair.primary)
  const mirror = pair.body(pair.mirror)
  return pair.primaryBackend === 'v1' ? { meta, v1: primary, v2: mirror } : { meta, v1: mirror, v2: primary }
}

function toMeta(pair: Pair): PairMeta {
  const primary = pair.meta(pair.primary)
  const mirror = pair.meta(pair.mirror)
  const [v1, v2] = pair.primaryBackend === 'v1' ? [primary, mirror] : [mirror, primary]
  return {
    slot: pair.route.slot,
    route: pair.route.config.name,
    method: pair.method,
    target: pair.target,
    requestId: pair.requestId,
    at: Date.now(),
    v1,
    v2,
  }
}
