/**
 * The way of one request from its head to its answer, refusals in a fixed order: target, path, token,
 * Host and Origin, media type, body. A caller without a token learns nothing about what exists.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createAuth, LOCAL_CALLER } from './auth.ts'
import { readBody } from './body.ts'
import { checkHost, checkOrigin, createKnownHosts } from './hosts.ts'
import { isProblem, problem } from './problem.ts'
import { findEndpoint } from './router.ts'
import type { Answer } from './answer.ts'
import type { Auth } from './auth.ts'
import type { KnownHosts } from './hosts.ts'
import type { Problem } from './problem.ts'
import type { Endpoint } from './router.ts'
import type { AdminConfig } from '../core/model/config.ts'

export type Gate = (req: IncomingMessage, res: ServerResponse) => Promise<Answer>

export interface GateParts {
  readonly endpoints: readonly Endpoint[]
  readonly tokens: AdminConfig['tokens']
  readonly bindHost: string
  /** What the bind host turned out to be: `localhost` may be anything. */
  readonly boundAddress: string
  readonly hosts: readonly string[]
  readonly answerMs: number
}

export function createGate(parts: GateParts): Gate {
  const auth = createAuth(parts.tokens, parts.boundAddress)
  const known = createKnownHosts(parts.bindHost, parts.hosts)

  return async (req, res) => {
    const target = splitTarget(req.url ?? '')
    if (isProblem(target)) return target
    const api = target.path.startsWith('/api/')
    // Under /api/ the token comes first, so that paths cannot be told apart without one.
    const stranger = api ? auth.authorize('viewer', req.headers.authorization) : LOCAL_CALLER
    if (isProblem(stranger)) return stranger
    const found = findEndpoint(parts.endpoints, req.method ?? '', target.path)
    if (isProblem(found)) return found
    const { endpoint, params } = found
    const caller = endpoint.need === 'nothing' ? LOCAL_CALLER : auth.authorize(endpoint.need, req.headers.authorization)
    if (isProblem(caller)) return caller
    const refused = api ? checkPage(endpoint, auth, known, req) : null
    if (refused !== null) return refused
    const body = await bodyFor(endpoint, req, res)
    if (typeof body !== 'string') return body
    return inTime(
      parts.answerMs,
      endpoint.run({ actor: caller.actor, params, query: target.query, body, ifMatch: req.headers['if-match'] }),
    )
  }
}

/** The source may be waiting for a thread that is gone: the caller is told, not kept. */
async function inTime(answerMs: number, answer: Answer | Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<Answer>((resolve) => {
    const late = problem('no-answer-in-time', `the gateway did not answer within ${answerMs} ms: try again, and look at its log`)
    timer = setTimeout(() => resolve(late), answerMs)
  })
  try {
    return await Promise.race([answer, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Keeps web pages out: of everything that is not a plain read, and, where no token guards the API, of
 * reads under a foreign name too (that is what DNS rebinding looks like).
 */
function checkPage(endpoint: Endpoint, auth: Auth, known: KnownHosts, req: IncomingMessage): Problem | null {
  const { host, origin } = req.headers
  const read = endpoint.method === 'GET'
  if (read && !auth.open) return null
  const refused = checkHost(known, host, req.socket.localAddress)
  if (refused !== null || read) return refused
  const site = req.headers['sec-fetch-site']
  return checkOrigin(host, origin, typeof site === 'string' ? site : undefined)
}

/** The body as text, empty where the endpoint takes none. */
async function bodyFor(endpoint: Endpoint, req: IncomingMessage, res: ServerResponse): Promise<string | Problem> {
  if (endpoint.takes === null) return ''
  const { types, capBytes } = endpoint.takes
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (!types.includes(type)) {
    const given = type === '' ? 'is missing' : `is ${JSON.stringify(type)}`
    return problem('content-type', `the Content-Type ${given}: this takes ${types.join(', ')}`)
  }
  if (req.headers.expect !== undefined && Number(req.headers['content-length'] ?? 0) <= capBytes) res.writeContinue()
  return readBody(req, capBytes)
}

function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } | Problem {
  if (!target.startsWith('/')) return problem('target-invalid', 'the request target must be a path, like /api/v1/status')
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return { path, query: new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1)) }
}
