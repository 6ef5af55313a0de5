/**
 * Collects differences: one per (path pattern, kind), however many elements show it.
 *
 * Paths are kept as links to the keys' bytes and written out only for what differs. They are written
 * by a loop: a path may have as many segments as the budget has depth.
 */
import type { Difference, DifferenceKind } from '../model/finding.ts'
import { ANY_SEGMENT, escapeSegment } from './pointer.ts'
import { ARRAY, FALSE, isContainer, kindOf, NUMBER, rawText, sizeOf, stringText, type Tape } from './tape.ts'

/** Node index of "nothing there". */
export const ABSENT = -1

/** One segment below `parent`; null stands for the document itself. */
export class Path {
  readonly parent: Path | null
  readonly #tape: Tape | null
  readonly #key: number
  #text: string | null = null

  /** An element of any index when `tape` is null, else the member under that key node. */
  constructor(parent: Path | null, tape: Tape | null, key: number) {
    this.parent = parent
    this.#tape = tape
    this.#key = key
  }

  /** The JSON Pointer pattern. */
  text(): string {
    if (this.#text !== null) return this.#text
    const segments = [this.#segment()]
    let above = this.parent
    while (above !== null && above.#text === null) {
      segments.push(above.#segment())
      above = above.parent
    }
    const start = above === null ? '' : (above.#text ?? '')
    this.#text = `${start}/${segments.reverse().join('/')}`
    return this.#text
  }

  #segment(): string {
    return this.#tape === null ? ANY_SEGMENT : escapeSegment(stringText(this.#tape, this.#key))
  }
}

export class Report {
  readonly differences: Difference[] = []
  /** The budget for differences ran out. */
  cut = false
  readonly #seen = new Set<string>()
  readonly #budget: number

  constructor(budget: number) {
    this.#budget = budget
  }

  add(path: Path | null, kind: DifferenceKind, a: Tape, x: number, b: Tape, y: number): void {
    const text = path === null ? '' : siblingCached(path)
    const id = `${kind} ${text}`
    if (this.#seen.has(id)) return
    if (this.differences.length >= this.#budget) {
      this.cut = true
      return
    }
    this.#seen.add(id)
    this.differences.push({ path: text, kind, v1: valueText(a, x), v2: valueText(b, y) })
  }
}

/** Writes out the parent first, so that its other members find its text ready. */
function siblingCached(path: Path): string {
  path.parent?.text()
  return path.text()
}

/**
 * Longest text of a value in a difference. Long enough for whoever redacts to recognise what it is
 * before it is shortened for show.
 */
const MAX_VALUE_CHARS = 4_096

/** A scalar as JSON text, a container by its size; null for what is absent. */
function valueText(tape: Tape, node: number): string | null {
  if (node === ABSENT) return null
  const kind = kindOf(tape, node)
  if (isContainer(kind)) return kind === ARRAY ? `[${sizeOf(tape, node)} items]` : `{${sizeOf(tape, node)} members}`
  if (kind === NUMBER) return rawText(tape, node).slice(0, MAX_VALUE_CHARS)
  if (kind <= FALSE) return rawText(tape, node)
  return JSON.stringify(stringText(tape, node).slice(0, MAX_VALUE_CHARS))
}
