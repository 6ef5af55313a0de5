import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { configText, parsed, problemsOf } from '../support/config-files.ts'

const hashOf = (text: string, env = {}): string => {
  const result = parseConfig(text, 'g.yaml', env)
  return result.ok ? result.hash : 'not valid'
}

function isDeepFrozen(value: unknown): boolean {
  return typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isDeepFrozen))
}

describe('the smallest configuration', () => {
  it('has the defaults of the contract', () => {
    expect(parsed(configText())).toEqual({
      name: 'banyan',
      listen: { host: '::', port: 8080, socket: null, threads: 'auto', proxyProtocol: false, health: null, tls: null },
      admin: { host: '127.0.0.1', port: 9090, hosts: [], tokens: [], metrics: 'open' },
      backends: {
        v1: {
          endpoints: [{ url: 'http://legacy:8000', tls: false, host: 'legacy', port: 8000, socketPath: null }],
          probe: null,
          strict: false,
        },
        v2: {
          endpoints: [{ url: 'http://rewrite:8000', tls: false, host: 'rewrite', port: 8000, socketPath: null }],
          probe: null,
          strict: false,
        },
      },
      pool: { connections: 256, queue: 1_024, idleMs: 4_000, maxAgeMs: 300_000 },
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
      drain: { delayMs: 5_000, graceMs: 25_000 },
      store: { kind: 'local', path: './data' },
      sticky: [
        { kind: 'header', name: 'x-user-id' },
        { kind: 'cookie', name: 'session' },
        { kind: 'jwt', claim: 'sub' },
      ],
      stickyCookie: null,
      trustedProxies: [],
      requestId: { header: 'x-request-id', generate: true },
      accessLog: { sample: 0 },
      logLevel: 'info',
      debug: { header: 'x-banyan-debug', secret: null },
      responseHeaders: { version: 'X-API-Version', backend: 'X-Banyan-Backend' },
      via: false,
      routes: [
        {
          name: 'rest',
          group: 'rest',
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
          mirror: {
            sample: 100,
            methods: ['GET', 'HEAD'],
            maxBodyBytes: 1_048_576,
            timeoutMs: 5_000,
            concurrency: 64,
            queue: 256,
            reverse: 5,
          },
          compare: { control: 1, confirm: true, headers: ['content-type'], ignore: [], arrays: [], tolerance: [], redact: [] },
          health: {
            errorRate: { max: 5, ratio: 2, excess: 5 },
            latency: { p95Ms: 500, p99Ms: 1_000, ratio: 1.5, floorMs: 20 },
            clientErrors: { ratio: 2, excess: 5 },
            mismatchRate: { max: 1, action: 'hold' },
            minRequests: 20,
            sustainMs: 1_000,
          },
          ramp: {
            steps: [1, 5, 10, 25, 50, 75, 90, 95, 100],
            holdMs: 86_400_000,
            minRequests: 1_000,
            parity: 99.9,
            approve: [50, 100],
            calendar: null,
          },
          allow: null,
          deny: null,
          force: null,
          version: null,
          bodyBytes: 0,
        },
      ],
      alerts: [],
    })
  })

  it('is frozen to the ground', () => {
    expect(isDeepFrozen(parsed(configText('admin: { tokens: [{ name: a, role: viewer, token: x }] }')))).toBe(true)
  })
})

