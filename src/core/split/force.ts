/**
 * The force header: a tester picks the backend of his own request.
 *
 * Its form is `BACKEND;SECRET`, for example `x-force-backend: v2;s3cret`, blanks around the semicolon allowed. The
 * secret is not optional: a rule without one forces nothing, or any client could walk around the weight.
 */
import type { Backend, RouteConfig } from '../model/config.ts'
import { utf8Bytes } from './byte-string.ts'
import type { RequestFacts } from './facts.ts'

export interface ForceRule {
  readonly header: string
  /** Bytes; empty = the rule never applies. */
  readonly secret: string
  /** A latch does not stop a forced request, so that a fix can be tried before rearming. Kill and ceiling 0 do. */
  readonly whileTripped: boolean
}

export function compileForce(force: RouteConfig['force']): ForceRule | null {
  if (force === null) return null
  return { header: force.header.toLowerCase(), secret: utf8Bytes(force.secret ?? ''), whileTripped: force.whileTripped }
}

/** The backend the request asks for with the right secret; null otherwise. */
export function forcedBackend(rule: ForceRule, facts: RequestFacts): Backend | null {
  if (rule.secret === '') return null
  const value = facts.header(rule.header)
  if (value === null) return null
  const semicolon = value.indexOf(';')
  if (semicolon < 0 || !sameSecret(value.slice(semicolon + 1).trim(), rule.secret)) return null
  const backend = value.slice(0, semicolon).trim()
  return backend === 'v1' || backend === 'v2' ? backend : null
}

/** Takes the same time wherever the first difference is, so the secret cannot be guessed char by char. */
function sameSecret(given: string, secret: string): boolean {
  let difference = given.length ^ secret.length
  for (let i = 0; i < secret.length; i++) {
    // Past its end `given` is read again from the start; the length already differs then. (NaN ^ x is x.)
    difference |= given.charCodeAt(i % given.length) ^ secret.charCodeAt(i)
  }
  return difference === 0
}
