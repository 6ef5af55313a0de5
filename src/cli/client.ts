/**
 * The command line's side of the admin API.
 *
 * Whatever goes wrong on the way becomes a value with one sentence that says what to do, and the exit
 * code: 2 where the caller's input is at fault, 1 for everything else. Only this file knows HTTP.
 */
import { Agent, errors } from 'undici'
import type { Dispatcher } from 'undici'

export const DEFAULT_ADMIN = 'http://127.0.0.1:9090'

export interface ClientOptions {
  /** As the user wrote it: a URL, or `host:port`. */
  readonly admin: string
  readonly token: string | null
  readonly timeoutMs?: number
}

export interface Success<T> {
  readonly ok: true
  readonly body: T
}

export interface Failure {
  readonly ok: false
  readonly exitCode: 1 | 2
  /** The API's stable code; `unreachable` and `not-banyan` when no API answered. */
  readonly code: string
  readonly message: string
}

export type Reply<T> = Success<T> | Failure

interface Ask {
  readonly query?: readonly (readonly [name: string, value: string])[]
  /** Sent as JSON; a string as YAML. */
  readonly body?: object | string
  /** Revision the answer must still be at, where the command raises. */
  readonly ifRevision?: number
}

export interface AdminClient {
  /** `T` is what CONTRACT promises for the path: the answer of our own server is not checked again. */
  ask<T>(method: 'GET' | 'PUT' | 'POST', path: string, ask?: Ask): Promise<Reply<T>>
  close(): Promise<void>
}

const TIMEOUT_MS = 15_000
const ANSWER_BYTES = 64 * 1024 * 1024

export function createClient(options: ClientOptions): AdminClient | Failure {
  const place = parseAdmin(options.admin)
  if (place === null) return failure(2, 'usage', `--admin is ${JSON.stringify(options.admin)}: it must be a URL like ${DEFAULT_ADMIN}`)
  if (options.token !== null && !/^[!-~]+$/.test(options.token)) {
    return failure(2, 'usage', 'the admin token must be visible ASCII characters without blanks; look at --token and BANYAN_ADMIN_TOKEN')
  }
  const agent = createAgent(options.timeoutMs ?? TIMEOUT_MS)
  const { url, origin, prefix } = place

  async function ask<T>(method: 'GET' | 'PUT' | 'POST', path: string, asked: Ask = {}): Promise<Reply<T>> {
    const body = asked.body === undefined ? null : typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body)
    const target = `${prefix}${path}${queryText(asked.query ?? [])}`
    try {
      const answer = await agent.request({ origin, path: target, method, headers: headersOf(asked, options.token), body })
      return await readReply<T>(answer, url)
    } catch (error) {
      return failure(1, 'unreachable', unreachable(url, error))
    }
  }
  return { ask, close: () => agent.close() }
}

function createAgent(timeout: number): Agent {
  const bounds = { headersTimeout: timeout, bodyTimeout: timeout, maxResponseSize: ANSWER_BYTES }
  return new Agent({ allowH2: false, connections: 2, connect: { timeout }, ...bounds })
}

interface Place {
  /** For messages: never with a user name or password in it. */
  readonly url: string
  readonly origin: string
  /** Path in front of the API's own, where a proxy puts one. */
  readonly prefix: string
}

function parseAdmin(text: string): Place | null {
  const parsed = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol) || parsed.hostname === '') return null
  const origin = `${parsed.protocol}//${parsed.host}`
  const prefix = parsed.pathname.replace(/\/$/, '')
  return { url: `${origin}${prefix}`, origin, prefix }
}

function queryText(query: readonly (readonly [name: string, value: string])[]): string {
  const pairs = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function headersOf(asked: Ask, token: string | null): Record<string, string> {
  return {
    accept: 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(asked.body === undefined ? {} : { 'content-type': typeof asked.body === 'string' ? 'application/yaml' : 'application/json' }),
    ...(asked.ifRevision === undefined ? {} : { 'if-match': `"${asked.ifRevision}"` }),
  }
}

async function readReply<T>(answer: Dispatcher.ResponseData, where: string): Promise<Reply<T>> {
  const type = String(answer.headers['content-type'] ?? '').split(';')[0] ?? ''
  const text = await answer.body.text()
  const body = parseJson(text)
  // The contract's promise about our own server: see `AdminClient.ask`.
  if (answer.statusCode === 200 && type === 'application/json' && body !== null) return { ok: true, body: body as T }
  if (type === 'application/problem+json' && body !== null) return refused(answer.statusCode, body)
  return failure(
    1,
    'not-banyan',
    `what answers at ${where} is not the admin port of a Banyan gateway (status ${answer.statusCode}); name another with --admin or BANYAN_ADMIN`,
  )
}

function parseJson(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

function refused(status: number, body: object): Failure {
  const code = 'code' in body && typeof body.code === 'string' ? body.code : 'unknown'
  const detail = 'detail' in body && typeof body.detail === 'string' ? body.detail : `the gateway refused this with status ${status}`
  const problems = 'problems' in body && Array.isArray(body.problems) ? body.problems.map(String) : []
  const message = problems.length > 1 ? problems.join('\n') : detail
  return failure(status === 400 || status === 422 ? 2 : 1, code, message)
}

function failure(exitCode: 1 | 2, code: string, message: string): Failure {
  return { ok: false, exitCode, code, message }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  UND_ERR_SOCKET: 'the connection was closed before an answer came',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  UND_ERR_CONNECT_TIMEOUT: 'connecting took too long',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped coming',
}

function unreachable(where: string, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  const why =
    REASONS[code] ??
    (error instanceof errors.HTTPParserError
      ? 'what answers there does not speak HTTP'
      : error instanceof Error
        ? error.message
        : String(error))
  return `no gateway can be reached at ${where}: ${why}. Is \`banyan serve\` running? Name another admin address with --admin URL or BANYAN_ADMIN`
}
