/**
 * The path a request is matched by: the target without its query, in one spelling.
 *
 * Two spellings that every backend reads alike (`%7Euser` and `~user`, `/a/./b` and `/a/b`) must not be able
 * to pick different routes, or a client could walk around a rule. What backends read differently stays apart:
 * `%2F` is no slash, `//` is not `/`, `;` is a plain character, case matters. Only this copy is normalised;
 * the raw target is what is forwarded.
 *
 * RFC 3986: 6.2.2.2 (unreserved escapes decoded), 6.2.2.1 (hex digits of the others in upper case), 5.2.4 (dot
 * segments). Bytes ≥ 0x80 and a stray `%` are written as escapes, which makes the function idempotent and lets
 * a config say `/café`.
 */
import { escapedByte } from './byte-string.ts'

const PERCENT = 0x25
const DOT = 0x2e
const SLASH = 0x2f
const QUESTION = 0x3f

/** `target` is in origin form (`/path?query`) or `*`. Returns the same string when there is nothing to do. */
export function canonicalPath(target: string): string {
  let previous = 0
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code === QUESTION) return target.slice(0, i)
    if (code === PERCENT || code > 0x7f || (code === DOT && previous === SLASH)) return normalise(target)
    previous = code
  }
  return target
}

function normalise(target: string): string {
  const query = target.indexOf('?')
  const path = canonicalEscapes(query < 0 ? target : target.slice(0, query))
  return path.includes('/.') ? removeDotSegments(path) : path
}

/** One spelling for every byte; also used on the literal parts of a route's glob. */
export function canonicalEscapes(path: string): string {
  let out = ''
  let from = 0
  let i = 0
  while (i < path.length) {
    const code = path.charCodeAt(i)
    if (code !== PERCENT && code > 0x20 && code < 0x7f) {
      i++
      continue
    }
    const escaped = code === PERCENT ? escapedByte(path, i) : -1
    const byte = escaped >= 0 ? escaped : code
    const text = isUnreserved(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    out += path.slice(from, i) + text
    i += escaped >= 0 ? 3 : 1
    from = i
  }
  return from === 0 ? path : out + path.slice(from)
}

/** RFC 3986 2.3: ALPHA, DIGIT, `-`, `.`, `_`, `~`. */
function isUnreserved(byte: number): boolean {
  const lower = byte | 0x20
  return (
    (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === DOT || byte === 0x5f || byte === 0x7e
  )
}

/** RFC 3986 5.2.4; going up from the root stays at the root, and a trailing dot segment leaves its slash. */
function removeDotSegments(path: string): string {
  const segments = path.split('/')
  const kept: string[] = []
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] ?? ''
    const isDot = segment === '.' || segment === '..'
    if (segment === '..') kept.pop()
    if (!isDot) kept.push(segment)
    else if (i === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}
