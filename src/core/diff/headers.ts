/**
 * Compares the listed headers, each by what its value means.
 *
 * `application/json` and `application/json; charset=UTF-8` are one type to every client, `gzip, br` and
 * `br, gzip` one list; a byte comparison would report both on every answer of a rewrite. Headers without
 * a known meaning are compared as they are.
 */
import type { Difference } from '../model/finding.ts'

/** Headers whose value is a set of tokens: neither order nor case means anything (RFC 9110 section 5.6.1 and their own sections). */
const TOKEN_SETS: ReadonlySet<string> = new Set([
  'accept-ranges',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-expose-headers',
  'allow',
  'cache-control',
  'content-language',
  'vary',
])

export function compareHeaders(
  v1: Readonly<Record<string, string>>,
  v2: Readonly<Record<string, string>>,
  names: readonly string[],
): Difference[] {
  const differences: Difference[] = []
  for (const name of names) {
    const left = headerOf(v1, name)
    const right = headerOf(v2, name)
    if (left === right) continue
    if (left !== null && right !== null && sameHeader(name, left, right)) continue
    differences.push({ path: `header:${name}`, kind: 'header', v1: left, v2: right })
  }
  return differences
}

/** Null when absent. Names come from the network, so the prototype's do not count. */
export function headerOf(headers: Readonly<Record<string, string>>, name: string): string | null {
  return Object.hasOwn(headers, name) ? (headers[name] ?? '').trim() : null
}

export interface MediaType {
  /** Lower case, `type/subtype`. */
  readonly essence: string
  /** Lower-case names, sorted, as `name=value`. */
  readonly parameters: readonly string[]
}

export function parseMediaType(value: string): MediaType {
  const [essence = '', ...rest] = value.split(';')
  const parameters = rest
    .map(parameter)
    .filter((text) => text !== '')
    .sort()
  return { essence: essence.trim().toLowerCase(), parameters }
}

export function isJsonType(essence: string): boolean {
  return essence === 'application/json' || essence === 'text/json' || essence.endsWith('+json')
}

function sameHeader(name: string, left: string, right: string): boolean {
  if (name === 'content-type') return mediaTypeText(left) === mediaTypeText(right)
  if (TOKEN_SETS.has(name)) return tokenSet(left) === tokenSet(right)
  return false
}

function mediaTypeText(value: string): string {
  const { essence, parameters } = parseMediaType(value)
  // RFC 8259 section 11: JSON is UTF-8 and defines no charset, so naming UTF-8 says nothing.
  // A multipart boundary is made up for every answer.
  const meaningful = parameters.filter((text) => !(isJsonType(essence) && text === 'charset=utf-8') && !text.startsWith('boundary='))
  return [essence, ...meaningful].join(';')
}

function parameter(text: string): string {
  const [name = '', ...rest] = text.split('=')
  const key = name.trim().toLowerCase()
  if (key === '') return ''
  const value = rest
    .join('=')
    .trim()
    .replace(/^"(.*)"$/, '$1')
  return `${key}=${key === 'charset' ? value.toLowerCase() : value}`
}

function tokenSet(value: string): string {
  const tokens = value.split(',').map((token) => token.trim().toLowerCase())
  return [...new Set(tokens.filter((token) => token !== ''))].sort().join(',')
}
