import { expect, test } from 'vitest'
import { BACKENDS, configText, problemsOf } from '../support/config-files.ts'

/** One wrong value each, from line 3 on, and what is said about it. */
const SETTINGS: [more: string, problem: string][] = [
  ['listen: { port: 99999 }', '3:17: listen.port: 99999 is above 65535; write a whole number from 0 to 65535'],
  ['listen: { port: -1 }', '3:17: listen.port: -1 is below 0; write a whole number from 0 to 65535'],
  ['listen: { port: 80.5 }', '3:17: listen.port: 80.5 is not a whole number; write a whole number from 0 to 65535'],
  ['listen: { port: .inf }', '3:17: listen.port: Infinity is not a whole number; write a whole number from 0 to 65535'],
  ['listen:\n  port:', '4:8: listen.port: has no value; write a whole number from 0 to 65535'],
  [
    'listen: { host: "127.0.0.1:80" }',
    '3:17: listen.host: "127.0.0.1:80" is no address; write 127.0.0.1, 0.0.0.0, :: or a host name, without a port',
  ],
  ['listen: { threads: 0 }', '3:20: listen.threads: 0 is not from 1 to 64; write auto, or a whole number from 1 to 64'],
  ['listen: { threads: many }', '3:20: listen.threads: "many" is not a number of threads; write auto, or a whole number from 1 to 64'],
  ['listen: { proxyProtocol: yes }', '3:26: listen.proxyProtocol: "yes" is not true or false; write true or false'],
  ['listen: { health: healthz }', '3:19: listen.health: "healthz" is not a path; write a path such as /healthz'],
  ['listen: { tls: { cert: ./a.pem } }', '3:16: listen.tls.key: is missing; write a path such as ./tls.key'],
  ['listen: { socket: "" }', '3:19: listen.socket: is an empty text; write a value, or remove the line'],
  ['admin: { metrics: closed }', '3:19: admin.metrics: "closed" is not one of the known values; write open or token'],
  [
    'admin: { tokens: [{ name: a, role: admin, token: x }] }',
    '3:36: admin.tokens[0].role: "admin" is not one of the known values; write viewer or operator',
  ],
  [
    'admin: { tokens: [{ name: a, role: viewer, token: "a b" }] }',
    '3:51: admin.tokens[0].token: a secret goes into a header; write visible ASCII without blanks',
  ],
  ['admin: { tokens: [{ name: a, role: viewer, token: 1234 }] }', '3:51: admin.tokens[0].token: the value is not a text; put it in quotes'],
  ['pool: { connections: 0 }', '3:22: pool.connections: 0 is below 1; write a whole number from 1 to 65536'],
  ['pool: { idle: 4 }', '3:15: pool.idle: 4 has no unit; write 4s or 4ms'],
  ['pool: { idle: 4 s }', '3:15: pool.idle: "4 s" is not a duration; write a number with ms, s, m, h or d, such as 250ms, 30s or 24h'],
  [
    'pool: { maxAge: 4000d }',
    '3:17: pool.maxAge: "4000d" is longer than ten years; write a number with ms, s, m, h or d, such as 250ms, 30s or 24h',
  ],
  [
    'limits: { head: 32kb }',
    '3:17: limits.head: "32kb" is not a size; write a number of bytes, or one with KiB, MiB or GiB, such as 64KiB',
  ],
  ['limits: { body: -1 }', '3:17: limits.body: -1 is not a size; write a number of bytes, or one with KiB, MiB or GiB, such as 64KiB'],
  ['limits: { body: [] }', '3:17: limits.body: a list is not a size; write a number of bytes, or one with KiB, MiB or GiB, such as 64KiB'],
  ['store: { path: 5 }', '3:16: store.path: 5 is not a text; put it in quotes: "5"'],
  ['store: { redis: localhost }', '3:17: store.redis: the value is no Redis URL; write redis://host:6379 or rediss://host:6379'],
  ['store: { prefix: a }', '3:18: store.prefix: belongs to redis; write redis: redis://host:6379, or remove this line'],
  ['sticky: [{ header: "a b" }]', '3:20: sticky[0].header: "a b" is not a header name; write a header name such as x-user-id'],
  ['sticky: [{ header: Host }]', '3:20: sticky[0].header: host belongs to the connection, not to the user; write another header'],
  [
    'sticky: [{ header: X-Banyan-User }]',
    '3:20: sticky[0].header: x-banyan-* headers of clients are removed before anything is decided; write another header',
  ],
  [
    'sticky: [{ header: a, cookie: b }]',
    '3:10: sticky[0]: names 2 sources; write one an entry: [{ header: x-user-id }, { cookie: session }]',
  ],
  ['sticky: [{}]', '3:10: sticky[0]: names no source; write one an entry: [{ header: x-user-id }, { cookie: session }]'],
  ['sticky: [{ ip: false }]', '3:16: sticky[0].ip: false is not true or direct; write true or direct'],
  ['sticky: [header]', '3:10: sticky[0]: "header" is not a map; write keys under it: header, cookie, jwt, query, pathParam, ip'],
  ['sticky: { header: a }', '3:9: sticky: a map is not a list; write a list: [ … ]'],
  ['stickyCookie: { name: "a;b" }', '3:23: stickyCookie.name: "a;b" is not a cookie name; write a cookie name such as session'],
  ['stickyCookie: { maxAge: 1ms }', '3:25: stickyCookie.maxAge: "1ms" is too short; write at least 1000ms'],
  [
    'trustedProxies: [10.0.0.0/33]',
    '3:18: trustedProxies[0]: "10.0.0.0/33" is no address or CIDR block; write for example 10.0.0.0/8, 192.0.2.7, fd00::/8, or unix: for the peers of a unix socket',
  ],
  ['trustedProxies: 10.0.0.0/8', '3:17: trustedProxies: "10.0.0.0/8" is not a list; write [10.0.0.0/8]'],
  ['responseHeaders: { backend: Connection }', '3:29: responseHeaders.backend: Connection belongs to the connection; write another header'],
  [
    'accessLog: { sample: 101 }',
    '3:22: accessLog.sample: 101 is above 100; write a percent number from 0 to 100 in steps of 0.01, such as 5 or 0.25',
  ],
  ['logLevel: verbose', '3:11: logLevel: "verbose" is not one of the known values; write fatal, error, warn, info, debug, trace or silent'],
  ['alerts: [{ slack: not-a-url }]', '3:19: alerts[0].slack: the value is no http(s) URL; write https://hooks.slack.com/…'],
  [
    'alerts: [{ slack: "https://a", pagerduty: b }]',
    '3:10: alerts[0]: must name one receiver: { slack: URL }, { pagerduty: KEY } or { webhook: URL, secret: SECRET }',
  ],
  [
    'alerts: [{ slack: "https://a", secret: b }]',
    '3:10: alerts[0]: must name one receiver: { slack: URL }, { pagerduty: KEY } or { webhook: URL, secret: SECRET }',
  ],
  ['drain:', '3:7: drain: has no value; write keys under it: delay, grace, or remove the line'],
  ['name: ""', '3:7: name: is an empty text; write a value, or remove the line'],
]

