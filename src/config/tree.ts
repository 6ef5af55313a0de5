/** Plain values of a document: looking into them, laying one over another, making them immutable. */
import type { Path } from './problem.ts'

/** A map of the document; it has no prototype, so that no key can be mistaken for a method. */
export type Tree = Readonly<Record<string, unknown>>

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** undefined: not there. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step] as unknown
    else if (isTree(value) && Object.hasOwn(value, step)) value = value[step]
    else return undefined
  }
  return value
}

export function emptyTree(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

/** `over` laid on `base`: maps key by key, everything else, lists and nulls included, replaced whole. */
export function overlay(base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (!isTree(base) || !isTree(over)) return over
  const merged = Object.assign(emptyTree(), base)
  for (const [key, value] of Object.entries(over)) merged[key] = overlay(base[key], value)
  return merged
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
