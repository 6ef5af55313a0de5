/** Documents for the comparison's tests: answers from text, random JSON, single mutations with their expected difference. */
import * as fc from 'fast-check'
import { compareAnswers } from '../../../src/core/diff/compare-answers.ts'
import { type Answer, type Budget, type Comparison, DEFAULT_BUDGET } from '../../../src/core/diff/comparison.ts'
import { compileRules } from '../../../src/core/diff/rules.ts'
import type { CompareConfig } from '../../../src/core/model/config.ts'
import { escapeSegment } from '../../../src/core/diff/pointer.ts'

const utf8 = new TextEncoder()

export type Rules = Partial<Pick<CompareConfig, 'headers' | 'ignore' | 'arrays' | 'tolerance'>>

export function rulesOf(rules: Rules) {
  return compileRules({ headers: [], ignore: [], arrays: [], tolerance: [], ...rules })
}

export function bytesOf(...parts: (string | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...utf8.encode(part)] : [...part])))
}

export function answer(body: string | Uint8Array, over: Partial<Answer> = {}): Answer {
  const bytes = typeof body === 'string' ? utf8.encode(body) : body
  return { status: 200, headers: { 'content-type': 'application/json' }, body: bytes, problem: null, ...over }
}

export function compare(v1: string | Uint8Array, v2: string | Uint8Array, rules: Rules = {}, budget: Partial<Budget> = {}): Comparison {
  return compareAnswers(answer(v1), answer(v2), rulesOf(rules), { ...DEFAULT_BUDGET, ...budget })
}

/** The differences as "path kind", for short tables. */
export function found({ differences }: Comparison): string[] {
  return differences.map(({ path, kind }) => `${path} ${kind}`)
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Through its text: what a document really is (no -0, no prototype keys). */
export const anyJson: fc.Arbitrary<Json> = fc
  .jsonValue({ maxDepth: 4, depthSize: 'medium' })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json)

export interface Mutation {
  readonly before: Json
  readonly after: Json
  /** Segments of the place that differs, array indexes as `*`. */
  readonly path: readonly string[]
  readonly kind: string
}

export function pointerOf(path: readonly string[]): string {
  return path.map((segment) => `/${segment}`).join('')
}

/** Changes one place of a random document. */
export const anyMutation: fc.Arbitrary<Mutation> = fc
  .tuple(anyJson, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), fc.nat(3))
  .map(([before, picks, how]) => mutate(before, picks, how))

function mutate(before: Json, picks: readonly number[], how: number): Mutation {
  const after = structuredClone(before)
  const path: string[] = []
  let holder: { value: Json } = { value: after }
  const root = holder
  let put = (value: Json): void => void (root.value = value)
  for (const pick of picks) {
    const at = holder.value
    const size = at !== null && typeof at === 'object' ? Object.keys(at).length : 0
    if (at === null || typeof at !== 'object' || size === 0 || pick % 5 === 0) break
    const key = Object.keys(at)[pick % size] ?? ''
    path.push(Array.isArray(at) ? '*' : escapeSegment(key))
    const inside = at as Record<string, Json>
    holder = { value: inside[key] ?? null }
    put = (value) => Object.defineProperty(inside, key, { value, enumerable: true, configurable: true, writable: true })
  }
  const kind = change(holder.value, put, path, how, picks[0] ?? 0)
  return { before, after: root.value, path, kind }
}

function change(value: Json, put: (value: Json) => void, path: string[], how: number, pick: number): string {
  if (Array.isArray(value) && how < 2) {
    if (how === 0 || value.length === 0) value.splice(pick % (value.length + 1), 0, 'inserted')
    else value.splice(pick % value.length, 1)
    return 'length'
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && how < 2) {
    const keys = Object.keys(value)
    const key = keys[pick % Math.max(1, keys.length)]
    if (how === 0 || key === undefined) {
      const fresh = `fresh${keys.join('')}`
      value[fresh] = 1
      path.push(escapeSegment(fresh))
      return 'extra'
    }
    delete value[key]
    path.push(escapeSegment(key))
    return 'missing'
  }
  if (typeof value === 'number' && how === 2) return (put(value + 1 === value ? value / 2 : value + 1), 'value')
  if (typeof value === 'string' && how === 2) return (put(`${value}x`), 'value')
  if (typeof value === 'boolean') return (put(!value), 'value')
  put(value === null ? [] : null)
  return 'type'
}
