/** A real admin server on a free port, and requests that say exactly what they send. */
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { afterEach } from 'vitest'
import { createAdminServer } from '../../src/admin/server.ts'
import type { AdminServer, AdminServerOptions } from '../../src/admin/server.ts'
import { NOW, createMemorySource } from './memory-source.ts'
import type { MemorySource } from './memory-source.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Parsed when JSON, else null. */
  readonly json: Record<string, unknown>
}

export interface Sent {
  readonly body?: string | object
  readonly headers?: Readonly<Record<string, string>>
}

export interface Running {
  readonly source: MemorySource
  readonly server: AdminServer
  readonly host: string
  readonly port: number
  readonly url: string
  readonly errors: unknown[]
  readonly send: (method: string, path: string, sent?: Sent) => Promise<Answer>
  /** Bytes over a bare socket; resolves with everything received until the server closes. */
  readonly raw: (bytes: string) => Promise<string>
}

const open: AdminServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

export async function startAdmin(options: Partial<AdminServerOptions> = {}, source: MemorySource = createMemorySource()): Promise<Running> {
  const errors: unknown[] = []
  const server = createAdminServer(source, {
    host: '127.0.0.1',
    port: 0,
    tokens: [],
    metrics: 'open',
    now: () => NOW,
    onError: (error, request) => errors.push({ error, request }),
    ...options,
  })
  open.push(server)
  const { port } = await server.listen()
  return {
    source,
    server,
    host: '127.0.0.1',
    port,
    url: `http://127.0.0.1:${port}`,
    errors,
    send: (method, path, sent) => send(port, method, path, sent),
    raw: (bytes) => raw(port, bytes),
  }
}

function send(port: number, method: string, path: string, { body, headers = {} }: Sent = {}): Promise<Answer> {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const mutates = method !== 'GET' && method !== 'HEAD'
  return new Promise((resolve, reject) => {
    const req = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false,
      headers: {
        ...(mutates ? { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) } : {}),
        ...headers,
      },
    })
    req.once('response', (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.once('error', reject)
      res.once('end', () => {
        const answer = Buffer.concat(chunks).toString()
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text: answer, json: parse(answer) })
      })
    })
    req.once('error', reject)
    req.end(mutates ? text : undefined)
  })
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
  })
}
