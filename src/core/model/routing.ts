/**
 * The routing word: all a data thread must know about a route's migration, in one Int32.
 *
 * Control writes it with one atomic store; every thread reads it at decide, again on leaving a wait
 * queue and before a retry. That is what makes a rollback one store instead of a message per thread.
 *
 *   bits 0–13   effective weight in basis points (0–10,000), already bounded by every ceiling
 *   bits 14–15  stage (index into STAGES)
 *   bit 16      latched: a trip or rollback holds the route at v1 until rearmed
 *   bit 17      killed: the global latch is set (set in every route's word and in slot 0)
 *   bit 18      ceiling 0: zero for everybody, without a latch
 *   bit 19      live: the slot belongs to a route; 0 = removed, v1 only
 *   bit 20      mirrors off (shed by the judge, or the pause after a trip)
 */
import type { Backend, Stage } from './config.ts'

export const STAGES: readonly Stage[] = ['off', 'shadow', 'canary', 'complete']
export const STAGE_OFF = 0
export const STAGE_CANARY = 2

export const BUCKETS = 10_000
export const MAX_ROUTES = 1_024
export const SLOTS_PER_BANK = 64
/** Endpoint ids: indexes of the shared connection counters. */
export const MAX_ENDPOINTS = 256
/** Control's notes to its successor: four cells of head, then a 64-bit name hash per slot and per endpoint id. */
export const CONTROL_NOTES_CELLS = 4 + 2 * (MAX_ROUTES + MAX_ENDPOINTS)
/** Slot 0 is the gateway's own: its word carries `killed`, its cells what belongs to no route. */
export const GATEWAY_SLOT = 0

export const WEIGHT_MASK = 0x3fff
const STAGE_SHIFT = 14
export const LATCHED = 1 << 16
export const KILLED = 1 << 17
export const CEILING_ZERO = 1 << 18
export const LIVE = 1 << 19
export const MIRRORS_OFF = 1 << 20

export interface WordParts {
  readonly weightBps: number
  readonly stage: Stage
  readonly latched: boolean
  readonly killed: boolean
  readonly ceilingZero: boolean
  readonly live: boolean
  readonly mirrorsOff: boolean
}

export function packWord(parts: WordParts): number {
  const stage = STAGES.indexOf(parts.stage)
  return (
    (parts.weightBps & WEIGHT_MASK) |
    (stage << STAGE_SHIFT) |
    (parts.latched ? LATCHED : 0) |
    (parts.killed ? KILLED : 0) |
    (parts.ceilingZero ? CEILING_ZERO : 0) |
    (parts.live ? LIVE : 0) |
    (parts.mirrorsOff ? MIRRORS_OFF : 0)
  )
}

export function unpackWord(word: number): WordParts {
  return {
    weightBps: weightOf(word),
    stage: STAGES[stageOf(word)] ?? 'off',
    latched: (word & LATCHED) !== 0,
    killed: (word & KILLED) !== 0,
    ceilingZero: (word & CEILING_ZERO) !== 0,
    live: (word & LIVE) !== 0,
    mirrorsOff: (word & MIRRORS_OFF) !== 0,
  }
}

export function weightOf(word: number): number {
  return word & WEIGHT_MASK
}

/** Index into STAGES. */
export function stageOf(word: number): number {
  return (word >>> STAGE_SHIFT) & 3
}

/** The rule that made a decision; ends up in labels, log lines and `explain`. */
export type Rule = 'kill' | 'ceiling' | 'latch' | 'stage' | 'deny' | 'allow' | 'force' | 'version' | 'complete' | 'no-key' | 'bucket'

export const RULES: readonly Rule[] = [
  'kill',
  'ceiling',
  'latch',
  'stage',
  'deny',
  'allow',
  'force',
  'version',
  'complete',
  'no-key',
  'bucket',
]

/** A decision in one number, for the hot path: rule index × 2 + (v2 ? 1 : 0). */
export type DecisionCode = number

export function backendOf(code: DecisionCode): Backend {
  return (code & 1) === 1 ? 'v2' : 'v1'
}

export function ruleOf(code: DecisionCode): Rule {
  return RULES[code >>> 1] ?? 'kill'
}
