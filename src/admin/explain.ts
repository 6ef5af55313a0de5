/**
 * `GET explain`: a made-up request in query parameters, and which backend it would get.
 *
 * The data plane's strings are byte strings (one character = one byte as received), so texts that came
 * percent-encoded as UTF-8 are turned into their bytes here: `x-user-id: Zoë` must fall in the bucket it
 * falls in on the wire.
 */
import { EXPLAIN_QUERY, TOKEN, readQuery } from './input.ts'
import { isProblem, noSuchRoute, problem } from './problem.ts'
import { utf8Bytes } from '../core/split/byte-string.ts'
import type { Answer } from './answer.ts'
import type { Problem } from './problem.ts'
import type { Call, Endpoint } from './router.ts'
import type { AdminSource } from './source.ts'

export function explainEndpoint(source: AdminSource): Endpoint {
  return { method: 'GET', path: '/api/v1/explain', need: 'viewer', takes: null, run: (call) => explain(source, call) }
}

type HeaderLine = readonly [name: string, value: string]

async function explain(source: AdminSource, call: Call): Promise<Answer> {
  const query = readQuery(EXPLAIN_QUERY, call.query)
  if (isProblem(query)) return query
  const route = query.route ?? null
  if (route !== null && source.groupOf(route) === null) return noSuchRoute(source.status(), route)
  if (route === null && query.path === undefined) {
    return problem(
      'query-invalid',
      'neither route nor path is given: name a route (?route=orders), or a path to match (?path=/api/orders/7)',
    )
  }
  const headers = readHeaders(query.header)
  if (isProblem(headers)) return headers
  const cookies = readCookies(query.cookie)
  if (isProblem(cookies)) return cookies
  const result = await source.explain({
    route,
    method: query.method ?? 'GET',
    target: utf8Bytes(query.path ?? '/'),
    host: hostOf(query.host ?? headers.find(([name]) => name === 'host')?.[1] ?? ''),
    headers: [...headers, ...cookies],
    clientAddress: query.client ?? '',
  })
  if (result !== null) return { kind: 'json', body: result }
  return problem(
    'no-route-matches',
    `no route matches ${query.method ?? 'GET'} ${query.path ?? '/'}: the gateway answers such a request with 404`,
  )
}

function readHeaders(lines: readonly string[]): readonly HeaderLine[] | Problem {
  const headers: HeaderLine[] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
    if (!TOKEN.test(name) || hasControls(value)) {
      return problem('query-invalid', `header is ${JSON.stringify(line)}: it must be a header line like "x-user-id: alice"`)
    }
    headers.push([name, utf8Bytes(value)])
  }
  return headers
}

/** All cookies in one header, as browsers send them (RFC 6265 5.4). */
function readCookies(pairs: readonly string[]): readonly HeaderLine[] | Problem {
  for (const pair of pairs) {
    if (!/^[^=;\s]+=[^;]*$/.test(pair) || hasControls(pair)) {
      return problem('query-invalid', `cookie is ${JSON.stringify(pair)}: it must be a name and a value like "session=abc"`)
    }
  }
  return pairs.length === 0 ? [] : [['cookie', utf8Bytes(pairs.join('; '))]]
}

function hasControls(text: string): boolean {
  return /[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)
}

function hostOf(authority: string): string {
  return authority.toLowerCase().replace(/:\d*$/, '')
}
