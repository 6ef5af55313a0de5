/** The smallest configuration an engine runs on: one route for everything, all of it v1, nothing mirrored. */
import type { EndpointConfig, GatewayConfig, RouteConfig } from '../../../src/core/model/config.ts'
import type { ResolvedEndpoint } from '../../../src/core/model/snapshot.ts'

/** Any part of a config may be given; objects are merged, everything else replaced. */
export type Partially<T> = T extends readonly unknown[] ? T : T extends object ? { readonly [K in keyof T]?: Partially<T[K]> } : T

export function mergeInto<T extends object>(base: T, over: Partially<NoInfer<T>> | undefined): T {
  // `as`: the result has every key of the base, and the types of the parts that replace some.
  return over === undefined ? base : (merged(base, over) as T)
}

function merged(base: object, over: object): object {
  const out: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const before = out[key]
    out[key] = isPlain(before) && isPlain(value) ? merged(before, value) : value
  }
  return out
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const ROUTE: RouteConfig = {
  name: 'all',
  group: 'all',
  match: { path: '/**', methods: [], host: null, header: {} },
  stage: 'off',
  weight: 0,
  stickyGroup: 'gateway',
  timeouts: {
    headMs: 10_000,
    connectMs: 1_000,
    firstByteMs: 30_000,
    idleMs: 60_000,
    totalMs: 0,
    keepAliveMs: 75_000,
    tunnelMs: 3_600_000,
  },
  fallback: { connect: true, timeout: true, statuses: [502, 503, 504], afterMs: 5_000 },
  mirror: { sample: 0, methods: ['GET', 'HEAD'], maxBodyBytes: 1_048_576, timeoutMs: 5_000, concurrency: 64, queue: 256, reverse: 0 },
  compare: { control: 0, confirm: false, headers: ['content-type'], ignore: [], arrays: [], tolerance: [], redact: [] },
  health: {
    errorRate: { max: 5, ratio: 2, excess: 5 },
    latency: { p95Ms: 500, p99Ms: 1_000, ratio: 1.5, floorMs: 20 },
    clientErrors: { ratio: 2, excess: 5 },
    mismatchRate: { max: 1, action: 'hold' },
    minRequests: 20,
    sustainMs: 1_000,
  },
  ramp: { steps: [1, 5, 10, 25, 50, 75, 90, 95, 100], holdMs: 86_400_000, minRequests: 1_000, parity: 99.9, approve: [], calendar: null },
  allow: null,
  deny: null,
  force: null,
  version: null,
  bodyBytes: 0,
}

export function routeConfig(over?: Partially<RouteConfig>): RouteConfig {
  return mergeInto(ROUTE, over)
}

export function gatewayConfig(routes: readonly RouteConfig[], v1: readonly number[], v2: readonly number[]): GatewayConfig {
  return {
    name: 'banyan',
    listen: { host: '127.0.0.1', port: 0, socket: null, threads: 1, proxyProtocol: false, health: null, tls: null },
    admin: { host: '127.0.0.1', port: 0, hosts: [], tokens: [], metrics: 'open' },
    backends: {
      v1: { endpoints: v1.map(endpoint), probe: null, strict: false },
      v2: { endpoints: v2.map(endpoint), probe: null, strict: false },
    },
    // Idle for longer than any test: what a test sees closed was closed for a reason.
    pool: { connections: 256, queue: 1_024, idleMs: 60_000, maxAgeMs: 300_000 },
    limits: {
      connections: 20_000,
      perClient: 0,
      requestLineBytes: 8_192,
      headBytes: 32_768,
      lines: 200,
      bodyBytes: 0,
      holdBytes: 65_536,
      buffersBytes: 268_435_456,
    },
    drain: { delayMs: 0, graceMs: 1_000 },
    store: { kind: 'local', path: '' },
    sticky: [{ kind: 'header', name: 'x-user-id' }],
    stickyCookie: null,
    trustedProxies: [],
    requestId: { header: 'x-request-id', generate: true },
    accessLog: { sample: 0 },
    logLevel: 'info',
    debug: { header: 'x-banyan-debug', secret: null },
    responseHeaders: { version: 'X-API-Version', backend: 'X-Banyan-Backend' },
    via: false,
    routes,
    alerts: [],
  }
}

function endpoint(port: number): EndpointConfig {
  return { url: `http://127.0.0.1:${port}`, tls: false, host: '127.0.0.1', port, socketPath: null }
}

export function resolved(ports: readonly number[], firstId: number): ResolvedEndpoint[] {
  return ports.map((port, index) => ({
    id: firstId + index,
    authority: `127.0.0.1:${port}`,
    address: '127.0.0.1',
    port,
    socketPath: null,
    tls: false,
    serverName: '127.0.0.1',
  }))
}
