/** A strict `node:http` server that writes down every message it reads: the judge of what the engine sends upstream. */
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HeaderLine } from './message.ts'

export interface NodeRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly HeaderLine[]
  trailers: readonly HeaderLine[]
  body: Buffer
  complete: boolean
  /** True once it is over, whole or not. */
  over: boolean
}

export interface NodeServer {
  readonly port: number
  /** In order of their heads. */
  requests: NodeRequest[]
  /** What its parser complained of: code and the bytes it choked on. */
  complaints: { readonly code: string; readonly packet: string }[]
  reset(): void
  close(): Promise<void>
}

export async function startNodeServer(): Promise<NodeServer> {
  const server = http.createServer({ insecureHTTPParser: false, requireHostHeader: true, maxHeaderSize: 131_072, keepAliveTimeout: 60_000 })
  const state: NodeServer = {
    port: 0,
    requests: [],
    complaints: [],
    reset: () => {
      state.requests = []
      state.complaints = []
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  server.on('request', (request, response) => {
    const record = take(request, state)
    request.on('close', () => {
      record.over = true
    })
    request.on('end', () => {
      record.complete = request.complete
      response.end(request.method === 'HEAD' ? undefined : 'ok')
    })
    request.on('error', () => undefined)
  })
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket) => {
    state.complaints.push({ code: error.code ?? error.message, packet: error.rawPacket?.toString('latin1') ?? '' })
    socket.destroy()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return Object.assign(state, { port: (server.address() as AddressInfo).port })
}

function take(request: IncomingMessage, state: NodeServer): NodeRequest {
  const chunks: Buffer[] = []
  const record: NodeRequest = {
    method: request.method ?? '',
    target: request.url ?? '',
    headers: pairs(request.rawHeaders),
    trailers: [],
    body: Buffer.alloc(0),
    complete: false,
    over: false,
  }
  state.requests.push(record)
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    record.body = Buffer.concat(chunks)
    record.trailers = pairs(request.rawTrailers)
  })
  return record
}

/** Node's flat list of names and values. */
export function pairs(raw: readonly string[]): HeaderLine[] {
  const lines: HeaderLine[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) lines.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return lines
}
