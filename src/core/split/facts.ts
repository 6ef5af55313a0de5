/**
 * What a decision may look at: one request, as the rules see it.
 *
 * The data thread answers these questions straight from the bytes of the request head; `explain` and tests
 * from a made-up request. Strings are byte strings. A client's own `X-Banyan-*` headers are removed before.
 */
export interface RequestFacts {
  /** As received, case-sensitive. */
  readonly method: string
  /** Raw, origin form (`/path?query`) or `*`: absolute-form targets are reduced by the caller. */
  readonly target: string
  /** Lower-case, without port. */
  readonly host: string
  /** Canonical text; empty when there is no trusted knowledge of it. */
  readonly clientAddress: string
  /** Canonical text of the peer; empty on a unix socket. */
  readonly directAddress: string
  /** First occurrence, outer whitespace trimmed; null when absent. `name` is lower-case. */
  header(name: string): string | null
  /** Every occurrence, in order. */
  headers(name: string): readonly string[]
}

export interface MadeUpRequest {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly clientAddress?: string
  readonly directAddress?: string
}

/** Facts of a request nobody sent: `explain`, plans, tests. Names in any case; values are byte strings. */
export function createFacts(request: MadeUpRequest): RequestFacts {
  const lines = (request.headers ?? []).map(([name, value]) => ({ name: name.toLowerCase(), value: value.replace(/^[ \t]+|[ \t]+$/g, '') }))
  return {
    method: request.method ?? 'GET',
    target: request.target ?? '/',
    host: request.host ?? '',
    clientAddress: request.clientAddress ?? '',
    directAddress: request.directAddress ?? '',
    header: (name) => lines.find((line) => line.name === name)?.value ?? null,
    headers: (name) => lines.filter((line) => line.name === name).map((line) => line.value),
  }
}

/** The method a CORS preflight asks about; null for every other request (Fetch standard, "CORS-preflight request"). */
export function preflightMethod(facts: RequestFacts): string | null {
  if (facts.method !== 'OPTIONS') return null
  const asked = facts.header('access-control-request-method')
  return asked === '' ? null : asked
}
