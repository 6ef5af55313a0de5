/**
 * Errors of the admin API: problem+json (RFC 9457) with a stable `code`.
 *
 * The catalogue is closed, so scripts can switch over it and the README's table can be checked against
 * it. Refusals of a command carry the code that `apply` gave them instead.
 */
import { STATUS_CODES } from 'node:http'
import type { Refusal } from '../core/model/control.ts'
import type { StatusBody } from '../core/model/status.ts'

/** code → status. */
export const ADMIN_ERRORS = {
  'body-invalid': 400,
  'query-invalid': 400,
  'target-invalid': 400,
  'request-malformed': 400,
  'token-missing': 401,
  'token-wrong': 401,
  'token-not-set': 403,
  'operator-needed': 403,
  'host-unknown': 403,
  'origin-refused': 403,
  'not-found': 404,
  'no-such-route': 404,
  'no-route-matches': 404,
  'no-such-sample': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'body-too-large': 413,
  'content-type': 415,
  'config-invalid': 422,
  'head-too-large': 431,
  internal: 500,
  'not-yet': 501,
  'not-ready': 503,
  'no-answer-in-time': 503,
} as const
export type AdminErrorCode = keyof typeof ADMIN_ERRORS

export interface Problem {
  readonly kind: 'problem'
  readonly status: number
  readonly code: string
  /** One or two sentences: what is wrong, and what would be right. */
  readonly detail: string
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

interface More {
  readonly extra?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

export function problem(code: AdminErrorCode, detail: string, more: More = {}): Problem {
  return { kind: 'problem', status: ADMIN_ERRORS[code], code, detail, extra: more.extra ?? {}, headers: more.headers ?? {} }
}

export function problemOfRefusal(refusal: Refusal): Problem {
  return { kind: 'problem', status: refusal.status, code: refusal.code, detail: refusal.message, extra: {}, headers: {} }
}

export function noSuchRoute(status: StatusBody, route: string): Problem {
  const names = status.routes.map(({ name }) => name)
  return problem('no-such-route', `there is no route ${JSON.stringify(route)}: the routes are ${names.join(', ')}`)
}

export function isProblem(value: object): value is Problem {
  return 'kind' in value && value.kind === 'problem'
}

export function problemBody(problem: Problem): string {
  const { status, code, detail, extra } = problem
  const title = STATUS_CODES[status] ?? 'Error'
  return `${JSON.stringify({ type: `urn:banyan:problem:${code}`, title, status, code, detail, ...extra })}\n`
}
