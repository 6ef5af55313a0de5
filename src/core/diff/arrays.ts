/**
 * Which element of one array belongs to which of the other: by position, by key, or as a multiset.
 *
 * By position is the default. When the lengths differ, equal elements at both ends are lined up first,
 * so one inserted element is one difference (`length`) and not one for every element behind it. When
 * the lengths agree and the elements are the same in another order, that is one difference (`order`).
 * Hashes only propose pairs here; what counts as equal is decided by the walk.
 */
import type { DifferenceKind } from '../model/finding.ts'
import { elementState } from './hash.ts'
import { canonicalNumber } from './number.ts'
import { ABSENT, Path } from './report.ts'
import type { RuleState } from './rules.ts'
import {
  cellAt,
  elementsOf,
  identityText,
  isContainer,
  kindOf,
  nextOf,
  NUMBER,
  OBJECT,
  rawText,
  STRING,
  stringText,
  type Tape,
} from './tape.ts'

/** What alignment needs of the walk. */
export interface Aligner {
  readonly a: Tape
  readonly b: Tape
  /** Only the existence of a difference matters: any one ends the walk. */
  readonly probing: boolean
  /** Takes one step of the budget; false when none is left. */
  step(): boolean
  /** True only for equal nodes; false says nothing. */
  evidentlySame(x: number, y: number): boolean
  /** Whether two nodes are equal under the rules. */
  equal(x: number, y: number, state: RuleState | null): boolean
  /** Hashes of all nodes of both documents under the rules. */
  hashes(): readonly [Int32Array, Int32Array]
  /** Has the walk compare this pair. */
  later(x: number, y: number, state: RuleState | null, path: Path | null): void
  differ(path: Path | null, kind: DifferenceKind, x: number, y: number): void
  unpaired(path: Path | null, state: RuleState | null, x: number, y: number): void
}

export function alignArrays(walk: Aligner, x: number, y: number, state: RuleState | null, path: Path | null): void {
  const arrays: Arrays = { x, y, left: elementsOf(walk.a, x), right: elementsOf(walk.b, y), state, path, each: new Path(path, null, 0) }
  const rule = state?.array ?? null
  if (rule !== null && rule.key !== null) alignByKey(walk, arrays, rule.key, rule.unordered)
  else if (rule?.unordered === true) alignAsMultiset(walk, arrays)
  else if (arrays.left.length === arrays.right.length) alignByPosition(walk, arrays)
  else alignEnds(walk, arrays)
}

/** Two arrays at one place. */
interface Arrays {
  readonly x: number
  readonly y: number
  readonly left: Int32Array
  readonly right: Int32Array
  readonly state: RuleState | null
  readonly path: Path | null
  /** Path of any element. */
  readonly each: Path
}

function alignByPosition(walk: Aligner, { x, y, left, right, state, path, each }: Arrays): void {
  const unclear: number[] = []
  for (let i = 0; i < left.length && walk.step(); i++) if (!walk.evidentlySame(cellAt(left, i), cellAt(right, i))) unclear.push(i)
  if (!walk.probing && unclear.length > 1) {
    const lefts = Int32Array.from(unclear, (i) => cellAt(left, i))
    const rights = Int32Array.from(unclear, (i) => cellAt(right, i))
    if (!inStep(walk, lefts, rights) && sameElements(walk, lefts, rights, state)) {
      walk.differ(path, 'order', x, y)
      return
    }
  }
  for (const i of unclear) walk.later(cellAt(left, i), cellAt(right, i), elementState(state, i), each)
}

/** Whether every pair proposed by position has equal hashes: then nothing says that the order changed. */
function inStep(walk: Aligner, lefts: Int32Array, rights: Int32Array): boolean {
  const [hashA, hashB] = walk.hashes()
  return lefts.every((node, i) => cellAt(hashA, node) === cellAt(hashB, cellAt(rights, i)))
}

/** Whether both hold the same elements, in whatever order. */
function sameElements(walk: Aligner, lefts: Int32Array, rights: Int32Array, state: RuleState | null): boolean {
  const [hashA, hashB] = walk.hashes()
  let sum = 0
  for (const node of lefts) sum = (sum + cellAt(hashA, node)) | 0
  for (const node of rights) sum = (sum - cellAt(hashB, node)) | 0
  // Sums are cheap and settle nearly every case; only a likely reordering is matched element by element.
  return sum === 0 && unmatched(walk, lefts, rights, state?.other() ?? null).left.length === 0
}

