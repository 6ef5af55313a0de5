/**
 * Which backend a request gets, and by which rule.
 *
 * The order is the safety argument: what zeroes v2 comes before whatever could send a request there, so a
 * rollback needs to win against nothing. Kill switch, ceiling 0 and a latch are zero for everybody; weight 0 in the
 * canary stage is zero for all but allowed and forced requests. Each decision carries the rule that made it.
 *
 * Runs once per request, so it writes into a record the caller owns and reuses, and allocates nothing.
 */
import type { DecisionCode, Rule } from '../model/routing.ts'
import {
  BUCKETS,
  CEILING_ZERO,
  KILLED,
  LATCHED,
  LIVE,
  RULES,
  STAGE_CANARY,
  backendOf,
  ruleOf,
  stageOf,
  weightOf,
} from '../model/routing.ts'
import type { CompiledRoute, ListRule } from './compile.ts'
import { mayMint } from './cookie.ts'
import { trimValue } from './byte-string.ts'
import type { RequestFacts } from './facts.ts'
import { forcedBackend } from './force.ts'
import type { KeySlot } from './sticky.ts'
import { findStickyKey } from './sticky.ts'
import { requestedVersion } from './version.ts'

export interface Decision extends KeySlot {
  code: DecisionCode
  /** Bucket of the sticky key; -1 when no bucket was looked at. */
  bucket: number
  /** The effective weight decided under, basis points: buckets below it are v2's. */
  belowBps: number
  /** The sticky key's bytes; null when none was looked for, or there is none. */
  key: string | null
  /** What the key came from, `header x-user-id`; empty without a key. */
  keyFrom: string
  /** Assigned by hash alone: only such exchanges compare v1 and v2 fairly. */
  byBucket: boolean
  /** The id to set as sticky cookie with the answer; null = none. It has decided this request already. */
  mintCookie: string | null
}

/** A record to be reused, one per exchange. */
export function createDecision(): Decision {
  return { code: 0, bucket: -1, belowBps: 0, key: null, keyFrom: '', byBucket: false, mintCookie: null }
}

const ZERO = KILLED | CEILING_ZERO | LATCHED
const GATEWAY_ZERO = KILLED | CEILING_ZERO

const KILL_V1 = codeOf('kill', false)
const CEILING_V1 = codeOf('ceiling', false)
const LATCH_V1 = codeOf('latch', false)
const STAGE_V1 = codeOf('stage', false)
const DENY_V1 = codeOf('deny', false)
const ALLOW_V2 = codeOf('allow', true)
const FORCE_V1 = codeOf('force', false)
const FORCE_V2 = codeOf('force', true)
const VERSION_V1 = codeOf('version', false)
const VERSION_V2 = codeOf('version', true)
const COMPLETE_V2 = codeOf('complete', true)
const NO_KEY_V1 = codeOf('no-key', false)
const BUCKET_V1 = codeOf('bucket', false)
const BUCKET_V2 = codeOf('bucket', true)

function codeOf(rule: Rule, v2: boolean): DecisionCode {
  return RULES.indexOf(rule) * 2 + (v2 ? 1 : 0)
}

/**
 * Decides into `out`.
 *
 * `word` is the route's routing word, `gatewayWord` that of slot 0, both read just now. `freshId` is an id nobody
 * has yet, for a sticky cookie; it is used up when `out.mintCookie` is not null afterwards. Empty = never mint.
 */
export function decide(
  route: CompiledRoute,
  word: number,
  gatewayWord: number,
  facts: RequestFacts,
  out: Decision,
  freshId: string = '',
): void {
  out.bucket = -1
  out.belowBps = weightOf(word)
  out.key = null
  out.keyFrom = ''
  out.mintCookie = null
  const bits = word | (gatewayWord & GATEWAY_ZERO)
  out.code = (bits & ZERO) === 0 ? decideOpen(route, word, facts, out, freshId) : decideHeld(route, bits, facts)
  out.byBucket = out.code === BUCKET_V1 || out.code === BUCKET_V2
}

