/**
 * One pair from bytes to counts: decode, compare, file the differences, keep a redacted sample.
 *
 * `compare` never throws: whatever goes wrong in one pair is counted as incomparable (internal) and the
 * next one is taken. Nothing of a pair outlives its call but counts, findings and sealed samples.
 */
import { compareAnswers } from '../core/diff/compare-answers.ts'
import { type Answer, type Comparison, DEFAULT_BUDGET, type IncomparableReason } from '../core/diff/comparison.ts'
import { headerOf } from '../core/diff/headers.ts'
import { compileRules, type CompiledRules } from '../core/diff/rules.ts'
import type { ComparisonOutcome, DifferenceKind, Finding, Sample } from '../core/model/finding.ts'
import { type Counter, counterId } from '../core/model/observation.ts'
import type { AnswerMeta, PairMeta } from '../core/model/pair.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { DECODE_LIMITS, decodeBody } from './decode.ts'
import { type Entry, FINDING_LIMITS, Findings } from './findings.ts'
import { createRedactor, type Redactor } from './redact.ts'
import { SAMPLE_LIMITS, Samples } from './samples.ts'
import { createSeal } from './seal.ts'

export interface ComparerOptions {
  /** Adds one to a counter of a slot; `counter` as `counterId` numbers it. */
  readonly count: (slot: number, counter: number) => void
  /** Comparisons of a route that ended as match, mismatch or ignored, in all threads. */
  readonly comparedOn: (route: string) => number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Key of the marks that replace secrets. */
  readonly sealKey: Uint8Array
  readonly onIncomparable: (route: string, reason: IncomparableReason) => void
  /** An error of our own in one pair. */
  readonly onFailure: (route: string, error: unknown) => void
}

export interface Comparer {
  /** Takes the rules of this snapshot's routes; findings of routes that are gone are forgotten. */
  configure(snapshot: Snapshot): void
  /** Compares one pair whose bodies lie in `bytes`. Never throws. */
  compare(meta: PairMeta, bytes: ArrayBuffer): void
  /** Counts a pair that was not compared for lack of room or of rules. */
  drop(meta: PairMeta): void
  findings(route: string | null): readonly Finding[]
  sample(id: string): Sample | null
}

interface RouteRules {
  readonly rules: CompiledRules
  readonly redactor: Redactor
}

const OUTCOME_COUNTERS: Readonly<Record<ComparisonOutcome, number>> = {
  match: counterId('compare_match'),
  mismatch: counterId('compare_mismatch'),
  ignored: counterId('compare_ignored'),
  incomparable: counterId('compare_incomparable'),
}
const DROPPED = counterId('compare_dropped')

export function createComparer(options: ComparerOptions): Comparer {
  return new PairComparer(options)
}

class PairComparer implements Comparer {
  readonly #options: ComparerOptions
  readonly #findings = new Findings(FINDING_LIMITS)
  readonly #samples: Samples
  #routes = new Map<string, RouteRules>()

  constructor(options: ComparerOptions) {
    this.#options = options
    this.#samples = new Samples(SAMPLE_LIMITS, options.random)
  }

  configure({ config }: Snapshot): void {
    const seal = createSeal(this.#options.sealKey)
    this.#routes = new Map(
      config.routes.map(({ name, compare }) => [name, { rules: compileRules(compare), redactor: createRedactor(compare.redact, seal) }]),
    )
    for (const id of this.#findings.keepOnly(new Set(this.#routes.keys()))) this.#samples.forget(id)
  }

  compare(meta: PairMeta, bytes: ArrayBuffer): void {
    const route = this.#routes.get(meta.route)
    // Without the route's rules every volatile field would be a finding.
    if (route === undefined) return this.drop(meta)
    let outcome: ComparisonOutcome = 'incomparable'
    try {
      outcome = this.#compare(meta, bytes, route)
    } catch (error) {
      this.#options.onFailure(meta.route, error)
      this.#options.onIncomparable(meta.route, 'internal')
    }
    this.#options.count(meta.slot, OUTCOME_COUNTERS[outcome])
  }

  drop(meta: PairMeta): void {
    this.#options.count(meta.slot, DROPPED)
  }

  findings(route: string | null): readonly Finding[] {
    return this.#findings.list(route, this.#options.comparedOn, (finding) => this.#samples.idsOf(finding))
  }

  sample(id: string): Sample | null {
    return this.#samples.get(id)
  }

  #compare(meta: PairMeta, bytes: ArrayBuffer, { rules, redactor }: RouteRules): ComparisonOutcome {
    const v1 = answerOf(meta.v1, bytes)
    const v2 = answerOf(meta.v2, bytes)
    const comparison = compareAnswers(v1, v2, rules, DEFAULT_BUDGET)
    if (comparison.outcome === 'incomparable') this.#options.onIncomparable(meta.route, comparison.reason ?? 'internal')
    if (comparison.outcome === 'mismatch') {
      const places = comparison.differences.map(({ path, kind }) => ({ path: redactor.path(path), kind }))
      const entries = this.#findings.add(meta.route, meta.method, meta.target, places, meta.at)
      for (const { kind } of entries) this.#options.count(meta.slot, differenceCounter(kind))
      this.#keepSamples(meta, entries, { v1, v2, comparison, redactor })
    }
    return comparison.outcome
  }

  #keepSamples(meta: PairMeta, entries: readonly Entry[], pair: Pair): void {
    const wanting = entries.filter(({ count }) => this.#samples.wants(count))
    // Redacting costs more than comparing; most pairs of a frequent finding are not kept.
    if (wanting.length === 0) return
    const sample = redactPair(meta, pair)
    for (const { id } of wanting) this.#samples.keep({ finding: id, ...sample })
  }
}

interface Pair {
  readonly v1: Answer
  readonly v2: Answer
  readonly comparison: Comparison
  readonly redactor: Redactor
}

function answerOf(meta: AnswerMeta, bytes: ArrayBuffer): Answer {
  const { status, headers } = meta
  const none = new Uint8Array(0)
  if (!meta.complete) return { status, headers, body: none, problem: 'truncated' }
  const body = decodeBody(new Uint8Array(bytes, meta.offset, meta.length), headerOf(headers, 'content-encoding') ?? '', DECODE_LIMITS)
  return typeof body === 'string' ? { status, headers, body: none, problem: body } : { status, headers, body, problem: null }
}

function redactPair(meta: PairMeta, { v1, v2, comparison, redactor }: Pair): Omit<Sample, 'id' | 'finding'> {
  const side = (answer: Answer): Sample['v1'] => ({
    status: answer.status,
    headers: redactor.headers(answer.headers),
    body: redactor.body(answer),
  })
  return {
    route: meta.route,
    method: meta.method,
    target: redactor.target(meta.target),
    at: new Date(meta.at).toISOString(),
    requestId: redactor.requestId(meta.requestId),
    v1: side(v1),
    v2: side(v2),
    differences: redactor.differences(comparison.differences),
  }
}

const DIFFERENCE_COUNTERS = new Map<DifferenceKind, number>()

function differenceCounter(kind: DifferenceKind): number {
  const known = DIFFERENCE_COUNTERS.get(kind)
  if (known !== undefined) return known
  const counter: Counter = `difference_${kind}`
  DIFFERENCE_COUNTERS.set(kind, counterId(counter))
  return counterId(counter)
}
