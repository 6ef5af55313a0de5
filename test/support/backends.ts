/**
 * Backends for whole-gateway tests: real HTTP servers on port 0 whose behaviour can be changed while they run.
 *
 * `mode` is looked at for every request, so a test breaks v2 in the middle of its traffic by one assignment.
 */
import { createServer as createHttpServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** What the backend does with a request, by name or with parameters. */
export type Mode =
  | { readonly kind: 'answer'; readonly status?: number; readonly delayMs?: number; readonly body?: BodyOf }
  /** Destroys the connection without an answer (RST where the platform allows). */
  | { readonly kind: 'reset' }
  /** Reads the request and never answers. */
  | { readonly kind: 'hang' }
  /** Sends the head and half of the announced body, then resets. */
  | { readonly kind: 'cut' }
  /** One byte of the body every so often. */
  | { readonly kind: 'trickle'; readonly everyMs: number; readonly bytes: number }
  /** The head, then this many bytes of body as fast as they are read. */
  | { readonly kind: 'flood'; readonly bytes: number }

type BodyOf = string | Buffer | ((request: SeenRequest) => string | Buffer | object)

export interface SeenRequest {
  readonly method: string
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** As received, names and values in turn. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  readonly at: number
}

export interface Backend {
  readonly name: string
  readonly port: number
  readonly url: string
  mode: Mode
  /** Requests whose body has arrived, in order; emptied by `forget`. */
  readonly seen: SeenRequest[]
  /** Requests whose head has arrived since the start: never reset. */
  readonly count: number
  /** Connections open now. */
  readonly connections: number
  forget(): void
  /** Closes the listener and every connection; connecting is refused until `revive`. */
  kill(): Promise<void>
  /** Listens again on the same port. */
  revive(): Promise<void>
  close(): Promise<void>
}

/** A backend that answers with JSON naming itself: `{ "from": name, "method", "target" }`. */
export async function startBackend(name: string, mode: Mode = { kind: 'answer' }): Promise<Backend> {
  const backend = new HttpBackend(name, mode)
  await backend.revive()
  return backend
}

class HttpBackend implements Backend {
  readonly name: string
  readonly seen: SeenRequest[] = []
  mode: Mode
  count = 0
  port = 0
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null

  constructor(name: string, mode: Mode) {
    this.name = name
    this.mode = mode
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get connections(): number {
    return this.#sockets.size
  }

  forget(): void {
    this.seen.length = 0
  }

  async revive(): Promise<void> {
    if (this.#server !== null) return
    const server = createHttpServer({ keepAliveTimeout: 30_000 }, (request, response) => {
      this.count += 1
      void this.#serve(request, response)
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server = server
    this.port = await listening(server, this.port)
  }

  async kill(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await closed(server)
  }

  close(): Promise<void> {
    return this.kill()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mode = this.mode
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    if (mode.kind === 'reset') return void request.socket.resetAndDestroy()
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    } catch {
      return
    }
    const { method = '', url = '', headers, rawHeaders } = request
    const seen: SeenRequest = { method, target: url, headers, rawHeaders, body: Buffer.concat(chunks), at: performance.now() }
    this.seen.push(seen)
    act(this.name, mode, seen, response)
  }
}

function act(name: string, mode: Exclude<Mode, { kind: 'reset' }>, seen: SeenRequest, response: ServerResponse): void {
  switch (mode.kind) {
    case 'hang':
      return
    case 'answer':
      if (mode.delayMs === undefined) return answer(name, mode, seen, response)
      delayed(response, mode.delayMs, () => answer(name, mode, seen, response))
      return
    case 'cut':
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1_000 })
      response.write('x'.repeat(500), () => response.socket?.resetAndDestroy())
      return
    case 'trickle':
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': mode.bytes })
      return trickle(response, mode.everyMs, mode.bytes)
    case 'flood':
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': mode.bytes })
      return flood(response, mode.bytes)
    default:
      mode satisfies never
  }
}

function answer(name: string, mode: Mode & { kind: 'answer' }, seen: SeenRequest, response: ServerResponse): void {
  const made = typeof mode.body === 'function' ? mode.body(seen) : (mode.body ?? { from: name, method: seen.method, target: seen.target })
  const json = typeof made === 'object' && !Buffer.isBuffer(made)
  const body = Buffer.from(json ? JSON.stringify(made) : made)
  response.writeHead(mode.status ?? 200, {
    'content-type': json ? 'application/json' : 'text/plain',
    'content-length': body.length,
    'x-from': name,
  })
  response.end(seen.method === 'HEAD' ? undefined : body)
}

/** Nothing is left running when the client has gone. */
function delayed(response: ServerResponse, delayMs: number, then: () => void): void {
  const timer = setTimeout(then, delayMs)
  response.on('close', () => clearTimeout(timer))
}

function trickle(response: ServerResponse, everyMs: number, left: number): void {
  if (left === 0) return void response.end()
  response.write('.')
  delayed(response, everyMs, () => trickle(response, everyMs, left - 1))
}

const FLOOD_CHUNK = Buffer.alloc(65_536, 'f')

function flood(response: ServerResponse, left: number): void {
  let rest = left
  while (rest > 0) {
    const chunk = FLOOD_CHUNK.subarray(0, Math.min(rest, FLOOD_CHUNK.length))
    rest -= chunk.length
    if (!response.write(chunk)) return void response.once('drain', () => flood(response, rest))
  }
  response.end()
}

/** A port of loopback on which nobody listens: connecting there is refused. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer()
  const port = await listening(server, 0)
  await closed(server)
  return port
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function closed(server: Server | null): Promise<void> {
  return new Promise((resolve) => (server === null ? resolve() : void server.close(() => resolve())))
}