describe('values', () => {
  it('are taken in all the forms the contract shows', () => {
    const config = parsed(
      configText(
        `listen: { host: 0.0.0.0, port: "0", threads: 2, health: /ready, tls: { cert: a.pem, key: b.pem } }
admin: { host: localhost, tokens: [{ name: oncall, role: operator, token: abcdefghijklmnop }], metrics: token }
store: { redis: "rediss://r:6379", bootstrap: true }
sticky: [{ header: X-User }, { cookie: s }, { jwt: sub }, { query: user }, { pathParam: id }, { ip: true }]
stickyCookie: {}
trustedProxies: [10.0.0.0/8, "fd00::/8", "unix:"]
responseHeaders: { version: null, backend: X-Who }
alerts: [{ slack: "https://s" }, { pagerduty: key }, { webhook: "http://w", secret: s }, { webhook: "http://w2" }]
`,
        `[{ name: orders, match: { path: "/api/orders/{id}/**", methods: [GET, PURGE], host: API.Example.com, header: { X-Tenant: acme } },
    allow: { header: X-User, values: [alice] }, force: {}, version: {}, body: 10MiB, ramp: { calendar: { hours: "09:30-17" } },
    compare: { headers: [Content-Type, ETag], ignore: [/a/*/b], arrays: [{ path: /i, key: id }, { path: /t, unordered: true }], tolerance: [{ path: /x, abs: 0.01 }] },
    fallback: { on: [404, timeout, 404] } }, { name: rest }]`,
      ),
    )
    expect(config.listen).toMatchObject({ host: '0.0.0.0', port: 0, threads: 2, health: '/ready', tls: { cert: 'a.pem', key: 'b.pem' } })
    expect(config.store).toEqual({ kind: 'redis', url: 'rediss://r:6379', prefix: 'banyan', bootstrap: true, path: './data' })
    expect(config.sticky).toEqual([
      { kind: 'header', name: 'x-user' },
      { kind: 'cookie', name: 's' },
      { kind: 'jwt', claim: 'sub' },
      { kind: 'query', name: 'user' },
      { kind: 'pathParam', name: 'id' },
      { kind: 'ip', direct: false },
    ])
    expect(config.stickyCookie).toEqual({ name: 'banyan_id', maxAgeMs: 2_592_000_000 })
    expect(config.responseHeaders).toEqual({ version: null, backend: 'X-Who' })
    expect(config.alerts).toEqual([
      { kind: 'slack', url: 'https://s' },
      { kind: 'pagerduty', key: 'key' },
      { kind: 'webhook', url: 'http://w', secret: 's' },
      { kind: 'webhook', url: 'http://w2', secret: null },
    ])
    expect(config.routes[0]).toMatchObject({
      match: { path: '/api/orders/{id}/**', methods: ['GET', 'PURGE'], host: 'api.example.com', header: { 'x-tenant': 'acme' } },
      allow: { header: 'x-user', values: ['alice'] },
      force: { header: 'x-force-backend', secret: null, whileTripped: false },
      version: { detect: ['header', 'accept', 'path'], default: 'v1', strict: false },
      bodyBytes: 10_485_760,
      ramp: { calendar: { days: 'mon-fri', hours: '09:30-17', tz: 'UTC' } },
      compare: {
        headers: ['content-type', 'etag'],
        arrays: [
          { path: '/i', key: 'id', unordered: false },
          { path: '/t', key: null, unordered: true },
        ],
        tolerance: [{ path: '/x', abs: 0.01, rel: 0 }],
      },
      fallback: { connect: false, timeout: true, statuses: [404] },
    })
  })

  test.each([
    ['http://a', { url: 'http://a', tls: false, host: 'a', port: 80, socketPath: null }],
    ['https://A.b', { url: 'https://a.b', tls: true, host: 'a.b', port: 443, socketPath: null }],
    ['http://my_service:81/', { url: 'http://my_service:81', tls: false, host: 'my_service', port: 81, socketPath: null }],
    ['http://[2001:db8::1]:81', { url: 'http://[2001:db8::1]:81', tls: false, host: '2001:db8::1', port: 81, socketPath: null }],
    ['https://[::1]', { url: 'https://[::1]', tls: true, host: '::1', port: 443, socketPath: null }],
    ['http://10.0.0.1:80', { url: 'http://10.0.0.1', tls: false, host: '10.0.0.1', port: 80, socketPath: null }],
    ['unix:/run/a.sock', { url: 'unix:/run/a.sock', tls: false, host: '', port: 0, socketPath: '/run/a.sock' }],
    ['unix:///run/a.sock', { url: 'unix:/run/a.sock', tls: false, host: '', port: 0, socketPath: '/run/a.sock' }],
  ])('the endpoint %s', (text, endpoint) => {
    const config = parsed(
      `backends: { v1: { endpoints: ["${text}"] }, v2: { endpoints: [http://b], probe: {} } }\nroutes: [{ name: rest }]\n`,
    )
    expect(config.backends.v1.endpoints).toEqual([endpoint])
    expect(config.backends.v2.probe).toEqual({ path: '/health', intervalMs: 5_000 })
  })

  it('of the contract’s own example are all taken but those of later versions', () => {
    const text = readFileSync(new URL('contract-example.yaml', import.meta.url), 'utf8')
    const env = { ENV_NAME: 'x'.repeat(20), FORCE_SECRET: 'f', SLACK_URL: 'https://s', PD_KEY: 'p', HOOK_SECRET: 'h' }
    expect(problemsOf(text, env).map((line) => line.split(': ').slice(1).join(': '))).toEqual(
      ['adapt', 'lifecycle', 'writes', 'checks'].map(
        (key) => `routes[0].${key}: is not available in this version; remove it, or wait for a version that has it`,
      ),
    )
    const now = text.replaceAll(/^ +(?:adapt|lifecycle|writes|checks):.*\n/gm, '')
    expect(parsed(now, env)).toMatchObject({
      routes: [
        { name: 'orders', weight: 5, force: { secret: 'f' } },
        { name: 'rest', mirror: { reverse: 5 } },
      ],
      alerts: [{}, {}, {}],
    })
  })
})

