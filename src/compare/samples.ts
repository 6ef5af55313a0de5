/**
 * A few redacted pairs per finding: the first one for good, so that an id once shown can still be looked at;
 * of the others every pair that showed it has the same chance.
 *
 * A reservoir (Vitter's algorithm R) per finding, and a byte cap over all of them, past which the oldest
 * go: a finding then has fewer examples, never wrong ones. Only redacted samples may be given to `keep`.
 */
import { randomBytes } from 'node:crypto'
import type { Sample } from '../core/model/finding.ts'

export interface SampleLimits {
  readonly perFinding: number
  readonly maxBytes: number
}

export const SAMPLE_LIMITS: SampleLimits = { perFinding: 3, maxBytes: 16 * 1024 * 1024 }

interface Kept {
  readonly sample: Sample
  readonly bytes: number
}

export class Samples {
  readonly #limits: SampleLimits
  readonly #random: () => number
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>()
  readonly #byFinding = new Map<string, readonly string[]>()
  #bytes = 0

  /** `random`: uniform in [0, 1). */
  constructor(limits: SampleLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether the pair that showed this finding for the `nth` time (from 1) is to be kept. */
  wants(nth: number): boolean {
    const places = this.#limits.perFinding - 1
    return nth <= places + 1 || this.#random() * (nth - 1) < places
  }

  /** Keeps the sample under a new id, which it returns; another of the finding's may have to go. */
  keep(sample: Omit<Sample, 'id'>): string {
    const id = randomBytes(8).toString('hex')
    const before = this.idsOf(sample.finding)
    if (before.length >= this.#limits.perFinding) this.#drop(before[1 + Math.floor(this.#random() * (before.length - 1))] ?? '')
    const whole = { id, ...sample }
    const bytes = sizeOf(whole)
    this.#byFinding.set(sample.finding, [...this.idsOf(sample.finding), id])
    this.#kept.set(id, { sample: whole, bytes })
    this.#bytes += bytes
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#limits.maxBytes) break
      this.#drop(oldest)
    }
    return id
  }

  get(id: string): Sample | null {
    return this.#kept.get(id)?.sample ?? null
  }

  idsOf(finding: string): readonly string[] {
    return this.#byFinding.get(finding) ?? []
  }

  forget(finding: string): void {
    for (const id of this.idsOf(finding)) this.#drop(id)
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    this.#kept.delete(id)
    this.#bytes -= kept.bytes
    const { finding } = kept.sample
    const left = this.idsOf(finding).filter((other) => other !== id)
    if (left.length === 0) this.#byFinding.delete(finding)
    else this.#byFinding.set(finding, left)
  }
}

/** Strings take at most two bytes a char; objects and slots are in the constant. */
function sizeOf(sample: Sample): number {
  const { v1, v2, differences, target } = sample
  let chars = target.length + sample.requestId.length + v1.body.length + v2.body.length
  for (const headers of [v1.headers, v2.headers]) for (const [name, value] of Object.entries(headers)) chars += name.length + value.length
  for (const { path, v1: left, v2: right } of differences) chars += path.length + (left?.length ?? 0) + (right?.length ?? 0)
  return 1_000 + 2 * chars
}