/** v2 is at zero for everybody, except for a tester who was promised a way past a latch, and only a latch. */
function decideHeld(route: CompiledRoute, bits: number, facts: RequestFacts): DecisionCode {
  if ((bits & KILLED) !== 0) return KILL_V1
  if ((bits & CEILING_ZERO) !== 0) return CEILING_V1
  const mayPass = route.force !== null && route.force.whileTripped && canServe(bits) && !isListed(route.deny, facts)
  return mayPass && route.force !== null && forcedBackend(route.force, facts) === 'v2' ? FORCE_V2 : LATCH_V1
}

function decideOpen(route: CompiledRoute, word: number, facts: RequestFacts, out: Decision, freshId: string): DecisionCode {
  if (!canServe(word)) return STAGE_V1
  if (isListed(route.deny, facts)) return DENY_V1
  if (isListed(route.allow, facts)) return ALLOW_V2
  const forced = route.force === null ? null : forcedBackend(route.force, facts)
  if (forced !== null) return forced === 'v2' ? FORCE_V2 : FORCE_V1
  const weight = weightOf(word)
  const version = route.version === null ? null : requestedVersion(route.version, facts)
  if (version === 'v1') return VERSION_V1
  // A version asked for is no way around weight 0; only allow and force are.
  if (version === 'v2' && weight > 0) return VERSION_V2
  if (weight >= BUCKETS) return COMPLETE_V2
  if (!findStickyKey(route.sources, facts, route.glob, out) && !mint(route, facts, out, freshId)) return NO_KEY_V1
  out.bucket = route.buckets.bucketOfBytes(out.key ?? '')
  return out.bucket < weight ? BUCKET_V2 : BUCKET_V1
}

/** Whether the stage lets v2 answer at all. A slot that is no longer live belongs to a removed route. */
function canServe(word: number): boolean {
  return (word & LIVE) !== 0 && stageOf(word) >= STAGE_CANARY
}

function isListed(rule: ListRule | null, facts: RequestFacts): boolean {
  if (rule === null) return false
  const value = facts.header(rule.header)
  if (value === null) return false
  const trimmed = trimValue(value)
  return trimmed !== null && rule.values.has(trimmed)
}

function mint(route: CompiledRoute, facts: RequestFacts, out: Decision, freshId: string): boolean {
  if (freshId === '' || route.mintFrom === '' || !mayMint(facts)) return false
  out.key = freshId
  out.keyFrom = route.mintFrom
  out.mintCookie = freshId
  return true
}

/**
 * Whether a request that was given to v2 may still go there under today's words: asked again on leaving a wait
 * queue and before a retry, so that a rollback is obeyed by requests that were already on their way.
 */
export function mayStillUseV2(route: CompiledRoute, decision: Decision, word: number, gatewayWord: number): boolean {
  const bits = word | (gatewayWord & GATEWAY_ZERO)
  if ((bits & GATEWAY_ZERO) !== 0 || !canServe(word)) return false
  switch (decision.code) {
    case FORCE_V2:
      return (bits & LATCHED) === 0 || route.force?.whileTripped === true
    case ALLOW_V2:
      return (bits & LATCHED) === 0
    case VERSION_V2:
      return (bits & LATCHED) === 0 && weightOf(word) > 0
    case COMPLETE_V2:
      return (bits & LATCHED) === 0 && weightOf(word) >= BUCKETS
    case BUCKET_V2:
      return (bits & LATCHED) === 0 && decision.bucket < weightOf(word)
    default:
      return false
  }
}

/** `v2; rule=bucket; bucket=341; below=500`: the debug header and the log line. */
export function decisionText(decision: Decision): string {
  const rule = `${backendOf(decision.code)}; rule=${ruleOf(decision.code)}`
  return decision.bucket < 0 ? rule : `${rule}; bucket=${decision.bucket}; below=${decision.belowBps}`
}