function alignEnds(walk: Aligner, { x, y, left, right, state, path, each }: Arrays): void {
  walk.differ(path, 'length', x, y)
  if (walk.probing) return
  const [hashA, hashB] = walk.hashes()
  const shorter = Math.min(left.length, right.length)
  const like = (i: number, j: number): boolean => cellAt(hashA, cellAt(left, i)) === cellAt(hashB, cellAt(right, j))
  let head = 0
  while (head < shorter && walk.step() && like(head, head)) head++
  let tail = 0
  while (tail < shorter - head && walk.step() && like(left.length - 1 - tail, right.length - 1 - tail)) tail++
  // Lined up from the front up to the tail, then from the back: what is left over has no partner.
  for (let i = 0; i < shorter - tail; i++) walk.later(cellAt(left, i), cellAt(right, i), elementState(state, i), each)
  for (let k = tail; k > 0; k--) {
    walk.later(cellAt(left, left.length - k), cellAt(right, right.length - k), elementState(state, left.length - k), each)
  }
}

function alignAsMultiset(walk: Aligner, { left, right, state, each }: Arrays): void {
  const element = state?.other() ?? null
  const rest = unmatched(walk, left, right, element)
  pairUp(walk, rest.left, rest.right, element, each)
}

/** What has no equal partner: a greedy match, exact unless tolerances make equality intransitive. */
function unmatched(
  walk: Aligner,
  lefts: Int32Array,
  rights: Int32Array,
  state: RuleState | null,
): { readonly left: Int32Array; readonly right: Int32Array } {
  const [hashA, hashB] = walk.hashes()
  const candidates = new Map<number, number[]>()
  for (const y of rights) {
    const hash = cellAt(hashB, y)
    const known = candidates.get(hash)
    if (known === undefined) candidates.set(hash, [y])
    else known.push(y)
  }
  const matched = new Set<number>()
  const left: number[] = []
  for (const x of lefts) {
    const y = takeEqual(walk, x, candidates.get(cellAt(hashA, x)) ?? [], state)
    if (y === ABSENT) left.push(x)
    else matched.add(y)
  }
  return { left: Int32Array.from(left), right: rights.filter((y) => !matched.has(y)) }
}

/** Takes the first node equal to `x` out of the bucket; ABSENT when there is none, or no step left to look. */
function takeEqual(walk: Aligner, x: number, bucket: number[], state: RuleState | null): number {
  for (const [at, y] of bucket.entries()) {
    if (!walk.step()) break
    if (!walk.equal(x, y, state)) continue
    // The last one takes its place: removing from the middle would make many equal elements quadratic.
    const last = bucket.pop()
    if (last !== undefined && at < bucket.length) bucket[at] = last
    return y
  }
  return ABSENT
}

function alignByKey(walk: Aligner, { x, y, left, right, state, path, each }: Arrays, key: string, unordered: boolean): void {
  const element = state?.other() ?? null
  const places = new Map<string, number[]>()
  for (const [place, node] of right.entries()) {
    const id = keyOf(walk.b, node, key)
    const known = places.get(id)
    if (known === undefined) places.set(id, [place])
    else known.push(place)
  }
  const taken = new Map<string, number>()
  const paired = new Set<number>()
  let last = -1
  let reordered = false
  for (const node of left) {
    const id = keyOf(walk.a, node, key)
    const nth = taken.get(id) ?? 0
    const place = places.get(id)?.[nth]
    if (place === undefined || !walk.step()) {
      walk.unpaired(each, element, node, ABSENT)
      continue
    }
    taken.set(id, nth + 1)
    paired.add(place)
    reordered ||= place < last
    last = place
    walk.later(node, cellAt(right, place), element, each)
  }
  if (reordered && !unordered) walk.differ(path, 'order', x, y)
  for (const [place, node] of right.entries()) if (!paired.has(place)) walk.unpaired(each, element, ABSENT, node)
}

/** Elements without the key share one text, so they meet by position. */
function keyOf(tape: Tape, node: number, key: string): string {
  if (kindOf(tape, node) !== OBJECT) return ''
  const end = nextOf(tape, node)
  for (let name = node + 1; name < end; name = nextOf(tape, name + 1)) {
    if (stringText(tape, name) !== key) continue
    const kind = kindOf(tape, name + 1)
    if (kind === STRING) return identityText(tape, name + 1)
    if (kind === NUMBER) return `n${canonicalNumber(rawText(tape, name + 1))}`
    return isContainer(kind) ? '' : `l${kind}`
  }
  return ''
}

/** Leftovers are compared in the order they come, so that a changed element shows the field that changed. */
function pairUp(walk: Aligner, left: Int32Array, right: Int32Array, state: RuleState | null, each: Path): void {
  const both = Math.min(left.length, right.length)
  for (let i = 0; i < both; i++) walk.later(cellAt(left, i), cellAt(right, i), state, each)
  for (const x of left.slice(both)) walk.unpaired(each, state, x, ABSENT)
  for (const y of right.slice(both)) walk.unpaired(each, state, ABSENT, y)
}
