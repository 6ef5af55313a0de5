/**
 * WebSocket tunnels, through http-proxy-3's `ws()`; its `web()` and `forward` are never used.
 *
 * The decision is the exchange's, sticky like everything else. The rewritten head is read once more by an
 * in-process `http.Server`, so http-proxy-3 sees exactly what a backend would have seen; all but the target,
 * which both would parse as a URL and some of which are none: it is put back when the request goes out.
 */
import { createServer } from 'node:http'
import type { ClientRequest, IncomingMessage, Server } from 'node:http'
import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ProxyServer } from 'http-proxy-3'
import type { Backend } from '../core/model/config.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import type { ResolvedEndpoint } from '../core/model/snapshot.ts'
import { stickySetCookie } from '../core/split/cookie.ts'
import { mayStillUseV2 } from '../core/split/decide.ts'
import type { Context, ExchangeLink, TunnelGate } from './context.ts'
import { relayAnswer } from './tunnel-answer.ts'
import type { AddedLine } from './tunnel-answer.ts'
import { Tunnel } from './tunnel.ts'

/** The in-process server's limit; the gateway's own, smaller one has been held before. */
const MAX_HEAD_BYTES = 16_777_216
const UPGRADE_LINES = Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'latin1')
const REQUEST_LINE = Buffer.from('GET / HTTP/1.1', 'latin1')

export class Tunnels implements TunnelGate {
  readonly #ctx: () => Context
  readonly #proxy = new ProxyServer({ xfwd: false })
  readonly #server: Server
  readonly #open = new Set<Tunnel>()
  readonly #byStream = new WeakMap<object, Tunnel>()

  constructor(ctx: () => Context) {
    this.#ctx = ctx
    // Sockets are handed in; it never listens. Its own timeouts would close what the wheel watches.
    this.#server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: MAX_HEAD_BYTES })
    this.#server.on('upgrade', (req, socket, rest) => this.#upgrade(req, socket, rest))
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#proxy.on('proxyReqWs', (request, req) => this.#prepare(request, req))
    this.#proxy.on('error', () => {})
  }

  get size(): number {
    return this.#open.size
  }

  /** Turns the exchange into a tunnel. `forwarded`: the finished head without its upgrade lines. */
  open(exchange: ExchangeLink, backend: Backend, forwarded: Buffer): void {
    const ctx = this.#ctx()
    const { route, runtime } = exchange
    const endpoints = runtime.snapshot.endpoints[backend]
    const endpoint = endpoints[Math.floor(Math.random() * endpoints.length)]
    if (route === null || endpoint === undefined) {
      exchange.problem('no_backend', backend)
      return
    }
    const lineEnd = forwarded.indexOf('\r\n', 0, 'latin1')
    const target = forwarded.toString('latin1', 4, lineEnd - ' HTTP/1.1'.length)
    const head = Buffer.concat([REQUEST_LINE, forwarded.subarray(lineEnd, forwarded.length - 2), UPGRADE_LINES])
    const tunnel = new Tunnel(ctx, exchange, { route, backend, endpoint, target, added: addedLines(exchange, backend) })
    exchange.end()
    tunnel.client.tunnel(tunnel.stream)
    this.#open.add(tunnel)
    this.#byStream.set(tunnel.stream, tunnel)
    tunnel.stream.on('close', () => {
      this.#open.delete(tunnel)
      tunnel.closed()
    })
    tunnel.stream.on('error', () => {})
    tunnel.stream.unshift(head)
    this.#server.emit('connection', tunnel.stream)
  }

