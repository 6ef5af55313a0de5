/**
 * The whole configuration: which keys there are, what they may hold, what they are when left out.
 *
 * Only what one value can say about itself is decided here; what values say about each other is in the rules
 * files. Messages of the structure (an unknown key, a list where a map belongs) are worded in `issues.ts`.
 */
import { z } from 'zod'
import type { AlertConfig, StickySource, StoreConfig } from '../core/model/config.ts'
import { field, readNumber, Wrong } from './field.ts'
import { choice, count, duration, port, share, size, text, toggle } from './fields.ts'
import * as names from './names.ts'
import { routeSchema } from './route-schema.ts'
import { defaultsSchema } from './settings-schema.ts'

const threads = field({
  doc: 'Data threads; auto = one per available core.',
  what: 'a number of threads',
  write: 'auto, or a whole number from 1 to 64',
  json: { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: 64 }] },
  read: (raw): number | 'auto' | Wrong | undefined => {
    if (raw === 'auto') return 'auto'
    const value = readNumber(raw)
    if (value === undefined || !Number.isInteger(value)) return undefined
    return value >= 1 && value <= 64 ? value : new Wrong(`${value} is not from 1 to 64; write auto, or a whole number from 1 to 64`)
  },
})

const file = (doc: string, write: string) => text(doc, { what: 'a path', write })

const listen = z
  .strictObject({
    host: names.listenHost('Address the data port binds to; :: is every one, IPv4 included.').prefault('::'),
    port: port('Data port; 0 = any free one.').prefault(8080),
    socket: file('Path of a unix socket to listen on in place of the port.', 'a path such as /run/banyan.sock').nullable().prefault(null),
    threads: threads.prefault('auto'),
    proxyProtocol: toggle('Connections begin with a PROXY protocol line.').prefault(false),
    health: names.plainPath('A path that answers readiness on the data port.', '/healthz').nullable().prefault(null),
    tls: z
      .strictObject({
        cert: file('PEM file of the certificate chain.', 'a path such as ./tls.crt'),
        key: file('PEM file of the key.', 'a path such as ./tls.key'),
      })
      .nullable()
      .prefault(null),
  })
  .meta({ description: 'The data port. A change needs a restart.' })

const token = z.strictObject({
  name: names.gatewayName('Who holds it; written to the audit log.'),
  role: choice('viewer: reads. operator: changes too.', ['viewer', 'operator']),
  token: names.secret('The token itself.'),
})

const admin = z
  .strictObject({
    host: names.listenHost('Address the admin port binds to.').prefault('127.0.0.1'),
    port: port('Admin port; 0 = any free one.').prefault(9090),
    hosts: z
      .array(names.hostName('Further name the admin port is reached by, for example banyan-admin.banyan.'))
      .meta({ description: 'Names the admin port is reached by besides its address: changes sent to any other Host are refused.' })
      .prefault([]),
    tokens: z.array(token).meta({ description: 'Who may use the admin port. Without tokens it is open on loopback only.' }).prefault([]),
    metrics: choice('open: /metrics needs no token.', ['open', 'token']).prefault('open'),
  })
  .meta({ description: 'The admin port. A change needs a restart.' })

const probe = z
  .strictObject({
    path: names.plainPath('Asked with GET; an answer below 400 is good.', '/health').prefault('/health'),
    interval: duration('Time between two probes.', 100).prefault('5s'),
  })
  .transform(({ path, interval }) => ({ path, intervalMs: interval }))

const backend = (description: string) =>
  z
    .strictObject({
      endpoints: z.array(names.endpoint('http://host:port, https://host or unix:/path.')).meta({ description: 'Its addresses.' }),
      probe: probe.nullable().meta({ description: 'Health probe; null = none.' }).prefault(null),
      strict: toggle("Refuse repairable faults of this backend's answers.").prefault(false),
    })
    .meta({ description })

