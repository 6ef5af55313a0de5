/**
 * The admin port: an HTTP server of its own, beside the data plane and never in its way.
 *
 * A request passes path → token → Host and Origin → body → endpoint, and is refused as early as it can
 * be. Everything is bounded (connections, head, body, time), because this port carries the rollback:
 * whoever can fill it up has taken the brake away.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeAnswer } from './answer.ts'
import { drainBody, hasBody } from './body.ts'
import { answerMalformed } from './malformed.ts'
import { createGate } from './gate.ts'
import { mutationEndpoints } from './mutations.ts'
import { laterEndpoints, pageEndpoints } from './pages.ts'
import { problem } from './problem.ts'
import { readEndpoints } from './reads.ts'
import type { Answer } from './answer.ts'
import type { Gate } from './gate.ts'
import type { AdminSource } from './source.ts'
import type { AdminConfig } from '../core/model/config.ts'

export interface AdminServerOptions {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly tokens: AdminConfig['tokens']
  readonly metrics: AdminConfig['metrics']
  /** Further names clients may use in the Host header, for example of a Kubernetes Service. */
  readonly hosts?: readonly string[]
  readonly limits?: Partial<AdminLimits>
  /** Told about failures of the source; gets neither headers nor bodies, so no secret can leak. */
  readonly onError?: (error: unknown, request: { readonly method: string; readonly path: string }) => void
  readonly now?: () => number
}

/** Milliseconds, but `connections`. */
interface AdminLimits {
  readonly connections: number
  /** For the head of a request. */
  readonly headMs: number
  /** For a whole request. */
  readonly requestMs: number
  /** Without a byte in either direction. */
  readonly idleMs: number
  /** For the source to answer. */
  readonly answerMs: number
}

// A command is one packet, a scrape takes milliseconds: whoever needs longer is stuck or hostile.
const LIMITS: AdminLimits = { connections: 512, headMs: 5_000, requestMs: 10_000, idleMs: 30_000, answerMs: 10_000 }
const HEAD_BYTES = 16 * 1024

export interface AdminServer {
  /** Resolves with the bound address; rejects with what to do when the port cannot be had. */
  listen(): Promise<{ readonly host: string; readonly port: number }>
  /** Ends open requests after a second. Safe to call twice. */
  close(): Promise<void>
}

export function createAdminServer(source: AdminSource, options: AdminServerOptions): AdminServer {
  const limits = { ...LIMITS, ...options.limits }
  const now = options.now ?? Date.now
  const endpoints = [
    ...pageEndpoints(source, options.metrics),
    ...readEndpoints(source, now),
    ...mutationEndpoints(source),
    ...laterEndpoints(),
  ]
  const server = createServer({
    maxHeaderSize: HEAD_BYTES,
    headersTimeout: limits.headMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: 5_000,
    connectionsCheckingInterval: Math.min(1_000, limits.headMs),
  })
  server.maxConnections = limits.connections
  server.timeout = limits.idleMs
  let gate: Gate | null = null

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const answer = gate === null ? problem('not-ready', 'the admin port is starting') : await answerTo(gate, req, res, options.onError)
    const unread = hasBody(req) && !req.complete
    await writeAnswer(res, answer, req.method === 'HEAD', unread ? drainBody(req) : null)
  }
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    handle(req, res).catch((error: unknown) => {
      options.onError?.(error, { method: req.method ?? '', path: pathOf(req) })
      res.destroy()
    })
  }
  server.on('request', onRequest)
  // Expect: 100-continue: refused before the body is sent, invited only once it is wanted.
  server.on('checkContinue', onRequest)
  server.on('clientError', answerMalformed)

  return {
    async listen() {
      const address = await bind(server, options)
      gate = createGate({
        endpoints,
        tokens: options.tokens,
        bindHost: options.host,
        boundAddress: address.address,
        hosts: options.hosts ?? [],
        answerMs: limits.answerMs,
      })
      return { host: address.address, port: address.port }
    },
    close: () => shut(server),
  }
}

async function answerTo(gate: Gate, req: IncomingMessage, res: ServerResponse, onError: AdminServerOptions['onError']): Promise<Answer> {
  try {
    return await gate(req, res)
  } catch (error) {
    if (!req.destroyed) onError?.(error, { method: req.method ?? '', path: pathOf(req) })
    // The message stays in the log: it may name paths or values that are not the caller's to read.
    return problem('internal', 'the gateway failed to answer this; its log says why')
  }
}

function pathOf(req: IncomingMessage): string {
  return (req.url ?? '').split('?')[0] ?? ''
}

function bind(server: ReturnType<typeof createServer>, { host, port }: AdminServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(new Error(bindProblem(error, host, port), { cause: error }))
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the admin port has no address'))
      else resolve(address)
    })
  })
}

function bindProblem(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = `the admin port ${port} on ${host}`
  if (error.code === 'EADDRINUSE')
    return `${where} is in use by another program: stop that one, or choose another with admin.port or ADMIN_PORT`
  if (error.code === 'EACCES') return `${where} may not be opened by this user: choose a port above 1023 with admin.port or ADMIN_PORT`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return `${where}: this machine has no such address; set admin.host to one it has, like 127.0.0.1`
  return `${where} cannot be opened: ${error.message}`
}

function shut(server: ReturnType<typeof createServer>): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    const timer = setTimeout(() => server.closeAllConnections(), 1_000)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
