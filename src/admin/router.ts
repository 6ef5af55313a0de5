/** The table of the API's paths: method, pattern, who may call, what runs. Matching is exact, segment by segment. */
import { problem } from './problem.ts'
import type { Answer } from './answer.ts'
import type { Need } from './auth.ts'
import type { Problem } from './problem.ts'

export type Method = 'GET' | 'PUT' | 'POST'

export interface Call {
  /** Who asks: a token's name, or `local`. */
  readonly actor: string
  /** Percent-decoded `:name` segments of the pattern. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Whole body as text; empty where the endpoint takes none. */
  readonly body: string
  readonly ifMatch: string | undefined
}

export interface Endpoint {
  readonly method: Method
  /** Segments; `:name` stands for any one non-empty segment. */
  readonly path: string
  readonly need: Need
  /** Media types of the body; null = takes none. */
  readonly takes: { readonly types: readonly string[]; readonly capBytes: number } | null
  readonly run: (call: Call) => Answer | Promise<Answer>
}

export interface Found {
  readonly endpoint: Endpoint
  readonly params: Readonly<Record<string, string>>
}

/** HEAD is answered wherever GET is. */
export function findEndpoint(endpoints: readonly Endpoint[], method: string, path: string): Found | Problem {
  const segments = path.split('/')
  const allowed = new Set<string>()
  for (const endpoint of endpoints) {
    const params = matchPath(endpoint.path.split('/'), segments)
    if (params === null) continue
    if (endpoint.method === method || (endpoint.method === 'GET' && method === 'HEAD')) return { endpoint, params }
    allowed.add(endpoint.method)
    if (endpoint.method === 'GET') allowed.add('HEAD')
  }
  if (allowed.size === 0) {
    return problem(
      'not-found',
      `there is nothing at ${JSON.stringify(path)}: the API is under /api/v1/, health at /healthz and /readyz, metrics at /metrics`,
    )
  }
  const allow = [...allowed].join(', ')
  return problem('method-not-allowed', `${path} takes ${allow}, not ${method}`, { headers: { allow } })
}

function matchPath(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (!part.startsWith(':')) {
      if (part !== segment) return null
      continue
    }
    const value = decode(segment)
    if (value === null || value === '') return null
    params[part.slice(1)] = value
  }
  return params
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
