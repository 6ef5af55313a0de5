/**
 * A hash per node under the rules: nodes that are equal have equal hashes, wherever they stand.
 *
 * Array alignment asks "is this element somewhere over there?"; the hashes answer that in linear time.
 * They only ever propose: 32 bits collide, and a hostile backend can make them, so every proposed pair
 * is compared exactly before it counts as equal. Computed once for a whole tape when first needed,
 * parents after children by walking the tape backwards.
 */
import { canonicalNumber } from './number.ts'
import type { RuleState } from './rules.ts'
import {
  ARRAY,
  byteAt,
  cellAt,
  endOf,
  ESCAPED,
  hasFlag,
  INVALID,
  kindOf,
  nextOf,
  NUMBER,
  OBJECT,
  rawText,
  startOf,
  STRING,
  stringText,
  type Tape,
} from './tape.ts'

export function hashNodes(tape: Tape, root: RuleState | null): Int32Array {
  const states = root === null ? null : statesOf(tape, root)
  const hashes = new Int32Array(tape.nodes)
  for (let node = tape.nodes - 1; node >= 0; node--) {
    const state = states?.[node] ?? null
    const kind = kindOf(tape, node)
    if (kind === OBJECT) hashes[node] = hashObject(tape, node, hashes, states)
    else if (kind === ARRAY) hashes[node] = hashArray(tape, node, hashes, states)
    else if (kind === STRING) hashes[node] = hashString(tape, node)
    // Numbers within a tolerance may be equal: they must not tell their containers apart.
    else if (kind === NUMBER) hashes[node] = state?.tolerance ? NUMBER : hashChars(canonicalNumber(rawText(tape, node)))
    else hashes[node] = mix(kind, 1)
  }
  return hashes
}

/** The rule state of every node, top down. */
function statesOf(tape: Tape, root: RuleState): (RuleState | null)[] {
  const states: (RuleState | null)[] = Array.from({ length: tape.nodes }, () => null)
  states[0] = root
  for (let node = 0; node < tape.nodes; node++) {
    const state = states[node]
    if (state === null || state === undefined) continue
    const kind = kindOf(tape, node)
    const end = nextOf(tape, node)
    if (kind === OBJECT) {
      for (let key = node + 1; key < end; key = nextOf(tape, key + 1)) states[key + 1] = memberState(state, tape, key)
    } else if (kind === ARRAY) {
      let index = 0
      for (let child = node + 1; child < end; child = nextOf(tape, child)) states[child] = elementState(state, index++)
    }
  }
  return states
}

export function memberState(state: RuleState | null, tape: Tape, key: number): RuleState | null {
  if (state === null) return null
  return state.uniform ? state.other() : state.child(stringText(tape, key))
}

/** In arrays that are matched by content a position means nothing, so a rule cannot name one. */
export function elementState(state: RuleState | null, index: number): RuleState | null {
  if (state === null) return null
  return state.uniform || state.array !== null ? state.other() : state.child(String(index))
}

function hashObject(tape: Tape, object: number, hashes: Int32Array, states: (RuleState | null)[] | null): number {
  let sum = 0
  const end = nextOf(tape, object)
  for (let key = object + 1; key < end; key = nextOf(tape, key + 1)) {
    if (states?.[key + 1]?.ignore) continue
    // Added up, because members have no order.
    sum = (sum + mix(cellAt(hashes, key), cellAt(hashes, key + 1))) | 0
  }
  return mix(sum, OBJECT)
}

function hashArray(tape: Tape, array: number, hashes: Int32Array, states: (RuleState | null)[] | null): number {
  const orderless = states?.[array]?.array?.unordered === true
  let hash = 0
  const end = nextOf(tape, array)
  for (let child = array + 1; child < end; child = nextOf(tape, child)) {
    if (states?.[child]?.ignore) continue
    const item = mix(cellAt(hashes, child), 7)
    hash = orderless ? (hash + item) | 0 : mix(hash, item)
  }
  return mix(hash, ARRAY)
}

function hashString(tape: Tape, node: number): number {
  // Escaped and plain spellings of one string must meet. Invalid bytes only equal themselves.
  if (hasFlag(tape, node, ESCAPED) && !hasFlag(tape, node, INVALID)) return hashChars(stringText(tape, node))
  const { bytes } = tape
  const end = endOf(tape, node) - 1
  let hash = FNV_OFFSET
  for (let i = startOf(tape, node) + 1; i < end; i++) {
    const byte = byteAt(bytes, i)
    if (byte >= 0x80) return hashChars(hasFlag(tape, node, INVALID) ? rawText(tape, node) : stringText(tape, node))
    hash = Math.imul(hash ^ byte, FNV_PRIME)
  }
  return hash
}

const FNV_OFFSET = 0x811c9dc5 | 0
const FNV_PRIME = 0x01000193

function hashChars(text: string): number {
  let hash = FNV_OFFSET
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME)
  return hash
}

/** Murmur3's finalizer over both: sums of mixed values do not cancel for small differences. */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}
