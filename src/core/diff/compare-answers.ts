/**
 * Two answers to one request, side by side: match, mismatch, ignored or incomparable.
 *
 * Status first, then the listed headers, then the bodies. Statuses of different classes end the
 * comparison: the fields of an error body against those of a document say nothing. How bodies are read:
 *
 * - both the same bytes: equal, whatever they are;
 * - JSON as soon as one side declares it: then a side that is no JSON makes the pair incomparable;
 * - JSON when neither declares a type that rules it out and both parse;
 * - anything else byte by byte.
 *
 * What counts as equal JSON: see `number.ts` (numbers), `tape.ts` (strings), `walk.ts` (members of one
 * name in the order they come, other member order free). A byte order mark on one side only is a
 * difference, because strict readers refuse it.
 */
import type { Difference } from '../model/finding.ts'
import type { Answer, Budget, Comparison, IncomparableReason } from './comparison.ts'
import { compareHeaders, headerOf, isJsonType, parseMediaType } from './headers.ts'
import { type JsonProblem, parseJson } from './json.ts'
import type { CompiledRules, RuleState } from './rules.ts'
import { sameRange, type Tape } from './tape.ts'
import { compareJson } from './walk.ts'

export function compareAnswers(v1: Answer, v2: Answer, rules: CompiledRules, budget: Budget): Comparison {
  const comparison = compareAll(v1, v2, rules, budget)
  // The request carried If-* or Range: each side judged it by its own validators, so only equality means something.
  if (comparison.outcome !== 'match' && (isConditional(v1.status) || isConditional(v2.status))) return incomparable('conditional')
  return comparison
}

function compareAll(v1: Answer, v2: Answer, rules: CompiledRules, budget: Budget): Comparison {
  const first: Difference[] = []
  if (v1.status !== v2.status) {
    first.push({ path: 'status', kind: 'status', v1: String(v1.status), v2: String(v2.status) })
    if (classOf(v1.status) !== classOf(v2.status)) return { outcome: 'mismatch', reason: null, differences: first, cut: false }
  }
  first.push(...compareHeaders(v1.headers, v2.headers, rules.headers))
  const body = compareBodies(v1, v2, rules.root, budget)
  const all = [...first, ...body.differences]
  if (all.length === 0) return body
  const differences = all.slice(0, Math.max(1, budget.differences))
  return { outcome: 'mismatch', reason: body.reason, differences, cut: body.cut || differences.length < all.length }
}

function compareBodies(v1: Answer, v2: Answer, rules: RuleState | null, budget: Budget): Comparison {
  const problem = v1.problem ?? v2.problem
  if (problem !== null) return incomparable(problem)
  if (sameBytes(v1.body, v2.body)) return MATCH
  if (v1.body.length === 0 || v2.body.length === 0) return bodyDifference(v1.body, v2.body)
  const declared = declaresJson(v1) || declaresJson(v2)
  if (!declared && (rulesJsonOut(v1) || rulesJsonOut(v2))) return bodyDifference(v1.body, v2.body)
  const a = parseJson(v1.body, budget)
  const b = parseJson(v2.body, budget)
  if (typeof a !== 'string' && typeof b !== 'string') return compareDocuments(a, b, rules, budget)
  if (a === 'not-json' && b === 'not-json') return bodyDifference(v1.body, v2.body)
  if (!declared && (a === 'not-json' || b === 'not-json')) return bodyDifference(v1.body, v2.body)
  return incomparable(whyUnparsed(a, b))
}

function compareDocuments(a: Tape, b: Tape, rules: RuleState | null, budget: Budget): Comparison {
  const marks: Difference[] = a.bom === b.bom ? [] : [{ path: 'body', kind: 'body', v1: markText(a), v2: markText(b) }]
  const { differences, ignored, cut } = compareJson(a, b, rules, budget)
  const all = [...marks, ...differences]
  if (all.length > 0) return { outcome: 'mismatch', reason: null, differences: all, cut }
  if (cut) return incomparable('too-complex')
  return ignored ? { ...MATCH, outcome: 'ignored' } : MATCH
}

const MATCH: Comparison = { outcome: 'match', reason: null, differences: [], cut: false }

function incomparable(reason: IncomparableReason): Comparison {
  return { outcome: 'incomparable', reason, differences: [], cut: false }
}

/** A size limit on either side outranks "no JSON on the other": with a larger limit it might have been. */
function whyUnparsed(a: Tape | JsonProblem, b: Tape | JsonProblem): IncomparableReason {
  for (const side of [a, b]) if (side === 'too-deep' || side === 'too-large') return side
  return a === 'not-json' ? 'v1-not-json' : 'v2-not-json'
}

function bodyDifference(v1: Uint8Array, v2: Uint8Array): Comparison {
  const kind = v2.length === 0 ? 'missing' : v1.length === 0 ? 'extra' : 'body'
  const at = firstDifference(v1, v2)
  const difference: Difference = { path: 'body', kind, v1: bodyText(v1, at), v2: bodyText(v2, at) }
  return { outcome: 'mismatch', reason: null, differences: [difference], cut: false }
}

/** Says where, not what: bytes of unknown structure cannot be redacted. */
function bodyText(body: Uint8Array, at: number): string | null {
  return body.length === 0 ? null : `${body.length} bytes, first difference at byte ${at}`
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  return i
}

function markText(tape: Tape): string {
  return tape.bom ? 'byte order mark' : 'no byte order mark'
}

function declaresJson(answer: Answer): boolean {
  const type = headerOf(answer.headers, 'content-type')
  return type !== null && isJsonType(parseMediaType(type).essence)
}

/** A declared type other than the ones that people send JSON under without saying so. */
function rulesJsonOut(answer: Answer): boolean {
  const essence = parseMediaType(headerOf(answer.headers, 'content-type') ?? '').essence
  return essence !== '' && essence !== 'text/plain' && essence !== 'application/octet-stream'
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return sameRange(a, 0, a.length, b, 0, b.length)
}

function classOf(status: number): number {
  return Math.floor(status / 100)
}

/** 206, 304 and 416 answer only conditional or ranged requests. */
function isConditional(status: number): boolean {
  return status === 206 || status === 304 || status === 416
}
