/**
 * Which requests are mirrored, mirrored back, or asked of v1 twice.
 *
 * Samples are drawn by hash under salts of their own. Under the split's salt the sampled requests would be just
 * the users nearest to the canary, and the comparison would say nothing about the rest.
 */
import { BUCKETS, CEILING_ZERO, KILLED, LATCHED, LIVE, MIRRORS_OFF, STAGE_CANARY, STAGE_OFF, stageOf } from '../model/routing.ts'
import { percentToBps } from '../units.ts'
import type { Buckets } from './buckets.ts'
import { createBuckets } from './buckets.ts'

export type SampleKind = 'mirror' | 'reverse' | 'control'

export interface Sampler {
  readonly bps: number
  readonly buckets: Buckets
}

/** While v2 is at zero for cause its mirrors are for seeing a fix, not for load: at most 5 %. */
const HELD_BPS = 500
const HELD = LATCHED | KILLED | CEILING_ZERO

export function createSampler(kind: SampleKind, percent: number): Sampler {
  // A control character first: no sticky group can have the same salt.
  return { bps: percentToBps(percent), buckets: createBuckets(`\u0001${kind}`) }
}

/**
 * Whether a request answered by v1 is to be sent to v2 as well. The caller has checked method and body.
 *
 * `id` must differ from request to request (a request id; not the sticky key, which would always pick the same users).
 */
export function mirrorSampled(sampler: Sampler, word: number, id: string): boolean {
  return stageOf(word) !== STAGE_OFF && sampledUnder(sampler, word, id)
}

/** Whether a request answered by v2 is to be sent to v1 as well: only where v2 answers at all. */
export function reverseSampled(sampler: Sampler, word: number, id: string): boolean {
  return stageOf(word) >= STAGE_CANARY && sampledUnder(sampler, word, id)
}

/** Whether v1 is to be asked twice for this mirrored request (A/A), for the noise v1 makes by itself. */
export function controlSampled(sampler: Sampler, id: string): boolean {
  return sampled(sampler, sampler.bps, id)
}

function sampledUnder(sampler: Sampler, word: number, id: string): boolean {
  if ((word & LIVE) === 0 || (word & MIRRORS_OFF) !== 0) return false
  return sampled(sampler, (word & HELD) === 0 ? sampler.bps : Math.min(sampler.bps, HELD_BPS), id)
}

function sampled(sampler: Sampler, bps: number, id: string): boolean {
  if (bps >= BUCKETS) return true
  return bps > 0 && sampler.buckets.bucketOfBytes(id) < bps
}