const limits = z
  .strictObject({
    connections: count('Client connections; 0 = no limit.', 0).prefault(20_000),
    perClient: count('Connections of one client address; 0 = no limit.', 0).prefault(0),
    requestLine: size('Longest request line (414).').prefault('8KiB'),
    head: size('Largest request head (431).').prefault('32KiB'),
    lines: count('Header lines of a request (431).', 0).prefault(200),
    body: size('Largest request body (413); 0 = no limit.').prefault(0),
    hold: size('Request body kept for a retry or fallback.').prefault('64KiB'),
    buffers: size('Memory for all bodies in flight: mirrors are shed first, then requests get 503.').prefault('256MiB'),
  })
  .transform((written) => ({
    connections: written.connections,
    perClient: written.perClient,
    requestLineBytes: written.requestLine,
    headBytes: written.head,
    lines: written.lines,
    bodyBytes: written.body,
    holdBytes: written.hold,
    buffersBytes: written.buffers,
  }))

const store = z
  .strictObject({
    path: file('Folder of the local databases.', 'a path such as ./data').prefault('./data'),
    redis: text('URL of the Redis that replicas share.', {
      secret: true,
      write: 'a URL such as redis://redis:6379',
      problem: redisProblem,
    }).optional(),
    prefix: names.gatewayName('Prefix of its keys.').optional(),
    bootstrap: toggle('Take the weights of the config when Redis is empty.').optional(),
  })
  .meta({ description: 'Where state is kept: a local folder, or Redis. A change needs a restart.' })
  .transform(({ path, redis, prefix, bootstrap }, context): StoreConfig => {
    if (redis !== undefined) return { kind: 'redis', url: redis, prefix: prefix ?? 'banyan', bootstrap: bootstrap ?? false, path }
    for (const [key, value] of Object.entries({ prefix, bootstrap }))
      if (value !== undefined)
        context.issues.push({
          code: 'custom',
          path: [key],
          message: 'belongs to redis; write redis: redis://host:6379, or remove this line',
          input: value,
        })
    return { kind: 'local', path }
  })

export function redisProblem(value: string): string | null {
  return URL.canParse(value) && /^rediss?:\/\/./.test(value)
    ? null
    : 'the value is no Redis URL; write redis://host:6379 or rediss://host:6379'
}

const stickyKeys = {
  header: names.requestHeader('A header.', 'x-user-id').optional(),
  cookie: names.cookieName('A cookie.').optional(),
  jwt: text('A claim of the bearer token; its signature is not checked.', { write: 'a claim such as sub' }).optional(),
  query: text('A query parameter.', { write: 'a parameter such as user' }).optional(),
  pathParam: text('A {name} of the route path.', { write: 'the name of a path parameter such as id' }).optional(),
  ip: field({
    doc: "true: the client's address, by trusted proxies. direct: the peer's.",
    what: 'true or direct',
    write: 'true or direct',
    json: { enum: [true, 'direct'] },
    read: (raw) => (raw === true || raw === 'true' || raw === 'direct' ? (raw === 'direct' ? ('direct' as const) : true) : undefined),
  }).optional(),
}

const stickySource = z
  .strictObject(stickyKeys)
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform(({ header, cookie, jwt, query, pathParam, ip }, context): StickySource => {
    const given: StickySource[] = []
    if (header !== undefined) given.push({ kind: 'header', name: header })
    if (cookie !== undefined) given.push({ kind: 'cookie', name: cookie })
    if (jwt !== undefined) given.push({ kind: 'jwt', claim: jwt })
    if (query !== undefined) given.push({ kind: 'query', name: query })
    if (pathParam !== undefined) given.push({ kind: 'pathParam', name: pathParam })
    if (ip !== undefined) given.push({ kind: 'ip', direct: ip === 'direct' })
    const [only] = given
    if (only !== undefined && given.length === 1) return only
    const message = `names ${given.length === 0 ? 'no source' : `${given.length} sources`}; write one an entry: [{ header: x-user-id }, { cookie: session }]`
    context.issues.push({ code: 'custom', message, input: given })
    return z.NEVER
  })

