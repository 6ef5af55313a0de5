/**
 * Path globs of routes: `*` within a segment, `/**` zero or more segments, `{name}` one segment kept by name.
 *
 * Compiled once, matched without splitting the path. Exact paths and `prefix/**`, which is what routes nearly
 * always are, have a comparison of their own. The general matcher remembers only the last `**` (or `*`) to go
 * back to, so its cost is bounded by path × pattern: no pattern can be made to explode, unlike a regular expression.
 */
import { percentDecode, utf8Bytes } from './byte-string.ts'
import { canonicalEscapes } from './path.ts'

type GlobKind = 'any' | 'exact' | 'prefix' | 'segments'

export interface Glob {
  readonly kind: GlobKind
  /** The whole path of `exact`, the part before `/**` of `prefix`; empty otherwise. */
  readonly literal: string
  readonly segments: readonly Segment[]
}

interface Segment {
  readonly kind: 'literal' | 'star' | 'param' | 'rest'
  /** Text of a literal, name of a parameter. */
  readonly text: string
  /** Literal pieces around the stars of `star`; at least two. */
  readonly pieces: readonly string[]
}

const SLASH = 0x2f
const PARAM = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}$/

/** What is wrong with a pattern and what would be right; null when it is good. */
export function globProblem(pattern: string): string | null {
  if (!pattern.startsWith('/')) return `path "${pattern}" must begin with "/", for example "/api/orders/**"`
  const special = /[?#]/.exec(pattern)
  if (special !== null) return `path "${pattern}" must not contain "${special[0]}": routes match the path alone, without the query`
  const names: string[] = []
  for (const text of pattern.slice(1).split('/')) {
    const problem = segmentProblem(text, names)
    if (problem !== null) return `path "${pattern}": ${problem}`
  }
  return null
}

function segmentProblem(text: string, names: string[]): string | null {
  if (text === '.' || text === '..') return `the segment "${text}" never matches: dot segments are resolved before routes are looked up`
  if (text !== '**' && text.includes('**')) return `"**" must be a whole segment, as in "/api/**"; within a segment write "*"`
  const name = PARAM.exec(text)?.[1]
  if (name === undefined)
    return /[{}]/.test(text) ? `"${text}" must be "{name}": a whole segment, its name in letters, digits, "_" and "-"` : null
  if (names.includes(name)) return `the parameter {${name}} is there twice; give each a name of its own`
  names.push(name)
  return null
}

/** Compiles a pattern `globProblem` has nothing against (a segment that is no `*`, `**` or `{name}` is literal). */
export function compileGlob(pattern: string): Glob {
  const segments = pattern.slice(1).split('/').map(compileSegment)
  const last = segments.at(-1)
  const head = segments.slice(0, -1)
  const headIsLiteral = head.every((segment) => segment.kind === 'literal')
  const joined = head.map((segment) => `/${segment.text}`).join('')
  if (headIsLiteral && last?.kind === 'literal') return { kind: 'exact', literal: `${joined}/${last.text}`, segments }
  if (headIsLiteral && last?.kind === 'rest') return { kind: joined === '' ? 'any' : 'prefix', literal: joined, segments }
  return { kind: 'segments', literal: '', segments }
}

function compileSegment(text: string): Segment {
  if (text === '**') return { kind: 'rest', text: '', pieces: [] }
  const name = PARAM.exec(text)?.[1]
  if (name !== undefined) return { kind: 'param', text: name, pieces: [] }
  const pieces = text.split('*').map((piece) => canonicalEscapes(utf8Bytes(piece)))
  return pieces.length > 1 ? { kind: 'star', text: '', pieces } : { kind: 'literal', text: pieces[0] ?? '', pieces: [] }
}

/** Segments every matching path begins with: the key under which a route is looked up among many. */
export function literalHead(glob: Glob): readonly string[] {
  const end = glob.segments.findIndex((segment) => segment.kind !== 'literal')
  return (end < 0 ? glob.segments : glob.segments.slice(0, end)).map((segment) => segment.text)
}

/** `path` as `canonicalPath` gives it. */
export function globMatches(glob: Glob, path: string): boolean {
  switch (glob.kind) {
    case 'any':
      return true
    case 'exact':
      return path === glob.literal
    case 'prefix':
      return path.startsWith(glob.literal) && (path.length === glob.literal.length || path.charCodeAt(glob.literal.length) === SLASH)
    case 'segments':
      return matchSegments(glob.segments, path, null)
    default:
      return glob.kind satisfies never
  }
}

/** The percent-decoded bytes of a path parameter; null when the path does not match or has no such parameter. */
export function paramOf(glob: Glob, path: string, name: string): string | null {
  const index = glob.segments.findIndex((segment) => segment.kind === 'param' && segment.text === name)
  const starts: number[] = []
  if (index < 0 || !matchSegments(glob.segments, path, starts)) return null
  const from = starts[index] ?? 0
  return percentDecode(path.slice(from, segmentEnd(path, from)))
}

/** `starts`, when given, receives where in the path each matched segment of the pattern begins. */
function matchSegments(segments: readonly Segment[], path: string, starts: number[] | null): boolean {
  if (path.charCodeAt(0) !== SLASH) return false
  let at = 0
  let from = 1
  let restAt = -1
  let restFrom = 0
  while (from <= path.length) {
    const segment = segments[at]
    if (segment?.kind === 'rest') {
      if (at === segments.length - 1) return true
      restAt = at++
      restFrom = from
      continue
    }
    const to = segmentEnd(path, from)
    if (segment !== undefined && segmentMatches(segment, path, from, to)) {
      if (starts !== null) starts[at] = from
      at++
      from = to + 1
    } else if (restAt >= 0) {
      // Let the last `**` swallow one segment more and go on from there.
      restFrom = segmentEnd(path, restFrom) + 1
      from = restFrom
      at = restAt + 1
    } else return false
  }
  while (segments[at]?.kind === 'rest') at++
  return at === segments.length
}

function segmentEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from)
  return slash < 0 ? path.length : slash
}

function segmentMatches(segment: Segment, path: string, from: number, to: number): boolean {
  switch (segment.kind) {
    case 'literal':
      return to - from === segment.text.length && path.startsWith(segment.text, from)
    case 'param':
      // An empty segment names nobody.
      return to > from
    case 'star':
      return starMatches(segment.pieces, path, from, to)
    case 'rest':
      // Spans segments, so it is no match for one; the caller has dealt with it.
      return false
    default:
      return segment.kind satisfies never
  }
}

/** First piece at the start, last at the end, those between from left to right: the leftmost fit is never a worse one. */
function starMatches(pieces: readonly string[], path: string, from: number, to: number): boolean {
  const first = pieces[0] ?? ''
  const last = pieces[pieces.length - 1] ?? ''
  let at = from + first.length
  const end = to - last.length
  if (at > end || !path.startsWith(first, from) || !path.startsWith(last, end)) return false
  for (let i = 1; i < pieces.length - 1; i++) {
    const piece = pieces[i] ?? ''
    const found = path.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
