/**
 * Makes a pair fit to be kept: what is secret by name, by look or by configuration becomes a sealed mark.
 *
 * Works on values before they are shortened for show: half a card number would not be recognised.
 * Bodies that are no JSON have no fields to go by, so of them only type and size are kept.
 */
import type { Answer, Budget } from '../core/diff/comparison.ts'
import { pathOf, variesByShape } from '../core/diff/endpoint.ts'
import { headerOf, parseMediaType } from '../core/diff/headers.ts'
import { parseJson } from '../core/diff/json.ts'
import { canonicalNumber } from '../core/diff/number.ts'
import { ANY_SEGMENT, escapeSegment, segmentsOf } from '../core/diff/pointer.ts'
import { compilePatterns, type RuleState } from '../core/diff/rules.ts'
import type { Difference } from '../core/model/finding.ts'
import { printRedacted } from './redact-json.ts'
import type { Seal } from './seal.ts'
import { holdsSecret, isSecretName } from './secrets.ts'

export interface Redactor {
  /** The path of a difference, fit to name a finding. */
  path(path: string): string
  differences(list: readonly Difference[]): readonly Difference[]
  headers(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>>
  /** A request target or URL: the query's values go, and what looks secret in the path. */
  target(target: string): string
  requestId(id: string): string
  body(answer: Answer): string
}

/** Longest value shown. */
const MAX_SHOWN = 200
const MAX_BODY_CHARS = 8 * 1024
const PARSE_BUDGET: Pick<Budget, 'depth' | 'nodes'> = { depth: 1_000, nodes: 1_000_000 }
const URL_HEADERS: ReadonlySet<string> = new Set(['location', 'content-location', 'referer', 'origin', 'refresh', 'link'])

/** `patterns`: JSON Pointers with `*` of further secret fields; everything below them is secret too. */
export function createRedactor(patterns: readonly string[], seal: Seal): Redactor {
  const listed = compilePatterns(patterns.map(anyIndex))
  return {
    path: (path) => placeOf(path, listed).path,
    differences: (list) => list.map((difference) => redactDifference(difference, listed, seal)),
    headers: (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, redactHeader(name, value, seal)])),
    target: (target) => redactTarget(target, seal),
    requestId: (id) => (looksLikeRequestId(id) || !holdsSecret(id) ? shorten(id) : seal(id)),
    body: (answer) => redactBody(answer, listed, seal),
  }
}

/** The paths of differences hold no indexes, so a rule that names one element is taken to mean all. */
function anyIndex(pattern: string): string {
  return pattern.replaceAll(/\/\d+(?=\/|$)/g, `/${ANY_SEGMENT}`)
}

interface Place {
  /** The path fit to be shown. */
  readonly path: string
  readonly secret: boolean
}

/**
 * Keys that are data (ids, dates, addresses in a map) become `*`, and so do all keys below a secret name
 * or a listed place: findings neither grow with the data nor carry it.
 */
function placeOf(path: string, listed: RuleState | null): Place {
  let state = listed
  let secret = state?.ignore === true
  if (!path.startsWith('/')) return { path, secret }
  const shown = segmentsOf(path).map((key) => {
    const hidden = secret || variesByShape(key) || holdsSecret(key)
    state = state?.child(key) ?? null
    secret ||= isSecretName(key) || state?.ignore === true
    return hidden ? ANY_SEGMENT : escapeSegment(key)
  })
  return { path: `/${shown.join('/')}`, secret }
}

function redactDifference(difference: Difference, listed: RuleState | null, seal: Seal): Difference {
  const { path, kind, v1, v2 } = difference
  if (kind === 'status' || path === 'body') return difference
  const place = placeOf(path, listed)
  const show = kind === 'header' ? headerShow(path.slice('header:'.length), seal) : valueShow(place.secret, seal)
  return { path: place.path, kind, v1: v1 === null ? null : show(v1), v2: v2 === null ? null : show(v2) }
}

function headerShow(name: string, seal: Seal): (value: string) => string {
  return (value) => redactHeader(name, value, seal)
}

/** `json`: the JSON text of a scalar, or the size of a container in brackets. */
function valueShow(secret: boolean, seal: Seal): (json: string) => string {
  return (json) => {
    const first = json.charAt(0)
    if (first === '{' || first === '[') return json
    const text = first === '"' ? String(JSON.parse(json)) : json
    const number = first === '-' || (first >= '0' && first <= '9')
    // null, true and false say that there is no secret.
    if ((secret && (number || first === '"') && text !== '') || holdsSecret(text)) return seal(number ? canonicalNumber(text) : text)
    return shorten(json)
  }
}

function redactHeader(name: string, value: string, seal: Seal): string {
  if (value === '') return value
  if (isSecretName(name)) return seal(value)
  const text = URL_HEADERS.has(name) ? redactTarget(value, seal) : value
  return holdsSecret(withoutMarks(text)) ? seal(value) : shorten(text)
}

/** Ids as tracers and proxies make them stay readable: they are what one looks for in other logs. */
function looksLikeRequestId(id: string): boolean {
  return /^[0-9a-f-]{16,55}$/i.test(id) || /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id)
}

function redactTarget(target: string, seal: Seal): string {
  const question = target.indexOf('?')
  const path = question === -1 ? target : target.slice(0, question)
  const origin = path.slice(0, path.length - pathOf(path).length)
  const segments = (origin === '' ? path : pathOf(path)).split('/').map((segment) => redactSegment(segment, seal))
  const shown = `${holdsSecret(origin) ? seal(origin) : origin}${segments.join('/')}`
  if (question === -1) return shorten(shown)
  const query = target
    .slice(question + 1)
    .split('&')
    .map((parameter) => redactParameter(parameter, seal))
  return shorten(`${shown}?${query.join('&')}`)
}

/** Path parameters (`;jsessionid=…`) are secret, whatever their name. */
function redactSegment(segment: string, seal: Seal): string {
  const [name = '', ...parameters] = segment.split(';')
  const kept = holdsSecret(decoded(name)) ? seal(name) : name
  return [kept, ...parameters.map((text) => seal(text))].join(';')
}

/** Only what cannot be a secret stays: small numbers, and the words of sorting and switching. */
const PLAIN_VALUE = /^(?:\d{1,9}|true|false|asc|desc|)$/

function redactParameter(parameter: string, seal: Seal): string {
  const equals = parameter.indexOf('=')
  const name = equals === -1 ? parameter : parameter.slice(0, equals)
  const plainName = decoded(name)
  const shownName = holdsSecret(plainName) || variesByShape(plainName) ? seal(name) : name
  if (equals === -1) return shownName
  const value = parameter.slice(equals + 1)
  return `${shownName}=${PLAIN_VALUE.test(value) && !isSecretName(plainName) ? value : seal(value)}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function redactBody(answer: Answer, listed: RuleState | null, seal: Seal): string {
  if (answer.problem !== null) return `[not kept: ${answer.problem}]`
  if (answer.body.length === 0) return ''
  const tape = parseJson(answer.body, PARSE_BUDGET)
  if (typeof tape !== 'string') return printRedacted(tape, listed, seal, { maxChars: MAX_BODY_CHARS, maxValueChars: MAX_SHOWN })
  const type = parseMediaType(headerOf(answer.headers, 'content-type') ?? '').essence
  return `[not kept: ${holdsSecret(type) || type === '' ? 'no type' : type.slice(0, MAX_SHOWN)}, ${answer.body.length} bytes, ${seal(answer.body)}]`
}

function withoutMarks(text: string): string {
  return text.replaceAll(/\[redacted:[0-9a-f]{8}\]/g, '')
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