const alert = z
  .strictObject({
    slack: names.httpsUrl('Incoming webhook of Slack.', 'https://hooks.slack.com/…').optional(),
    pagerduty: names.secret('Integration key of PagerDuty.').optional(),
    webhook: names.httpsUrl('Gets a JSON POST.', 'https://host/path').optional(),
    secret: names.secret('Signs what the webhook gets.').optional(),
  })
  .transform(({ slack, pagerduty, webhook, secret }, context): AlertConfig => {
    const given: AlertConfig[] = []
    if (slack !== undefined) given.push({ kind: 'slack', url: slack })
    if (pagerduty !== undefined) given.push({ kind: 'pagerduty', key: pagerduty })
    if (webhook !== undefined) given.push({ kind: 'webhook', url: webhook, secret: secret ?? null })
    const [only] = given
    if (only !== undefined && given.length === 1 && (secret === undefined || only.kind === 'webhook')) return only
    context.issues.push({
      code: 'custom',
      message: 'must name one receiver: { slack: URL }, { pagerduty: KEY } or { webhook: URL, secret: SECRET }',
      input: null,
    })
    return z.NEVER
  })

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export const gatewaySchema = z.strictObject({
  name: names.gatewayName('The same on all replicas, different per deployment.').prefault('banyan'),
  listen: listen.prefault({}),
  admin: admin.prefault({}),
  backends: z.strictObject({ v1: backend('The legacy API: the trusted side.'), v2: backend('The rewrite: the side on trial.') }),
  pool: z
    .strictObject({
      connections: count('Connections per endpoint and process.', 1, 65_536).prefault(256),
      queue: count('Requests that may wait for one.', 0, 1_048_576).prefault(1024),
      idle: duration('How long an idle one is kept: below what the backend does.').prefault('4s'),
      maxAge: duration('How old one may grow; 0s = no limit.').prefault('5m'),
    })
    .meta({ description: 'Connections to backends.' })
    .transform(({ connections, queue, idle, maxAge }) => ({ connections, queue, idleMs: idle, maxAgeMs: maxAge }))
    .prefault({}),
  limits: limits.meta({ description: 'Bounds; 0 = none.' }).prefault({}),
  drain: z
    .strictObject({
      delay: duration('Time between "not ready" and closing the listeners.').prefault('5s'),
      grace: duration('Time for what is in flight, also counted from the signal; what still runs then is cut.').prefault('25s'),
    })
    .transform(({ delay, grace }) => ({ delayMs: delay, graceMs: grace }))
    .prefault({}),
  store: store.prefault({}),
  sticky: z
    .array(stickySource)
    .meta({ description: 'What a user is known by: the first that is present.' })
    .prefault([{ header: 'x-user-id' }, { cookie: 'session' }, { jwt: 'sub' }]),
  stickyCookie: z
    .strictObject({
      name: names.cookieName('Name of the cookie.').prefault('banyan_id'),
      maxAge: duration('How long browsers keep it.', 1_000).prefault('30d'),
    })
    .meta({ description: 'Set when no key was found; null = never.' })
    .transform(({ name, maxAge }) => ({ name, maxAgeMs: maxAge }))
    .nullable()
    .prefault(null),
  trustedProxies: z
    .array(names.cidr('An address or block.'))
    .meta({ description: 'Proxies whose X-Forwarded-* headers are believed.' })
    .prefault([]),
  requestId: z
    .strictObject({
      header: names.requestHeader('Header of the request id.', 'x-request-id').prefault('x-request-id'),
      generate: toggle('Make one when the client sent none.').prefault(true),
    })
    .prefault({}),
  accessLog: z.strictObject({ sample: share('Share of exchanges that are logged, percent.').prefault(0) }).prefault({}),
  logLevel: choice('How much is logged.', LOG_LEVELS).prefault('info'),
  debug: z
    .strictObject({
      header: names
        .requestHeader('A request that carries the secret in it is told its decision.', 'x-banyan-debug', true)
        .prefault('x-banyan-debug'),
      secret: names.secret('Null = nobody is told.').nullable().prefault(null),
    })
    .prefault({}),
  responseHeaders: z
    .strictObject({
      version: names
        .responseHeader('Says which contract was delivered; null = not sent.', 'X-API-Version')
        .nullable()
        .prefault('X-API-Version'),
      backend: names.responseHeader('Says who answered; null = not sent.', 'X-Banyan-Backend').nullable().prefault('X-Banyan-Backend'),
    })
    .prefault({}),
  via: toggle('Add Via; some servers stop compressing then.').prefault(false),
  defaults: defaultsSchema.prefault({}),
  routes: z.array(routeSchema).min(1).meta({ description: 'First match wins.' }),
  alerts: z.array(alert).meta({ description: 'Who is told about trips.' }).prefault([]),
})
