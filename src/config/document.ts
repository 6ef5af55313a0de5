/**
 * A YAML text as plain values, with the place of every key and value, and `${…}` substituted.
 *
 * The walk over the syntax tree is ours rather than the library's `toJS`: it must know where each value stands,
 * and it bounds what aliases expand to (a page of them can otherwise stand for gigabytes) and how deep lists nest.
 */
import type { Alias, ParsedNode, YAMLMap, YAMLSeq } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { decodeText, endOf } from './decode.ts'
import type { ConfigProblem, Env, Path } from './problem.ts'
import { pathText } from './problem.ts'
import { mask, substitute } from './substitute.ts'
import { syntaxFaults } from './syntax.ts'
import { emptyTree } from './tree.ts'
import type { Tree } from './tree.ts'

export interface Place {
  readonly line: number
  readonly column: number
}

export interface ConfigDocument {
  readonly tree: Tree
  /** Where a value stands; of a value that is not there: where the map stands that lacks it. */
  place(path: Path): Place
  /** Where the key of a value stands. */
  placeOfKey(path: Path): Place
  /** Paths whose value is unknown because a variable is not set: nothing more is to be said about them. */
  readonly unknown: readonly Path[]
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
}

const MAX_DEPTH = 64
/** What aliases may add to a document; the file itself is bounded by its size. */
const MAX_ALIASED = 20_000
const START: Place = { line: 1, column: 1 }

/** `file`: the name problems are to give it. A list of problems alone: the text is no document at all. */
export function readDocument(bytes: Uint8Array, file: string, env: Env): ConfigDocument | readonly ConfigProblem[] {
  const at = (place: Place, where: string, message: string): ConfigProblem => ({ file, ...place, where, message })
  const decoded = decodeText(bytes)
  if (!decoded.ok) return [at(endOf(decoded.before), 'file', decoded.message)]
  const masked = mask(decoded.text)
  const lines = new LineCounter()
  // Keys given twice are found by the walk: the library's own search takes the square of a map's size.
  const options = { prettyErrors: false, stringKeys: true, uniqueKeys: false, logLevel: 'error' } as const
  const document = parseDocument(masked.text, { ...options, lineCounter: lines })
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return line === 0 ? START : { line, column: col }
  }
  const faults = syntaxFaults(document, masked.unmask, (offset) => placeAt(offset).line)
  if (faults.length > 0) return faults.map((fault) => at(placeAt(fault.offset), 'yaml', fault.message))
  const root = document.contents
  if (root === null || (isScalar(root) && root.value === null))
    return [at(START, 'file', 'is empty; write at least backends: and routes: (the command init writes a start)')]
  if (!isMap(root))
    return [at(placeAt(root.range[0]), 'file', `holds ${isSeq(root) ? 'a list' : 'a text'}; write a map with the keys backends and routes`)]
  const walk = new Walk(env, masked.unmask)
  const tree = walk.map(root, [])
  const problems = walk.faults.map((fault) => at(placeAt(fault.offset), pathText(fault.path), fault.message))
  const warnings = decoded.bom
    ? [at(START, 'file', 'begins with a byte order mark; it is skipped here, but other tools stumble over it: save as UTF-8 without BOM')]
    : []
  const place = (path: Path): Place => {
    for (let length = path.length; length >= 0; length--) {
      const offset = walk.values.get(keyOf(path.slice(0, length)))
      if (offset !== undefined) return placeAt(offset)
    }
    return START
  }
  const placeOfKey = (path: Path): Place => {
    const offset = walk.keys.get(keyOf(path))
    return offset === undefined ? place(path) : placeAt(offset)
  }
  return { tree, place, placeOfKey, unknown: walk.unknown, problems, warnings }
}

/** NUL cannot be in the text, so different paths have different keys. */
function keyOf(path: Path): string {
  return path.join('\0')
}

interface WalkFault {
  readonly offset: number
  readonly path: Path
  readonly message: string
}

/** One pass over the syntax tree in document order (an anchor stands before its aliases). */
class Walk {
  readonly faults: WalkFault[] = []
  readonly values = new Map<string, number>()
  readonly keys = new Map<string, number>()
  readonly unknown: Path[] = []
  readonly #anchors = new Map<string, ParsedNode>()
  readonly #env: Env
  readonly #unmask: (text: string) => string
  #aliased = 0
  /** Aliases being followed right now. */
  #following = 0
  #tooDeep = false

  constructor(env: Env, unmask: (text: string) => string) {
    this.#env = env
    this.#unmask = unmask
  }

  map(node: YAMLMap.Parsed, path: Path): Tree {
    const out = emptyTree()
    this.#enter(node, path)
    for (const pair of node.items) {
      const key = this.#unmask(isScalar(pair.key) ? String(pair.key.value) : '')
      const child = [...path, key]
      if (Object.hasOwn(out, key) && this.#following === 0)
        this.faults.push({ offset: pair.key.range[0], path: child, message: 'is there twice in its map; keep one of them' })
      this.keys.set(keyOf(child), pair.key.range[0])
      if (pair.value === null) {
        this.values.set(keyOf(child), pair.key.range[0])
        out[key] = null
      } else out[key] = this.#value(pair.value, child)
    }
    return out
  }

  #value(node: ParsedNode, path: Path): unknown {
    if (path.length > MAX_DEPTH) return this.#deep(path)
    if (this.#following > 0 && ++this.#aliased > MAX_ALIASED) return this.#multiplied(path)
    if (isAlias(node)) return this.#alias(node, path)
    if (isMap(node)) return this.map(node, path)
    if (isSeq(node)) return this.#list(node, path)
    this.#enter(node, path)
    return typeof node.value === 'string' ? this.#text(node.value, path, node.range[0]) : node.value
  }

  #alias(node: Alias.Parsed, path: Path): unknown {
    const target = this.#anchors.get(node.source)
    if (target === undefined)
      return this.#fault(path, `*${node.source} stands for nothing; write &${node.source} before a value above it`, node.range[0])
    this.#following++
    const value = this.#value(target, path)
    this.#following--
    this.values.set(keyOf(path), node.range[0])
    return value
  }

  /** Said once: an alias inside what it stands for goes on for ever, in every branch. */
  #deep(path: Path): null {
    if (this.#tooDeep) return null
    this.#tooDeep = true
    return this.#fault(path.slice(0, 1), `is nested deeper than ${MAX_DEPTH} levels; no setting is`)
  }

  #multiplied(path: Path): null {
    if (this.#aliased > MAX_ALIASED + 1) return null
    return this.#fault(path.slice(0, 1), `its aliases stand for more than ${MAX_ALIASED} values; write fewer of them`)
  }

  #list(node: YAMLSeq.Parsed, path: Path): unknown[] {
    this.#enter(node, path)
    return node.items.map((item, index) => this.#value(item, [...path, index]))
  }

  #text(masked: string, path: Path, offset: number): string {
    const { text, missing } = substitute(this.#unmask(masked), this.#env)
    for (const message of missing) this.faults.push({ offset, path, message })
    if (missing.length > 0) this.unknown.push(path)
    return text
  }

  #enter(node: ParsedNode, path: Path): void {
    this.values.set(keyOf(path), node.range[0])
    if (!isAlias(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, node)
  }

  #fault(path: Path, message: string, offset = this.keys.get(keyOf(path)) ?? 0): null {
    this.faults.push({ offset, path, message })
    this.unknown.push(path)
    return null
  }
}