test.each(SETTINGS)('%s', (more, problem) => expect(problemsOf(configText(more))).toEqual([`g.yaml:${problem}`]))

/** One wrong value each, in a route that begins at column 12 of line 2. */
const ROUTE: [keys: string, problem: string][] = [
  ['weight: 150', 'weight: 150 is above 100; write a percent number from 0 to 100 in steps of 0.01, such as 5 or 0.25'],
  ['weight: 0.001', 'weight: 0.001 is finer than 0.01; write a percent number from 0 to 100 in steps of 0.01, such as 5 or 0.25'],
  ['weight: 5 %', 'weight: "5 %" has a % sign; write the number alone: 5'],
  ['weight: half', 'weight: "half" is not a percent number; write a percent number from 0 to 100 in steps of 0.01, such as 5 or 0.25'],
  ['stage: live', 'stage: "live" is not one of the known values; write off, shadow, canary or complete'],
  ['group: gateway', 'group: "gateway" is a reserved word; write another name, such as gateway-routes'],
  ['group: toString', 'group: "toString" is a reserved word; write another name, such as toString-routes'],
  ['stickyGroup: 5', 'stickyGroup: 5 is not a text; put it in quotes: "5"'],
  ['match: { path: api }', 'match.path: path "api" must begin with "/", for example "/api/orders/**"'],
  ['match: { path: /a**b }', 'match.path: path "/a**b": "**" must be a whole segment, as in "/api/**"; within a segment write "*"'],
  ['match: { path: "/{id}/{id}" }', 'match.path: path "/{id}/{id}": the parameter {id} is there twice; give each a name of its own'],
  ['match: { methods: GET }', 'match.methods: "GET" is not a list; write [GET]'],
  ['match: { methods: [get] }', 'match.methods[0]: methods are case-sensitive, and "get" is none; write GET'],
  ['match: { methods: ["G T"] }', 'match.methods[0]: "G T" is not a method; write a method such as GET or POST'],
  ['match: { methods: [CONNECT] }', 'match.methods[0]: CONNECT is never forwarded; remove it'],
  ['match: { host: "api.example.com:80" }', 'match.host: a host is matched without its port; write api.example.com'],
  [
    'match: { host: "*.example.com" }',
    'match.host: patterns are not known here; write one route per host, or leave host out for all of them',
  ],
  ['match: { host: bücher.example }', 'match.host: browsers send this host as xn--bcher-kva.example; write that'],
  ['match: { host: "a b" }', 'match.host: "a b" is no host name; write one such as api.example.com'],
  ['match: { header: { "a b": x } }', 'match.header["a b"]: "a b" is no header name; write one such as x-tenant'],
  [
    'match: { header: { x-banyan-hop: x } }',
    'match.header.x-banyan-hop: x-banyan-* headers of clients are removed before anything is decided; write another header',
  ],
  ['match: { header: { X-T: a, x-t: b } }', 'match.header.x-t: this header is there twice, in another case; keep one'],
  ['match: { header: x-tenant }', 'match.header: "x-tenant" is not a map; write name: value pairs under it'],
  ['match: { header: { x-tenant: 007 } }', 'match.header.x-tenant: 7 is not a text; put it in quotes: "7"'],
  ['allow: { header: x-user-id }', 'allow.values: is missing; write [alice]'],
  ['allow: { header: x-user-id, values: [] }', 'allow.values: is empty; write at least one: [alice]'],
  ['deny: { header: x-user-id, values: [42] }', 'deny.values[0]: 42 is not a text; put it in quotes: "42"'],
  ['force: { secret: "ünsafe" }', 'force.secret: a secret goes into a header; write visible ASCII without blanks'],
  ['version: { detect: [cookie] }', 'version.detect[0]: "cookie" is not one of the known values; write header, accept or path'],
  ['version: { detect: [] }', 'version.detect: is empty; write at least one: [header, accept, path]'],
  [
    'timeouts: { total: 1h30m }',
    'timeouts.total: "1h30m" is not a duration; write a number with ms, s, m, h or d, such as 250ms, 30s or 24h',
  ],
  ['fallback: { on: [200] }', 'fallback.on[0]: 200 is no error status; write connect, timeout, or a status from 400 to 599'],
  [
    'fallback: { on: [refused] }',
    'fallback.on[0]: "refused" is not a reason to fall back; write connect, timeout, or a status from 400 to 599',
  ],
  ['fallback: { on: }', 'fallback.on: has no value; write [], or remove the line'],
  [
    'mirror: { methods: [POST] }',
    'mirror.methods[0]: "POST" is no safe method, and mirroring others is not available in this version; write GET, HEAD or OPTIONS',
  ],
  ['mirror: { timeout: 0 }', 'mirror.timeout: 0 is too short; write at least 1ms'],
  ['compare: { ignore: [meta.requestId] }', 'compare.ignore[0]: "meta.requestId" is no JSON Pointer; write /meta/requestId'],
  ['compare: { ignore: [/a~b] }', 'compare.ignore[0]: "/a~b" has a lone "~"; write ~0 for "~" and ~1 for "/"'],
  [
    'compare: { arrays: [{ path: /items }] }',
    'compare.arrays[0]: needs either key or unordered; write { path: /items, key: id } or { path: /tags, unordered: true }',
  ],
  ['compare: { tolerance: [{ path: /total }] }', 'compare.tolerance[0]: tolerates nothing; write { path: /total, abs: 0.01 } or rel'],
  ['health: { errorRate: { ratio: 0.5 } }', 'health.errorRate.ratio: 0.5 is below 1; write a number of 1 or more'],
  ['health: { mismatchRate: { action: stop } }', 'health.mismatchRate.action: "stop" is not one of the known values; write hold or trip'],
  ['ramp: { steps: [] }', 'ramp.steps: is empty; write at least one: [1, 5, 25, 50, 100]'],
  ['ramp: { steps: [5, 5] }', 'ramp.steps[1]: 5 does not rise above 5; write the steps in rising order'],
  ['ramp: { steps: [0, 5] }', 'ramp.steps[0]: 0 is below 0.01; write a percent number from 0.01 to 100'],
  ['ramp: { calendar: { days: weekdays } }', 'ramp.calendar.days: "weekdays" is not a list of days; write days such as mon-fri or mon,wed'],
  ['ramp: { calendar: { hours: 17-09 } }', 'ramp.calendar.hours: "17-09" ends before it begins; write hours such as 09-17'],
  ['ramp: { calendar: { tz: Mars/Base } }', 'ramp.calendar.tz: "Mars/Base" is no time zone; write one such as UTC or Europe/Berlin'],
  ['adapt: {}', 'adapt: is not available in this version; remove it, or wait for a version that has it'],
  ['lifecycle: {}', 'lifecycle: is not available in this version; remove it, or wait for a version that has it'],
  ['writes: { stage: split }', 'writes: is not available in this version; remove it, or wait for a version that has it'],
  ['checks: []', 'checks: is not available in this version; remove it, or wait for a version that has it'],
]

