/**
 * WebSocket tunnels, through http-proxy-3's `ws()`; its `web()` and `forward` are never used.
 *
 * The decision is the exchange's, sticky like everything else. The rewritten head is read once more by an
 * in-process `http.Server`, so http-proxy-3 sees exactly what a backend would have seen. A tunnel is open
 * only after the backend's 101; a rollback closes those on v2 within five seconds, spread.
 */
import { createServer } from 'node:http'
import type { ClientRequest, IncomingMessage, Server } from 'node:http'
import { ProxyServer } from 'http-proxy-3'
import type { Backend } from '../core/model/config.ts'
import { LANE_V1, LANE_V2, OUTCOME_REFUSED, OUTCOME_TIMEOUT, counterId, outcomeOfStatus } from '../core/model/observation.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import type { ResolvedEndpoint } from '../core/model/snapshot.ts'
import type { CompiledRoute } from '../core/split/compile.ts'
import { createDecision, mayStillUseV2 } from '../core/split/decide.ts'
import type { Decision } from '../core/split/decide.ts'
import { WheelEntry } from '../wire/wheel.ts'
import type { Timed } from '../wire/wheel.ts'
import type { ClientLink, Context, ExchangeLink, TunnelGate } from './context.ts'
import { problemAnswer } from './problem.ts'
import { TunnelSocket } from './tunnel-socket.ts'

const TUNNELS = counterId('tunnels')
const CLOSE_SPREAD_MS = 5_000

export class Tunnel implements Timed {
  deadline = 0
  readonly entry: WheelEntry = new WheelEntry(this)
  readonly stream: TunnelSocket
  readonly client: ClientLink
  readonly backend: Backend
  readonly route: CompiledRoute
  readonly decision: Decision
  readonly endpoint: ResolvedEndpoint
  readonly target: string
  readonly lane: number
  readonly startedAt: number
  open = false
  closing = false
  request: ClientRequest | null = null
  readonly #ctx: Context

  constructor(ctx: Context, exchange: ExchangeLink, route: CompiledRoute, backend: Backend, endpoint: ResolvedEndpoint, target: string) {
    this.#ctx = ctx
    this.client = exchange.client
    this.backend = backend
    this.route = route
    this.decision = Object.assign(createDecision(), exchange.decision)
    this.endpoint = endpoint
    this.target = target
    this.lane = backend === 'v2' ? LANE_V2 : LANE_V1
    this.startedAt = exchange.startedAt
    this.stream = new TunnelSocket(this.client.socket, () => this.touch())
    const { connectMs, firstByteMs } = route.config.timeouts
    ctx.wheel.arm(this.entry, ctx.wheel.now + connectMs + firstByteMs)
  }

  touch(): void {
    if (!this.open || this.closing) return
    const { tunnelMs } = this.route.config.timeouts
    if (tunnelMs > 0) this.#ctx.wheel.arm(this.entry, this.#ctx.wheel.now + tunnelMs)
    else this.#ctx.wheel.disarm(this.entry)
  }

  /** No 101 in time, an idle tunnel, or one that a rollback takes away. */
  onDeadline(): void {
    if (this.open) this.stream.destroy()
    else this.request?.destroy(Object.assign(new Error('no answer to the upgrade'), { code: 'ETIMEDOUT' }))
  }
}

export class Tunnels implements TunnelGate {
  readonly #ctx: () => Context
  readonly #proxy = new ProxyServer({ xfwd: false })
  readonly #server: Server
  readonly #open = new Set<Tunnel>()
  readonly #byStream = new WeakMap<object, Tunnel>()

