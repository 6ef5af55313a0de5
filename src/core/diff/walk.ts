/**
 * Walks two tapes side by side and reports where they differ, with a stack of its own: no recursion.
 *
 * Work is bounded by `budget.steps`, whatever the documents are. Bytes that both documents share at
 * their beginnings and ends are found once; a pair of nodes inside them is equal without being looked
 * at, so one changed field costs the way down to it and little else.
 *
 * The same walk answers "are these two equal under the rules?" for array alignment (`equal`): then it
 * stops at the first difference and writes no paths. Such questions nest only as deep as the rules
 * for unordered arrays do.
 */
import type { Difference, DifferenceKind } from '../model/finding.ts'
import { alignArrays, type Aligner } from './arrays.ts'
import type { Budget } from './comparison.ts'
import { hashNodes, memberState } from './hash.ts'
import { sameNumber, withinTolerance } from './number.ts'
import { ABSENT, Path, Report } from './report.ts'
import type { RuleState } from './rules.ts'
import { ARRAY, endOf, FALSE, identityText, isContainer, kindOf, nextOf, NUMBER, OBJECT, rawText, sameRange, sameString } from './tape.ts'
import { startOf, STRING, type Tape, TRUE } from './tape.ts'

export interface JsonComparison {
  readonly differences: readonly Difference[]
  /** Something differed where a rule says it may. */
  readonly ignored: boolean
  /** Steps or differences ran out: the list may be incomplete, and an empty one proves nothing. */
  readonly cut: boolean
}

export function compareJson(a: Tape, b: Tape, root: RuleState | null, budget: Pick<Budget, 'differences' | 'steps'>): JsonComparison {
  const report = new Report(budget.differences)
  const job = new Job(a, b, root, budget.steps)
  const walk = new Walk(job, report)
  walk.run(0, 0, root, null)
  return { differences: report.differences, ignored: walk.ignored, cut: job.exhausted || report.cut }
}

/** What all walks over one pair of documents share. */
class Job {
  readonly a: Tape
  readonly b: Tape
  exhausted = false
  #steps: number
  readonly #root: RuleState | null
  readonly #prefix: number
  readonly #suffix: number
  #hashes: readonly [Int32Array, Int32Array] | null = null

  constructor(a: Tape, b: Tape, root: RuleState | null, steps: number) {
    this.a = a
    this.b = b
    this.#root = root
    this.#steps = steps
    this.#prefix = commonPrefix(a.bytes, b.bytes)
    this.#suffix = commonSuffix(a.bytes, b.bytes)
  }

