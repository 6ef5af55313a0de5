/**
 * The endpoint of a request: its method and path with what varies replaced by `:id`.
 *
 * Findings are grouped by it, so it must not grow with the data (ids, dates, addresses) and must not
 * carry anybody's. Learnt from the shape of the segments alone: no state, so the same request has the
 * same endpoint on every replica and after every restart.
 */
export const ID_SEGMENT = ':id'

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const DATE = /^\d{4}-\d{2}(-\d{2})?([T ].*)?$/
/** Longer than any word somebody would put into a path by hand. */
const MAX_WORD = 40

/** `target` is the raw request target, one char per byte. */
export function endpointOf(method: string, target: string): string {
  const path = pathOf(target)
  return `${method} ${path === '*' ? '*' : path.split('/').map(templateSegment).join('/')}`
}

/** Absolute-form targets lose scheme and authority, all lose the query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  return path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '') || '/'
}

function templateSegment(segment: string): string {
  // Path parameters (`;jsessionid=…`) name a session, not an endpoint.
  const semicolon = segment.indexOf(';')
  const name = semicolon === -1 ? segment : segment.slice(0, semicolon)
  return variesByShape(name) || DATA_IN_PATH.test(name) ? ID_SEGMENT : name
}

/** In a path also: three digits in a row, `order-42`, addresses, escapes, and whatever is no plain text. */
const DATA_IN_PATH = /\d{3}|^[A-Za-z]{1,10}[-_]\d+$|[@%\s:=,]|[^\x20-\x7e]/

/**
 * Whether a path segment or object key looks like data rather than like a name somebody chose.
 *
 * Words with a digit (`v2`, `oauth2`, `sha256`, `line_1`) are names.
 */
export function variesByShape(text: string): boolean {
  if (text.length > MAX_WORD || /^-?\d+$/.test(text) || UUID.test(text) || DATE.test(text)) return true
  // Hexadecimal digests; ULIDs, nano ids, base64: long runs that mix letters and digits.
  return /\d/.test(text) && (/^[0-9a-f]{8,}$/i.test(text) || /[A-Za-z0-9]{16,}/.test(text))
}
