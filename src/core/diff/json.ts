/**
 * An exact JSON parser (RFC 8259) without recursion: bytes in, tape out.
 *
 * `JSON.parse` rounds numbers and drops duplicate keys, and lossless-json recurses (5 million brackets
 * end the thread), so both were refused. The grammar is the strict one; what is compared "as sent"
 * (odd numbers, duplicate keys, invalid UTF-8 inside strings) is kept, not repaired. A leading byte
 * order mark is noted and skipped.
 */
import type { Budget } from './comparison.ts'
import { ARRAY, cellAt, ESCAPED, FALSE, INVALID, NULL, NUMBER, OBJECT, STRING, type Tape, TRUE } from './tape.ts'
import { isUtf8 } from './utf8.ts'

export type JsonProblem = 'not-json' | 'too-deep' | 'too-large'

export function parseJson(bytes: Uint8Array, budget: Pick<Budget, 'depth' | 'nodes'>): Tape | JsonProblem {
  return new Parser(bytes, budget).run()
}

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** No byte: the end of the input. */
const END = -1

class Parser {
  readonly #bytes: Uint8Array
  readonly #maxDepth: number
  readonly #maxNodes: number
  #pos = 0
  #cells: Int32Array
  #nodes = 0
  /** Nodes of the containers not closed yet. */
  #open = new Int32Array(32)
  #depth = 0
  #problem: JsonProblem = 'not-json'

  constructor(bytes: Uint8Array, budget: Pick<Budget, 'depth' | 'nodes'>) {
    this.#bytes = bytes
    this.#maxDepth = budget.depth
    this.#maxNodes = budget.nodes
    // Ordinary JSON has a node every 10 to 20 bytes; a dense one makes the tape grow.
    this.#cells = new Int32Array((bytes.length >>> 3) * 4 + 64)
  }

  run(): Tape | JsonProblem {
    const bytes = this.#bytes
    const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    if (bom) this.#pos = 3
    if (!this.#document() || this.#peek() !== END) return this.#problem
    return { bytes, cells: this.#cells, nodes: this.#nodes, bom }
  }

  #document(): boolean {
    for (;;) {
      const byte = this.#peek()
      const opens = byte === OPEN_OBJECT || byte === OPEN_ARRAY
      if (opens) {
        if (!this.#enter(byte)) return false
        if (this.#peek() !== byte + 2) {
          if (byte === OPEN_OBJECT && !this.#key()) return false
          continue
        }
      } else if (!this.#scalar(byte)) return false
      // A value ended, or an empty container is about to: close what closes, up to the next value.
      if (!this.#close()) return false
      if (this.#depth === 0) return true
    }
  }

  /** Consumes closers and at most one comma (and the key after it). */
  #close(): boolean {
    while (this.#depth > 0) {
      const node = cellAt(this.#open, this.#depth - 1)
      const inObject = this.#cells[node << 2] === OBJECT
      const byte = this.#peek()
      if (byte === COMMA) {
        this.#pos++
        // A comma right after the opening bracket cannot get here: `[` wants a value or `]`.
        return inObject ? this.#key() : true
      }
      if (byte !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return false
      this.#pos++
      this.#depth--
      this.#cells[(node << 2) + 2] = this.#pos
      this.#cells[(node << 2) + 3] = this.#nodes
    }
    return true
  }

  #enter(byte: number): boolean {
    if (this.#depth >= this.#maxDepth) return this.#fail('too-deep')
    const node = this.#nodes
    if (!this.#node(byte === OPEN_OBJECT ? OBJECT : ARRAY, this.#pos, 0)) return false
    if (this.#depth === this.#open.length) this.#open = grown(this.#open)
    this.#open[this.#depth++] = node
    this.#pos++
    return true
  }

  #key(): boolean {
    if (this.#peek() !== QUOTE || !this.#string() || this.#peek() !== COLON) return false
    this.#pos++
    return true
  }

  #scalar(byte: number): boolean {
    switch (byte) {
      case QUOTE:
        return this.#string()
      case 0x6e:
        return this.#literal('null', NULL)
      case 0x74:
        return this.#literal('true', TRUE)
      case 0x66:
        return this.#literal('false', FALSE)
      default:
        return this.#number()
    }
  }

  #literal(word: string, kind: number): boolean {
    const start = this.#pos
    for (let i = 0; i < word.length; i++) if (this.#bytes[start + i] !== word.charCodeAt(i)) return false
    this.#pos = start + word.length
    return this.#node(kind, start, this.#pos)
  }

  #number(): boolean {
    const bytes = this.#bytes
    const start = this.#pos
    let i = bytes[start] === MINUS ? start + 1 : start
    const whole = digitsEnd(bytes, i)
    // At least one digit, and no leading zero before another.
    if (whole === i || (bytes[i] === ZERO && whole > i + 1)) return false
    i = whole
    if (bytes[i] === DOT) {
      const fraction = digitsEnd(bytes, i + 1)
      if (fraction === i + 1) return false
      i = fraction
    }
    const e = bytes[i]
    if (e === 0x65 || e === 0x45) {
      const sign = bytes[i + 1]
      const from = sign === 0x2b || sign === MINUS ? i + 2 : i + 1
      const exponent = digitsEnd(bytes, from)
      if (exponent === from) return false
      i = exponent
    }
    this.#pos = i
    return this.#node(NUMBER, start, i)
  }

  #string(): boolean {
    const bytes = this.#bytes
    const start = this.#pos
    let flags = STRING
    let seen = 0
    let i = start + 1
    for (;;) {
      const byte = bytes[i]
      if (byte === undefined || byte < 0x20) return false
      if (byte === QUOTE) break
      if (byte === BACKSLASH) {
        flags |= ESCAPED
        i = escapeEnd(bytes, i)
        if (i === END) return false
      } else {
        seen |= byte
        i++
      }
    }
    if (seen >= 0x80 && !isUtf8(bytes, start + 1, i)) flags |= INVALID
    this.#pos = i + 1
    return this.#node(flags, start, i + 1)
  }

  #node(kind: number, start: number, end: number): boolean {
    const node = this.#nodes
    if (node >= this.#maxNodes) return this.#fail('too-large')
    const cell = node << 2
    if (cell === this.#cells.length) this.#cells = grown(this.#cells)
    const cells = this.#cells
    cells[cell] = kind
    cells[cell + 1] = start
    cells[cell + 2] = end
    cells[cell + 3] = node + 1
    this.#nodes = node + 1
    return true
  }

  /** The next byte that is no white space, left unread; END past the last. */
  #peek(): number {
    const bytes = this.#bytes
    let i = this.#pos
    let byte = bytes[i]
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++i]
    this.#pos = i
    return byte ?? END
  }

  #fail(problem: JsonProblem): false {
    this.#problem = problem
    return false
  }
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let i = from
  for (;;) {
    const byte = bytes[i]
    if (byte === undefined || byte < 0x30 || byte > 0x39) return i
    i++
  }
}

/** Position after the escape that starts at the backslash, END when it is none. */
function escapeEnd(bytes: Uint8Array, at: number): number {
  switch (bytes[at + 1] ?? END) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2
    case 0x75:
      for (let i = at + 2; i < at + 6; i++) if (!isHex(bytes[i] ?? END)) return END
      return at + 6
    default:
      return END
  }
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66)
}

function grown(cells: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(cells.length * 2)
  larger.set(cells)
  return larger
}
