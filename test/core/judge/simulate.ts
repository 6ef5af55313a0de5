/** Deterministic traffic for the judge: a small generator and a clock of 100 ms ticks. */
import type { Judgement, RouteJudge } from '../../../src/core/judge/route.ts'

/** Mulberry32: 32 bits of state, good enough to draw errors, the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Poisson by inversion: means here are a few per tick. */
export function poisson(mean: number, random: () => number): number {
  let count = 0
  let chance = Math.exp(-mean)
  for (let left = random() - chance; left > 0 && count < 1_000; left -= chance) {
    count++
    chance *= mean / count
  }
  return count
}

/** By the gaps between hits: one draw for a tick without any, which is nearly every tick of a sound backend. */
export function binomial(total: number, share: number, random: () => number): number {
  if (share >= 1) return total
  const scale = Math.log1p(-share)
  let count = 0
  for (let at = gap(scale, random); at < total; at += 1 + gap(scale, random)) count++
  return count
}

function gap(scale: number, random: () => number): number {
  return Math.floor(Math.log(1 - random()) / scale)
}

export interface Traffic {
  readonly seconds: number
  readonly v2Rps: number
  /** v2's share of bad answers by the second since the start. */
  readonly v2Bad: (second: number) => number
  readonly v1Rps?: number
  readonly seed: number
  readonly tickMs?: number
  readonly mayTrip?: boolean
}

export interface Run {
  /** Seconds from the start to the trip, or null. */
  readonly trippedAt: number | null
  readonly badAtTrip: number
  readonly last: Judgement
  readonly kinds: ReadonlySet<string>
}

export function run(judge: RouteJudge, traffic: Traffic): Run {
  const { seconds, v2Rps, v2Bad, seed, v1Rps = 0, tickMs = 100, mayTrip = true } = traffic
  const random = randomFrom(seed)
  const kinds = new Set<string>()
  let bad = 0
  let last = judge.tick(0, { v1: { bad: 0, total: 0 }, v2: { bad: 0, total: 0 }, mayTrip })
  for (let ms = tickMs; ms <= seconds * 1_000; ms += tickMs) {
    const total = poisson((v2Rps * tickMs) / 1_000, random)
    const v2 = { total, bad: binomial(total, v2Bad((ms - tickMs) / 1_000), random) }
    const v1Total = v1Rps === 0 ? 0 : poisson((v1Rps * tickMs) / 1_000, random)
    bad += v2.bad
    last = judge.tick(ms, { v1: { bad: 0, total: v1Total }, v2, mayTrip })
    kinds.add(last.kind)
    if (last.trip) return { trippedAt: ms / 1_000, badAtTrip: bad, last, kinds }
  }
  return { trippedAt: null, badAtTrip: bad, last, kinds }
}