describe('defaults', () => {
  it('are laid under every route: maps key by key, lists and the rest replaced', () => {
    const config = parsed(
      configText(
        'defaults: { stage: shadow, timeouts: { total: 9s }, mirror: { sample: 50, methods: [GET] }, health: { latency: { p95: 1s } }, ramp: { steps: [1, 50], calendar: { tz: Europe/Berlin } } }',
        '[{ name: a, match: { path: /a }, stage: off, timeouts: { connect: 2s }, mirror: { methods: [HEAD] }, health: { latency: { p99: 2s } }, ramp: { calendar: null } }, { name: rest }]',
      ),
    )
    expect(config.routes[0]).toMatchObject({
      stage: 'off',
      timeouts: { totalMs: 9_000, connectMs: 2_000, headMs: 10_000 },
      mirror: { sample: 50, methods: ['HEAD'], reverse: 5 },
      health: { latency: { p95Ms: 1_000, p99Ms: 2_000, ratio: 1.5 }, minRequests: 20 },
      ramp: { steps: [1, 50], calendar: null, approve: [50] },
    })
    expect(config.routes[1]).toMatchObject({
      stage: 'shadow',
      mirror: { methods: ['GET'] },
      ramp: { calendar: { tz: 'Europe/Berlin', days: 'mon-fri' } },
    })
  })

  it('give a complete route the weight 100, whatever weight others have', () => {
    const config = parsed(
      configText('defaults: { weight: 5, stage: canary }', '[{ name: a, match: { path: /a }, stage: complete }, { name: rest }]'),
    )
    expect(config.routes.map(({ weight }) => weight)).toEqual([100, 5])
  })
})

describe('the environment', () => {
  it('overrides the file', () => {
    const env = { PORT: '1', ADMIN_PORT: '2', BANYAN_ADMIN_TOKEN: 'secret', REDIS_URL: 'redis://r', LOG_LEVEL: 'DEBUG' }
    const config = parsed(configText('admin: { tokens: [{ name: a, role: viewer, token: x }] }'), env)
    expect(config).toMatchObject({
      listen: { port: 1 },
      admin: { port: 2 },
      logLevel: 'debug',
      store: { kind: 'redis', url: 'redis://r', prefix: 'banyan', path: './data' },
    })
    expect(config.admin.tokens).toEqual([
      { name: 'a', role: 'viewer', token: 'x' },
      { name: 'environment', role: 'operator', token: 'secret' },
    ])
  })

  it('with empty variables says nothing', () => {
    const env = { PORT: '', ADMIN_PORT: ' ', BANYAN_ADMIN_TOKEN: '', REDIS_URL: '', LOG_LEVEL: '' }
    expect(parsed(configText(), env)).toEqual(parsed(configText()))
  })

  test.each([
    ['PORT', '65536', '"65536" is not a port; set a number from 0 to 65535'],
    ['ADMIN_PORT', 'tcp://10.0.0.1:9090', '"tcp://10.0.0.1:9090" is not a port; set a number from 0 to 65535'],
    ['BANYAN_ADMIN_TOKEN', 'two words', 'a token goes into a header; set visible ASCII without blanks'],
    ['REDIS_URL', 'redis', 'the value is no Redis URL; write redis://host:6379 or rediss://host:6379'],
    ['LOG_LEVEL', 'loud', '"loud" is not a log level; set one of fatal, error, warn, info, debug, trace, silent'],
  ])('with a bad %s (%s) is a problem beside those of the file', (name, value, message) => {
    expect(problemsOf(configText('via: 5'), { [name]: value })).toEqual([
      'g.yaml:3:6: via: 5 is not true or false; write true or false',
      `environment: ${name}: ${message}`,
    ])
    expect(problemsOf('', { [name]: value })).toHaveLength(2)
  })
})

describe('the hash', () => {
  it('is the same for the same text, whatever the ports of this machine', () => {
    expect(hashOf(configText())).toBe(hashOf(configText(), { PORT: '1' }))
    expect(hashOf(configText())).toMatch(/^[0-9a-f]{64}$/)
    expect(hashOf(configText('via: true'))).not.toBe(hashOf(configText()))
  })

  it('is another one when a variable changes a weight', () => {
    const text = configText('', '[{ name: rest, stage: canary, weight: ${W} }]')
    expect(hashOf(text, { W: '5' })).not.toBe(hashOf(text, { W: '6' }))
  })
})
