/**
 * The configuration as every part of the gateway reads it: parsed, defaulted, frozen.
 *
 * Durations are milliseconds (`…Ms`), sizes bytes (`…Bytes`, 0 = no limit), shares of traffic percent
 * numbers as the operator wrote them (0–100, steps of 0.01). Route entries carry every default already:
 * nobody but `src/config` knows that defaults exist.
 */
export type Backend = 'v1' | 'v2'
export type Stage = 'off' | 'shadow' | 'canary' | 'complete'
export type Role = 'viewer' | 'operator'
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

export interface GatewayConfig {
  readonly name: string
  readonly listen: ListenConfig
  readonly admin: AdminConfig
  readonly backends: Readonly<Record<Backend, BackendConfig>>
  readonly pool: PoolConfig
  readonly limits: LimitsConfig
  readonly drain: { readonly delayMs: number; readonly graceMs: number }
  readonly store: StoreConfig
  readonly sticky: readonly StickySource[]
  readonly stickyCookie: { readonly name: string; readonly maxAgeMs: number } | null
  readonly trustedProxies: readonly string[]
  readonly requestId: { readonly header: string; readonly generate: boolean }
  readonly accessLog: { readonly sample: number }
  readonly logLevel: LogLevel
  readonly debug: { readonly header: string; readonly secret: string | null }
  readonly responseHeaders: ResponseHeaders
  readonly via: boolean
  readonly routes: readonly RouteConfig[]
  readonly alerts: readonly AlertConfig[]
}

/** Names of the headers the gateway adds to answers; null = not sent. */
export interface ResponseHeaders {
  readonly version: string | null
  readonly backend: string | null
}

export interface ListenConfig {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  readonly socket: string | null
  readonly threads: number | 'auto'
  readonly proxyProtocol: boolean
  /** A path on the data port that answers readiness, or null. */
  readonly health: string | null
  /** Paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | null
}

export interface AdminConfig {
  readonly host: string
  readonly port: number
  /** Names it is reached by besides its address; changes sent to any other Host are refused. */
  readonly hosts: readonly string[]
  readonly tokens: readonly { readonly name: string; readonly role: Role; readonly token: string }[]
  readonly metrics: 'open' | 'token'
}

export interface BackendConfig {
  readonly endpoints: readonly EndpointConfig[]
  readonly probe: { readonly path: string; readonly intervalMs: number } | null
  /** Refuse repairable faults of this backend's answers instead of repairing them. */
  readonly strict: boolean
}

/** One address of a backend, as written: `http://host:port`, `https://host`, `unix:/path`. */
export interface EndpointConfig {
  readonly url: string
  readonly tls: boolean
  readonly host: string
  readonly port: number
  readonly socketPath: string | null
}

export interface PoolConfig {
  readonly connections: number
  readonly queue: number
  readonly idleMs: number
  readonly maxAgeMs: number
}

export interface LimitsConfig {
  readonly connections: number
  readonly perClient: number
  readonly requestLineBytes: number
  readonly headBytes: number
  readonly lines: number
  readonly bodyBytes: number
  readonly holdBytes: number
  readonly buffersBytes: number
}

export type StoreConfig =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string; readonly bootstrap: boolean; readonly path: string }

export type StickySource =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'jwt'; readonly claim: string }
  | { readonly kind: 'query'; readonly name: string }
  | { readonly kind: 'pathParam'; readonly name: string }
  | { readonly kind: 'ip'; readonly direct: boolean }

export interface RouteConfig {
  readonly name: string
  /** Routes of one group share stage, weight, ramp and latch; defaults to the route's own name. */
  readonly group: string
  readonly match: MatchConfig
  readonly stage: Stage
  /** Configured weight, percent. */
  readonly weight: number
  readonly stickyGroup: string
  readonly timeouts: TimeoutsConfig
  readonly fallback: FallbackConfig
  readonly mirror: MirrorConfig
  readonly compare: CompareConfig
  readonly health: HealthConfig
  readonly ramp: RampConfig
  readonly allow: HeaderList | null
  readonly deny: HeaderList | null
  readonly force: { readonly header: string; readonly secret: string | null; readonly whileTripped: boolean } | null
  readonly version: VersionConfig | null
  /** Request body limit of this route; 0 = the gateway's. */
  readonly bodyBytes: number
}

export interface MatchConfig {
  /** Glob: `*` within a segment, `/**` zero or more segments, `{name}` one segment kept as a path parameter. */
  readonly path: string
  /** Upper-case methods; empty = any. `GET` includes HEAD. */
  readonly methods: readonly string[]
  readonly host: string | null
  /** Lower-case header name → exact value. */
  readonly header: Readonly<Record<string, string>>
}

export interface HeaderList {
  readonly header: string
  readonly values: readonly string[]
}

export interface VersionConfig {
  readonly detect: readonly ('header' | 'accept' | 'path')[]
  readonly default: Backend
  readonly strict: boolean
}

/** All milliseconds; 0 = none. */
export interface TimeoutsConfig {
  readonly headMs: number
  readonly connectMs: number
  readonly firstByteMs: number
  readonly idleMs: number
  readonly totalMs: number
  readonly keepAliveMs: number
  readonly tunnelMs: number
}

export interface FallbackConfig {
  /** `connect` (refused, reset before the answer), `timeout`, or statuses; empty = never. */
  readonly connect: boolean
  readonly timeout: boolean
  readonly statuses: readonly number[]
  readonly afterMs: number
}

export interface MirrorConfig {
  /** Percent of eligible requests. */
  readonly sample: number
  readonly methods: readonly string[]
  readonly maxBodyBytes: number
  readonly timeoutMs: number
  readonly concurrency: number
  readonly queue: number
  /** Percent of v2-served safe requests mirrored back to v1. */
  readonly reverse: number
}

export interface CompareConfig {
  /** A/A share of mirrored safe requests, percent. */
  readonly control: number
  readonly confirm: boolean
  /** Lower-case names. */
  readonly headers: readonly string[]
  /** JSON Pointers; `*` stands for one segment. */
  readonly ignore: readonly string[]
  readonly arrays: readonly { readonly path: string; readonly key: string | null; readonly unordered: boolean }[]
  readonly tolerance: readonly { readonly path: string; readonly abs: number; readonly rel: number }[]
  readonly redact: readonly string[]
}

export interface HealthConfig {
  /** Percent; times v1; points above v1. */
  readonly errorRate: { readonly max: number; readonly ratio: number; readonly excess: number }
  readonly latency: { readonly p95Ms: number; readonly p99Ms: number; readonly ratio: number; readonly floorMs: number }
  readonly clientErrors: { readonly ratio: number; readonly excess: number }
  readonly mismatchRate: { readonly max: number; readonly action: 'hold' | 'trip' }
  readonly minRequests: number
  readonly sustainMs: number
}

export interface RampConfig {
  readonly steps: readonly number[]
  readonly holdMs: number
  readonly minRequests: number
  readonly parity: number
  readonly approve: readonly number[]
  readonly calendar: { readonly days: string; readonly hours: string; readonly tz: string } | null
}

export type AlertConfig =
  | { readonly kind: 'slack'; readonly url: string }
  | { readonly kind: 'pagerduty'; readonly key: string }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: string | null }
