/**
 * JSON Pointer (RFC 6901) with `*` for one segment of any name: how rules name places and findings show them.
 *
 * A key that is itself `*` cannot be told from the wildcard; a rule written from such a finding matches
 * that key and its siblings, never less.
 */
export const ANY_SEGMENT = '*'

export function escapeSegment(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
}

export function unescapeSegment(segment: string): string {
  return segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment
}

/** What is wrong with a pattern, as "is …, should be …" for a config error; null when it is fine. */
export function pointerProblem(pattern: string): string | null {
  if (pattern !== '' && !pattern.startsWith('/')) {
    return `'${pattern}' is no JSON Pointer: it must start with '/', for example '/items/*/price'`
  }
  if (/~(?![01])/.test(pattern)) return `'${pattern}' has a '~' that is neither '~0' (for '~') nor '~1' (for '/')`
  return null
}

/** The unescaped segments; `''` is the whole document and has none. */
export function segmentsOf(pattern: string): readonly string[] {
  return pattern === '' ? [] : pattern.slice(1).split('/').map(unescapeSegment)
}