test.each(ROUTE)('a route with %s', (keys, problem) => {
  const problems = problemsOf(configText('', `[{ name: rest, ${keys} }]`))
  expect(problems.map((line) => line.replace(/^g\.yaml:2:\d+: routes\[0\]\./, ''))).toEqual([problem])
})

const ENDPOINTS: [endpoint: string, problem: string][] = [
  ['legacy:8000', '"legacy:8000" has no scheme; write http://legacy:8000'],
  ['ftp://a', 'the scheme ftp:// is not known here; write http://host:port, https://host:port or unix:/path/of.sock'],
  ['http://u:hunter2@a', "an endpoint has no user or password; write http://a, and let v1 and v2 see the client's own credentials"],
  ['http://a/api', 'an endpoint is an address without a path: requests keep their own; write http://a'],
  ['http://a?b', 'an endpoint is an address without a path: requests keep their own; write http://a'],
  ['http://a:0', 'port 0 cannot be connected to; write the port the backend listens on'],
  ['http://a:70000', '"http://a:70000" is not an endpoint; write http://host:port, https://host:port or unix:/path/of.sock'],
  ['http://[::1', '"http://[::1" is not an endpoint; write http://host:port, https://host:port or unix:/path/of.sock'],
  ['http://-a-', '"-a-" is no host name or address; write http://host:port, https://host:port or unix:/path/of.sock'],
  ['unix:run/a.sock', '"unix:run/a.sock" is no absolute path; write unix:/path/of.sock'],
  [`unix:/${'a'.repeat(120)}`, 'the socket path has 121 bytes; no system takes more than 103'],
]