  constructor(ctx: () => Context) {
    this.#ctx = ctx
    // Sockets are handed in; it never listens. Its own timeouts would close what the wheel watches.
    this.#server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 })
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
      exchange.problem('no_backend')
      return
    }
    const target = forwarded.toString('latin1', 4, forwarded.indexOf(' HTTP/1.1\r\n', 4, 'latin1'))
    const tunnel = new Tunnel(ctx, exchange, route, backend, endpoint, target)
    const head = Buffer.concat([forwarded.subarray(0, forwarded.length - 2), UPGRADE_LINES])
    ctx.recorder.started(route.slot, tunnel.lane)
    exchange.end()
    tunnel.client.tunnel(tunnel.stream)
    this.#open.add(tunnel)
    this.#byStream.set(tunnel.stream, tunnel)
    tunnel.stream.on('close', () => this.#closed(tunnel))
    tunnel.stream.on('error', () => {})
    tunnel.stream.unshift(head)
    this.#server.emit('connection', tunnel.stream)
  }

  #upgrade(req: IncomingMessage, socket: object, rest: Buffer): void {
    const tunnel = this.#byStream.get(socket)
    if (tunnel === undefined) return
    const { endpoint } = tunnel
    const host = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address
    const target =
      endpoint.socketPath === null
        ? {
            protocol: endpoint.tls ? 'https:' : 'http:',
            host,
            hostname: endpoint.address,
            port: endpoint.port,
            servername: endpoint.serverName,
          }
        : { protocol: 'http:', host: 'localhost', socketPath: endpoint.socketPath, port: 80 }
    this.#proxy.ws(req, tunnel.stream, rest, { target }, (error: Error) => this.#failed(tunnel, error))
  }

  /** The raw path, byte for byte; and who answered. Runs before http-proxy-3 adds its own listeners. */
  #prepare(request: ClientRequest, req: IncomingMessage): void {
    const tunnel = this.#byStream.get(req.socket)
    if (tunnel === undefined) return
    tunnel.request = request
    request.path = tunnel.target
    const ctx = this.#ctx()
    request.once('upgrade', (answer: IncomingMessage) => {
      tunnel.open = true
      tunnel.touch()
      ctx.recorder.count(tunnel.route.slot, TUNNELS)
      this.#record(tunnel, outcomeOfStatus(101))
      const name = ctx.runtime.config.responseHeaders.backend
      if (name !== null) answer.headers[name.toLowerCase()] = tunnel.backend
    })
    request.once('response', (answer: IncomingMessage) => {
      ctx.wheel.disarm(tunnel.entry)
      this.#record(tunnel, outcomeOfStatus(answer.statusCode ?? 502))
    })
  }

  #failed(tunnel: Tunnel, error: NodeJS.ErrnoException): void {
    if (tunnel.open || tunnel.stream.destroyed) return
    const timeout = error.code === 'ETIMEDOUT'
    this.#record(tunnel, timeout ? OUTCOME_TIMEOUT : OUTCOME_REFUSED)
    const lines = this.#ctx().runtime.backendLine[tunnel.backend]
    const code = timeout ? 'upstream_timeout' : 'upstream_refused'
    tunnel.stream.write(Buffer.from(problemAnswer(code, { head: false, close: true, lines }), 'latin1'))
  }

  #record(tunnel: Tunnel, outcome: number): void {
    const { recorder, clock } = this.#ctx()
    const assigned = tunnel.decision.byBucket ? 0 : 1
    recorder.finished(tunnel.route.slot, tunnel.lane, assigned, outcome, clock() - tunnel.startedAt, -1)
  }

  #closed(tunnel: Tunnel): void {
    this.#open.delete(tunnel)
    this.#ctx().wheel.remove(tunnel.entry)
  }

  /** The routing words changed: tunnels on a v2 that was taken away end soon, not all at once. */
  onRolledBack(): void {
    const ctx = this.#ctx()
    for (const tunnel of this.#open) {
      if (tunnel.backend !== 'v2' || tunnel.closing) continue
      const { route, decision } = tunnel
      if (mayStillUseV2(route, decision, Atomics.load(ctx.words, route.slot), Atomics.load(ctx.words, GATEWAY_SLOT))) continue
      tunnel.closing = true
      ctx.wheel.arm(tunnel.entry, ctx.wheel.now + Math.random() * (CLOSE_SPREAD_MS - 500))
    }
  }

  /** Ends them all. */
  close(): void {
    for (const tunnel of this.#open) tunnel.stream.destroy()
  }
}

const UPGRADE_LINES = Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'latin1')