  step(): boolean {
    if (this.#steps-- > 0) return true
    this.exhausted = true
    return false
  }

  /** True only for equal nodes; false says nothing. */
  evidentlySame(x: number, y: number): boolean {
    const { a, b } = this
    const xStart = startOf(a, x)
    const xEnd = endOf(a, x)
    const yStart = startOf(b, y)
    const yEnd = endOf(b, y)
    if (xStart === yStart && xEnd === yEnd && xEnd <= this.#prefix) return true
    const fromEnd = a.bytes.length - xStart
    if (fromEnd <= this.#suffix && fromEnd === b.bytes.length - yStart && xEnd - xStart === yEnd - yStart) return true
    // Scalars are compared where they stand; comparing containers at every level would be quadratic.
    return !isContainer(kindOf(a, x)) && sameRange(a.bytes, xStart, xEnd, b.bytes, yStart, yEnd)
  }

  hashes(): readonly [Int32Array, Int32Array] {
    this.#hashes ??= [hashNodes(this.a, this.#root), hashNodes(this.b, this.#root)]
    return this.#hashes
  }
}

interface Pair {
  readonly x: number
  readonly y: number
  readonly state: RuleState | null
  readonly path: Path | null
}

class Walk implements Aligner {
  readonly a: Tape
  readonly b: Tape
  ignored = false
  readonly #job: Job
  /** Null: only whether there is a difference matters. */
  readonly #report: Report | null
  #differs = false
  readonly #pending: Pair[] = []

  constructor(job: Job, report: Report | null) {
    this.a = job.a
    this.b = job.b
    this.#job = job
    this.#report = report
  }

  get probing(): boolean {
    return this.#report === null
  }

  run(x: number, y: number, state: RuleState | null, path: Path | null): void {
    this.#pending.push({ x, y, state, path })
    for (let pair = this.#pending.pop(); pair !== undefined; pair = this.#pending.pop()) {
      if (this.#stopped() || !this.#job.step()) return
      const before = this.#pending.length
      this.#visit(pair)
      reverseFrom(this.#pending, before)
    }
  }

  #stopped(): boolean {
    return this.#job.exhausted || (this.#report === null ? this.#differs : this.#report.cut)
  }

  equal(x: number, y: number, state: RuleState | null): boolean {
    const probe = new Walk(this.#job, null)
    probe.run(x, y, state, null)
    if (probe.#differs || this.#job.exhausted) return false
    this.ignored ||= probe.ignored
    return true
  }

  step(): boolean {
    return this.#job.step()
  }

  evidentlySame(x: number, y: number): boolean {
    return this.#job.evidentlySame(x, y)
  }

  hashes(): readonly [Int32Array, Int32Array] {
    return this.#job.hashes()
  }

  later(x: number, y: number, state: RuleState | null, path: Path | null): void {
    if (!this.#job.evidentlySame(x, y)) this.#pending.push({ x, y, state, path })
  }

  differ(path: Path | null, kind: DifferenceKind, x: number, y: number): void {
    // An alignment that ran out of steps found no partner for what it did not look at.
    if (this.#job.exhausted) return
    this.#differs = true
    this.#report?.add(path, kind, this.a, x, this.b, y)
  }

  /** A value that only one side has; `y` or `x` is ABSENT. */
  unpaired(path: Path | null, state: RuleState | null, x: number, y: number): void {
    if (state?.ignore) this.ignored = true
    else this.differ(path, y === ABSENT ? 'missing' : 'extra', x, y)
  }

  #visit({ x, y, state, path }: Pair): void {
    if (this.#job.evidentlySame(x, y)) return
    if (state?.ignore) {
      this.ignored ||= !this.equal(x, y, null)
      return
    }
    const kind = kindOf(this.a, x)
    const other = kindOf(this.b, y)
    if (kind !== other) {
      const booleans = (kind === TRUE || kind === FALSE) && (other === TRUE || other === FALSE)
      this.differ(path, booleans ? 'value' : 'type', x, y)
    } else if (kind === OBJECT) this.#members(x, y, state, path)
    else if (kind === ARRAY) alignArrays(this, x, y, state, path)
    else if (kind === STRING) {
      if (!sameString(this.a, x, this.b, y)) this.differ(path, 'value', x, y)
    } else if (kind === NUMBER && !this.#sameNumber(x, y, state)) this.differ(path, 'value', x, y)
  }

  #sameNumber(x: number, y: number, state: RuleState | null): boolean {
    const left = rawText(this.a, x)
    const right = rawText(this.b, y)
    if (sameNumber(left, right)) return true
    const tolerance = state?.tolerance ?? null
    return tolerance !== null && withinTolerance(left, right, tolerance)
  }

  /** Key order means nothing; most rewrites keep it all the same, so that is tried first. */
  #members(object: number, other: number, state: RuleState | null, path: Path | null): void {
    const { a, b } = this
    const end = nextOf(a, object)
    const otherEnd = nextOf(b, other)
    let x = object + 1
    let y = other + 1
    while (x < end && y < otherEnd && this.#job.step() && sameString(a, x, b, y)) {
      this.#member(x, y, state, path)
      x = nextOf(a, x + 1)
      y = nextOf(b, y + 1)
    }
    if (x < end || y < otherEnd) this.#membersByName(x, end, y, otherEnd, state, path)
  }

  /** Of a key that occurs twice the first meets the first and the second the second. */
  #membersByName(from: number, end: number, fromOther: number, otherEnd: number, state: RuleState | null, path: Path | null): void {
    const { a, b } = this
    const named = new Map<string, number[]>()
    for (let y = fromOther; y < otherEnd && this.#job.step(); y = nextOf(b, y + 1)) {
      const name = identityText(b, y)
      const known = named.get(name)
      if (known === undefined) named.set(name, [y])
      else known.push(y)
    }
    const taken = new Map<string, number>()
    for (let x = from; x < end && this.#job.step(); x = nextOf(a, x + 1)) {
      const name = identityText(a, x)
      const nth = taken.get(name) ?? 0
      const y = named.get(name)?.[nth]
      if (y === undefined) this.unpaired(new Path(path, a, x), memberState(state, a, x), x + 1, ABSENT)
      else {
        taken.set(name, nth + 1)
        this.#member(x, y, state, path)
      }
    }
    for (const [name, nodes] of named) {
      for (const y of nodes.slice(taken.get(name) ?? 0)) this.unpaired(new Path(path, b, y), memberState(state, b, y), ABSENT, y + 1)
    }
  }

  #member(x: number, y: number, state: RuleState | null, path: Path | null): void {
    if (this.#job.evidentlySame(x + 1, y + 1)) return
    const memberPath = this.probing ? null : new Path(path, this.a, x)
    this.#pending.push({ x: x + 1, y: y + 1, state: memberState(state, this.a, x), path: memberPath })
  }
}

/** What a node put on the stack is taken from it in the order of the document. */
function reverseFrom(pairs: Pair[], start: number): void {
  if (pairs.length - start < 2) return
  for (const pair of pairs.splice(start).reverse()) pairs.push(pair)
}

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  let i = 0
  while (i < length && a[i] === b[i]) i++
  return i
}

function commonSuffix(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  let i = 0
  while (i < length && a[a.length - 1 - i] === b[b.length - 1 - i]) i++
  return i
}