test.each(ENDPOINTS)('the endpoint %s', (endpoint, problem) => {
  const text = `backends:\n  v1: { endpoints: ["${endpoint}"] }\n  v2: { endpoints: [http://b] }\nroutes: [{ name: rest }]\n`
  expect(problemsOf(text)).toEqual([`g.yaml:2:21: backends.v1.endpoints[0]: ${problem}`])
})

const STRUCTURE: [text: string, problems: string[]][] = [
  [
    'via: true',
    [
      '1:1: backends: is missing; write { v1: { endpoints: [http://legacy:8000] }, v2: { endpoints: [http://rewrite:8000] } }',
      '1:1: routes: is missing; write [{ name: rest, match: { path: /** } }]',
    ],
  ],
  [
    'backends: { v1: { endpoints: [http://a] } }\nroutes: []',
    [
      '1:11: backends.v2: is missing; write { endpoints: [http://rewrite:8000] }',
      '2:9: routes: is empty; write at least one: [{ name: rest, match: { path: /** } }]',
    ],
  ],
  [
    'backends: { v1: http://a, v2: {} }\nroutes: { name: rest }',
    [
      '1:17: backends.v1: "http://a" is not a map; write { endpoints: [http://legacy:8000] }',
      '1:31: backends.v2.endpoints: is missing; write [http://host:8000]',
      '2:9: routes: a map is not a list; write [{ name: rest, match: { path: /** } }]',
    ],
  ],
  [
    `${BACKENDS}\nroutes: [5, { match: {} }]`,
    [
      '2:10: routes[0]: 5 is not a map; write keys under it: name, group, match, stage, weight, stickyGroup, timeouts, fallback, mirror, compare, health, ramp, allow, deny, force, version, body',
      '2:13: routes[1].name: is missing; write a name such as orders',
    ],
  ],
]

test.each(STRUCTURE)('%j', (text, problems) => expect(problemsOf(text)).toEqual(problems.map((problem) => `g.yaml:${problem}`)))