  #upgrade(req: IncomingMessage, socket: object, rest: Buffer): void {
    const tunnel = this.#byStream.get(socket)
    if (tunnel === undefined) return
    const { endpoint } = tunnel
    const { headBytes } = this.#ctx().runtime.config.limits
    // http-proxy-3 hands `ssl` to the request as it is, whatever the protocol.
    const ssl = { servername: isIP(endpoint.serverName) === 0 ? endpoint.serverName : '', maxHeaderSize: headBytes }
    try {
      this.#proxy.ws(req, tunnel.stream, rest, { target: targetOf(endpoint), ssl }, (error: Error) => tunnel.failed(error))
    } catch (error) {
      this.#ctx().onError(error)
      tunnel.client.cut()
      return
    }
    tunnel.request?.removeAllListeners('response').on('response', (answer: IncomingMessage) => {
      tunnel.answering()
      relayAnswer(answer, tunnel)
    })
  }

  /** The raw target and the lines as they came; and who answered. Runs before http-proxy-3 adds its own listeners. */
  #prepare(request: ClientRequest, req: IncomingMessage): void {
    const tunnel = this.#byStream.get(req.socket)
    if (tunnel === undefined) return
    tunnel.request = request
    request.path = tunnel.target
    for (const name of request.getHeaderNames()) request.removeHeader(name)
    for (const [name, values] of linesOf(req.rawHeaders)) request.setHeader(name, values.length === 1 ? (values[0] ?? '') : values)
    request.once('socket', (socket: Socket) => {
      if (socket.connecting || tunnel.endpoint.tls) socket.once(tunnel.endpoint.tls ? 'secureConnect' : 'connect', () => tunnel.connected())
      else tunnel.connected()
    })
    request.once('upgrade', (answer: IncomingMessage, upstream: Duplex) => {
      for (const { name, value, onto } of tunnel.added) addTo(answer.headers, name.toLowerCase(), value, onto)
      tunnel.opened(upstream)
    })
  }

  /** The routing words changed. */
  onRolledBack(): void {
    const { words } = this.#ctx()
    for (const tunnel of this.#open) {
      if (tunnel.backend !== 'v2') continue
      const { route, decision } = tunnel
      if (mayStillUseV2(route, decision, Atomics.load(words, route.slot), Atomics.load(words, GATEWAY_SLOT))) continue
      tunnel.rolledBack()
    }
  }

  oldestRevision(newest: number): number {
    let oldest = newest
    for (const tunnel of this.#open) oldest = Math.min(oldest, tunnel.holdsRevision)
    return oldest
  }

  /** Ends them all. */
  close(): void {
    for (const tunnel of this.#open) tunnel.stream.destroy()
  }
}

interface Target {
  readonly protocol: string
  readonly host: string
  readonly port: number
  readonly hostname?: string
  readonly socketPath?: string
}

function targetOf(endpoint: ResolvedEndpoint): Target {
  if (endpoint.socketPath !== null) return { protocol: 'http:', host: 'localhost', socketPath: endpoint.socketPath, port: 80 }
  const host = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address
  return { protocol: endpoint.tls ? 'https:' : 'http:', host, hostname: endpoint.address, port: endpoint.port }
}

function addedLines(exchange: ExchangeLink, backend: Backend): AddedLine[] {
  const { responseHeaders, stickyCookie } = exchange.runtime.config
  const lines: AddedLine[] = []
  if (responseHeaders.backend !== null) lines.push({ name: responseHeaders.backend, value: backend, onto: 'replace' })
  if (responseHeaders.version !== null) lines.push({ name: responseHeaders.version, value: backend, onto: 'keep' })
  const id = exchange.decision.mintCookie
  if (id !== null && stickyCookie !== null) {
    lines.push({ name: 'Set-Cookie', value: stickySetCookie(stickyCookie, id, exchange.https), onto: 'append' })
  }
  return lines
}

function addTo(headers: IncomingMessage['headers'], name: string, value: string, onto: AddedLine['onto']): void {
  const before = headers[name]
  if (onto === 'replace' || before === undefined) headers[name] = name === 'set-cookie' ? [value] : value
  else if (onto === 'append' && Array.isArray(before)) before.push(value)
}

/** Names in the case and order they came, each with all its values. */
function linesOf(raw: readonly string[]): IterableIterator<readonly [string, string[]]> {
  const lines = new Map<string, readonly [string, string[]]>()
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const known = lines.get(name.toLowerCase())
    if (known === undefined) lines.set(name.toLowerCase(), [name, [raw[i + 1] ?? '']])
    else known[1].push(raw[i + 1] ?? '')
  }
  return lines.values()
}
