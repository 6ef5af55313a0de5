/**
 * A route's comparison rules, compiled into states that are walked along with the documents.
 *
 * All patterns share one trie. Because `*` and a name can match the same key, a place in the document
 * stands for a *set* of trie nodes; each distinct set becomes one state, built when first met and kept.
 * Keys that no rule names share one successor, so hostile keys add no states. Where no rule reaches
 * any more the state is null and the walk pays nothing.
 */
import type { CompareConfig } from '../model/config.ts'
import { ANY_SEGMENT, pointerProblem, segmentsOf } from './pointer.ts'
import { type Tolerance, toleranceOf } from './number.ts'

export interface ArrayRule {
  /** Field whose value aligns the elements; null = by position. */
  readonly key: string | null
  /** Order means nothing. With a key: a changed order of the keyed elements is no difference. */
  readonly unordered: boolean
}

export interface CompiledRules {
  /** Lower-case names. */
  readonly headers: readonly string[]
  readonly root: RuleState | null
}

export function compileRules(config: Pick<CompareConfig, 'headers' | 'ignore' | 'arrays' | 'tolerance'>): CompiledRules {
  const root = new TrieNode()
  for (const path of config.ignore) nodeAt(root, path, (node) => (node.ignore = true))
  for (const { path, abs, rel } of config.tolerance) nodeAt(root, path, (node) => (node.tolerance = toleranceOf(abs, rel)))
  for (const { path, key, unordered } of config.arrays) nodeAt(root, path, (node) => (node.array = { key, unordered }))
  return { headers: config.headers.map((name) => name.toLowerCase()), root: new StateTable().stateOf([root]) }
}

/** Patterns alone, marked `ignore`: for whoever needs to know whether a place is listed. */
export function compilePatterns(patterns: readonly string[]): RuleState | null {
  return compileRules({ headers: [], ignore: patterns, arrays: [], tolerance: [] }).root
}

class TrieNode {
  readonly children = new Map<string, TrieNode>()
  ignore = false
  tolerance: Tolerance | null = null
  array: ArrayRule | null = null
}

/** A pattern that is no JSON Pointer is refused with the config; one that gets here anyway matches nothing. */
function nodeAt(root: TrieNode, pattern: string, mark: (node: TrieNode) => void): void {
  if (pointerProblem(pattern) !== null) return
  let node = root
  for (const segment of segmentsOf(pattern)) {
    let child = node.children.get(segment)
    if (child === undefined) {
      child = new TrieNode()
      node.children.set(segment, child)
    }
    node = child
  }
  mark(node)
}

/** What the rules say about one place of the document, and about the places below it. */
export class RuleState {
  readonly ignore: boolean
  readonly tolerance: Tolerance | null
  readonly array: ArrayRule | null
  /** No rule names a key here: every child has the same state, and keys need not be read. */
  readonly uniform: boolean
  readonly #nodes: readonly TrieNode[]
  readonly #table: StateTable
  readonly #named = new Map<string, RuleState | null>()
  #other: RuleState | null | undefined

  constructor(nodes: readonly TrieNode[], table: StateTable) {
    this.#nodes = nodes
    this.#table = table
    this.ignore = nodes.some((node) => node.ignore)
    this.tolerance = nodes.find((node) => node.tolerance !== null)?.tolerance ?? null
    this.array = nodes.find((node) => node.array !== null)?.array ?? null
    this.uniform = nodes.every((node) => node.children.size === 0 || (node.children.size === 1 && node.children.has(ANY_SEGMENT)))
  }

  /** The state of the member `key`, or of the element with that index. */
  child(key: string): RuleState | null {
    if (this.uniform) return this.other()
    const known = this.#named.get(key)
    if (known !== undefined) return known
    if (!this.#nodes.some((node) => node.children.has(key))) return this.other()
    const state = this.#table.stateOf(this.#nodes.flatMap((node) => present(node.children.get(key), node.children.get(ANY_SEGMENT))))
    this.#named.set(key, state)
    return state
  }

  /** The state of every child that no rule names. */
  other(): RuleState | null {
    if (this.#other !== undefined) return this.#other
    const state = this.#table.stateOf(this.#nodes.flatMap((node) => present(node.children.get(ANY_SEGMENT))))
    this.#other = state
    return state
  }
}

/** Keeps one state per set of trie nodes. */
class StateTable {
  readonly #states = new Map<string, RuleState>()
  readonly #ids = new Map<TrieNode, number>()

  /** `nodes` in a fixed order: the order the parents' sets had. Null when no rule is left. */
  stateOf(nodes: readonly TrieNode[]): RuleState | null {
    const live = nodes.filter((node) => node.ignore || node.tolerance !== null || node.array !== null || node.children.size > 0)
    if (live.length === 0) return null
    const id = live.map((node) => this.#idOf(node)).join(' ')
    const known = this.#states.get(id)
    if (known !== undefined) return known
    const state = new RuleState(live, this)
    this.#states.set(id, state)
    return state
  }

  #idOf(node: TrieNode): number {
    const known = this.#ids.get(node)
    if (known !== undefined) return known
    this.#ids.set(node, this.#ids.size)
    return this.#ids.size - 1
  }
}

/** The children that exist, once each: the key may itself be `*`. */
function present(...nodes: readonly (TrieNode | undefined)[]): TrieNode[] {
  return [...new Set(nodes)].filter((node) => node !== undefined)
}
