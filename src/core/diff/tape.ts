/**
 * A parsed JSON document as a flat tape of nodes that point into the bytes.
 *
 * Nothing is converted while parsing: numbers stay the digits that were sent and strings the bytes,
 * so whatever is compared later is compared exactly. A tree of JS objects would lose integers beyond
 * 2^53, duplicate keys and invalid UTF-8, and would need recursion to walk.
 *
 * Node n occupies four cells: kind and flags, first byte, byte after the last, node after its subtree.
 * An object's children alternate key, value; a node's children follow it directly.
 */
export const NULL = 0
export const TRUE = 1
export const FALSE = 2
export const NUMBER = 3
export const STRING = 4
export const ARRAY = 5
export const OBJECT = 6
const KIND_MASK = 7
/** The string holds at least one backslash escape. */
export const ESCAPED = 8
/** The string holds bytes that are not UTF-8. */
export const INVALID = 16

export interface Tape {
  readonly bytes: Uint8Array
  readonly cells: Int32Array
  readonly nodes: number
  /** The document began with a UTF-8 byte order mark. */
  readonly bom: boolean
}

/**
 * Reads a cell that is known to exist: `as` spares the hot loops a branch that is never taken (the walk
 * reads some thirty cells a node).
 */
export function cellAt(cells: Int32Array, index: number): number {
  return cells[index] as number
}

/** The same for bytes: a function of its own, so that each sees one kind of array. */
export function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}

export function kindOf(tape: Tape, node: number): number {
  return cellAt(tape.cells, node << 2) & KIND_MASK
}

export function startOf(tape: Tape, node: number): number {
  return cellAt(tape.cells, (node << 2) + 1)
}

export function endOf(tape: Tape, node: number): number {
  return cellAt(tape.cells, (node << 2) + 2)
}

/** The node after this one's subtree: its next sibling, or its parent's end. */
export function nextOf(tape: Tape, node: number): number {
  return cellAt(tape.cells, (node << 2) + 3)
}

export function isContainer(kind: number): boolean {
  return kind >= ARRAY
}

/** Children of an array, in order. */
export function elementsOf(tape: Tape, array: number): Int32Array {
  const elements = new Int32Array(sizeOf(tape, array))
  let node = array + 1
  for (let i = 0; i < elements.length; i++) {
    elements[i] = node
    node = nextOf(tape, node)
  }
  return elements
}

/** Elements of an array, or members of an object. */
export function sizeOf(tape: Tape, container: number): number {
  const end = nextOf(tape, container)
  let children = 0
  for (let node = container + 1; node < end; node = nextOf(tape, node)) children++
  return kindOf(tape, container) === OBJECT ? children / 2 : children
}

export function hasFlag(tape: Tape, node: number, flag: number): boolean {
  return (cellAt(tape.cells, node << 2) & flag) !== 0
}

export function sameRange(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) if (a[i] !== b[j]) return false
  return true
}

/** The node's bytes as they came, one char per byte. For numbers, which are ASCII, this is their text. */
export function rawText(tape: Tape, node: number): string {
  return latin1(tape.bytes, startOf(tape, node), endOf(tape, node))
}

// ignoreBOM: a U+FEFF at the start of a string is a character of it, not a mark to drop.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
/** Below this length a loop beats a call into the decoder. */
const SHORT = 24

/** The characters a string node stands for, escapes resolved; bytes that are not UTF-8 show as U+FFFD. */
export function stringText(tape: Tape, node: number): string {
  const start = startOf(tape, node) + 1
  const end = endOf(tape, node) - 1
  const plain = hasFlag(tape, node, ESCAPED) ? null : shortAscii(tape.bytes, start, end)
  if (plain !== null) return plain
  const text = utf8.decode(tape.bytes.subarray(start, end))
  return hasFlag(tape, node, ESCAPED) ? unescapeJson(text) : text
}

/**
 * Whether two strings (or keys) are the same sequence of UTF-16 units, however escaped.
 *
 * A string with invalid UTF-8 equals only the very same bytes: decoders disagree on what it means.
 */
export function sameString(a: Tape, x: number, b: Tape, y: number): boolean {
  if (sameRange(a.bytes, startOf(a, x), endOf(a, x), b.bytes, startOf(b, y), endOf(b, y))) return true
  if (!hasFlag(a, x, ESCAPED) && !hasFlag(b, y, ESCAPED)) return false
  if (hasFlag(a, x, INVALID) || hasFlag(b, y, INVALID)) return false
  return stringText(a, x) === stringText(b, y)
}

/** A text that is equal for two string nodes exactly when `sameString` says so. */
export function identityText(tape: Tape, node: number): string {
  return hasFlag(tape, node, INVALID) ? `x${rawText(tape, node)}` : `s${stringText(tape, node)}`
}

function shortAscii(bytes: Uint8Array, start: number, end: number): string | null {
  if (end - start > SHORT) return null
  let text = ''
  for (let i = start; i < end; i++) {
    const byte = byteAt(bytes, i)
    if (byte >= 0x80) return null
    text += String.fromCharCode(byte)
  }
  return text
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(byteAt(bytes, i))
  return text
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** Only called on what the parser accepted: every escape is complete. */
function unescapeJson(text: string): string {
  return text.replace(/\\(u.{4}|.)/g, (_escape, code: string) =>
    code.length === 5 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (NAMED.get(code) ?? code),
  )
}
