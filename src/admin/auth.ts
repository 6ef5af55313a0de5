/**
 * Who may do what: bearer tokens with a role each, compared in constant time.
 *
 * Without any token the API is open on loopback, where reaching the port is already proof of being on
 * the machine, and shut everywhere else: a forgotten token must not become an open kill switch.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isLoopback } from './hosts.ts'
import { problem } from './problem.ts'
import type { Problem } from './problem.ts'
import type { AdminConfig, Role } from '../core/model/config.ts'

export type Need = 'nothing' | Role

export interface Caller {
  /** The token's name, `local` on an open loopback port; ends up in the audit log. */
  readonly actor: string
  readonly role: Role
}

export const LOCAL_CALLER: Caller = { actor: 'local', role: 'operator' }

export interface Auth {
  /** True when no token is asked for: everybody who reaches the port is `local`. */
  readonly open: boolean
  authorize(need: Role, authorization: string | undefined): Caller | Problem
}

interface KnownToken {
  readonly caller: Caller
  readonly digest: Buffer
}

export function createAuth(tokens: AdminConfig['tokens'], boundAddress: string): Auth {
  const known = tokens.map(({ name, role, token }): KnownToken => ({ caller: { actor: name, role }, digest: digestOf(token) }))
  const open = known.length === 0 && isLoopback(boundAddress)

  function authorize(need: Role, authorization: string | undefined): Caller | Problem {
    if (open) return LOCAL_CALLER
    if (known.length === 0) return tokenNotSet(boundAddress)
    const presented = bearerOf(authorization)
    if (presented === null) return challenge('token-missing', 'this needs a token: send `Authorization: Bearer TOKEN`')
    const caller = find(known, presented)
    if (caller === null) return challenge('token-wrong', 'no token of this gateway is like the one sent')
    if (need === 'operator' && caller.role !== 'operator') {
      return problem('operator-needed', `the token "${caller.actor}" has the role viewer: changes need a token with the role operator`)
    }
    return caller
  }
  return { open, authorize }
}

/** Digests have one length, so neither the length nor the place of the first difference shows in time. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Looks at every token, found or not: the time taken does not tell which one was near. */
function find(known: readonly KnownToken[], presented: string): Caller | null {
  const digest = digestOf(presented)
  let found: Caller | null = null
  for (const token of known) if (timingSafeEqual(token.digest, digest)) found ??= token.caller
  return found
}

function bearerOf(authorization: string | undefined): string | null {
  // RFC 9110 11.4: the scheme is case-insensitive; RFC 6750 2.1: one token of visible characters.
  const match = /^bearer +([!-~]+) *$/i.exec(authorization ?? '')
  return match?.[1] ?? null
}

function challenge(code: 'token-missing' | 'token-wrong', detail: string): Problem {
  const hint = `${detail} (the command line takes it as --token or BANYAN_ADMIN_TOKEN)`
  return problem(code, hint, { headers: { 'www-authenticate': 'Bearer realm="banyan admin"' } })
}

function tokenNotSet(boundAddress: string): Problem {
  return problem(
    'token-not-set',
    `the admin port listens on ${boundAddress} and no token is set, so only /healthz, /readyz and /metrics answer: ` +
      'set BANYAN_ADMIN_TOKEN for the gateway, or list tokens under admin.tokens in its config, or bind admin.host to 127.0.0.1',
  )
}
