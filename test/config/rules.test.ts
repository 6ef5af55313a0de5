import { describe, expect, it, test } from 'vitest'
import { BACKENDS, configText, problemsOf, warningsOf } from '../support/config-files.ts'

const CATCH_ALL = '{ name: rest }'

describe('routes', () => {
  const table: [what: string, routes: string, problems: string[]][] = [
    [
      'with one name',
      '[{ name: a, match: { path: /a } }, { name: a }]',
      ['2:52: routes[1].name: "a" is the name of routes[0] too; give every route a name of its own'],
    ],
    [
      'below a catch-all',
      `[${CATCH_ALL}, { name: a, match: { path: /a } }]`,
      ['2:26: routes[1]: is never reached: routes[0] (rest) takes all its requests; move it above that route, or remove it'],
    ],
    [
      'below a wider path',
      '[{ name: api, match: { path: /api/** } }, { name: a, match: { path: /api/orders/** } }]',
      ['2:51: routes[1]: is never reached: routes[0] (api) takes all its requests; move it above that route, or remove it'],
    ],
    [
      'below a route for any method',
      '[{ name: a, match: { path: "/{id}" } }, { name: b, match: { path: "/{key}", methods: [GET] } }]',
      ['2:49: routes[1]: is never reached: routes[0] (a) takes all its requests; move it above that route, or remove it'],
    ],
    [
      'complete at another weight',
      '[{ name: a, stage: complete, weight: 50 }]',
      ['2:46: routes[0].weight: is 50, but in the stage complete all traffic goes to v2; write 100, or remove the line'],
    ],
    [
      'of one group in two stages',
      '[{ name: a, group: g, stage: canary, weight: 5, match: { path: /a } }, { name: b, group: g, weight: 7, ramp: { steps: [1] } }]',
      [
        '2:80: routes[1].stage: is off, but canary in that of routes[0] in the same group "g"; routes of a group share stage, weight and ramp: write the same in all of them',
        '2:109: routes[1].weight: is 7, but 5 in that of routes[0] in the same group "g"; routes of a group share stage, weight and ramp: write the same in all of them',
        '2:118: routes[1].ramp: differs from that of routes[0] in the same group "g"; routes of a group share stage, weight and ramp: write the same in all of them',
      ],
    ],
    [
      'in a group named like a route outside it',
      '[{ name: a, group: b, match: { path: /a } }, { name: b, group: c }]',
      ['2:28: routes[0].group: "b" is also the name of routes[1], which is in the group "c"; give the group another name'],
    ],
    [
      'with an approval beside the ramp',
      '[{ name: a, ramp: { steps: [1, 10], approve: [10, 50] } }]',
      ['2:59: routes[0].ramp.approve[1]: 50 is not a step of this ramp; write one of 1, 10'],
    ],
  ]
  test.each(table)('%s', (_what, routes, problems) =>
    expect(problemsOf(configText('', routes))).toEqual(problems.map((problem) => `g.yaml:${problem}`)),
  )

  const list = (length: number): string => Array.from({ length }, (_, i) => `  - { name: r${i}, match: { path: /r${i} } }`).join('\n')

  it('number at most 1,023', () => {
    expect(problemsOf(`${BACKENDS}\nroutes:\n${list(1_023)}\n`)).toEqual([])
    expect(problemsOf(`${BACKENDS}\nroutes:\n${list(1_024)}\n`)).toEqual([
      'g.yaml:1026:5: routes[1023]: is route number 1024: at most 1023 are possible; join routes with globs',
    ])
  })

  const warnings: [what: string, routes: string, warnings: string[]][] = [
    [
      'the last is no catch-all',
      '[{ name: a, match: { path: /a } }]',
      [
        '2:10: routes[0]: is the last route and no catch-all: what no route matches gets 404; add { name: rest, match: { path: /** } } if v1 should answer it',
      ],
    ],
    [
      'writes follow the bucket',
      '[{ name: a, stage: canary }]',
      [
        '2:10: routes[0]: its writes (POST, PUT, …) follow the bucket too, so v1 and v2 must share their data; if they do not, write match.methods: [GET] and a route for the rest',
      ],
    ],
    [
      'a weight waits for its stage',
      '[{ name: a, stage: shadow, weight: 5 }]',
      ['2:44: routes[0].weight: has no effect in the stage shadow; it holds from the stage canary on'],
    ],
    [
      'anybody may force',
      '[{ name: a, force: {} }]',
      ['2:28: routes[0].force: any client can choose v2 with this header; write secret: ${NAME} to keep it to yourselves'],
    ],
    ['only reads are split', `[{ name: a, stage: canary, match: { methods: [GET, HEAD] } }, ${CATCH_ALL}]`, []],
  ]
  test.each(warnings)('warn when %s', (_what, routes, expected) =>
    expect(warningsOf(configText('', routes))).toEqual(expected.map((warning) => `g.yaml:${warning}`)),
  )
})

describe('sections', () => {
  const table: [more: string, problems: string[]][] = [
    ['admin: { port: 8080 }', ['3:16: admin.port: 8080 is the data port (listen.port) too; write another, such as 9090']],
    ['listen: { port: 9090 }', ['1:1: admin.port: 9090 is the data port (listen.port) too; write another, such as 9091']],
    [
      'admin: { tokens: [{ name: a, role: viewer, token: 0123456789abcdef }, { name: a, role: viewer, token: fedcba9876543210 }] }',
      ['3:71: admin.tokens[1]: has the name or the token of admin.tokens[0]; the audit log could not tell them apart: give each its own'],
    ],
    [
      'sticky: [{ ip: true }]',
      [
        '3:16: sticky[0].ip: needs trustedProxies, or every user behind a proxy has its address; write trustedProxies: [10.0.0.0/8], or ip: direct when no proxy is in front',
      ],
    ],
    [
      'stickyCookie: { name: __Host-id }',
      [
        '3:23: stickyCookie.name: browsers take a __Host- cookie over https only, and this gateway sees none; remove the prefix, or write listen.tls or trustedProxies',
      ],
    ],
    ['stickyCookie: { name: __Secure-id }\ntrustedProxies: [10.0.0.1]', []],
    ['sticky: [{ ip: true }]\ntrustedProxies: ["unix:"]', []],
    ['listen: { host: 127.0.0.1, port: 9090 }\nadmin: { host: 127.0.0.2 }', []],
    ['listen: { port: 0 }\nadmin: { port: 0 }', []],
  ]
  test.each(table)('%s', (more, problems) => expect(problemsOf(configText(more))).toEqual(problems.map((problem) => `g.yaml:${problem}`)))

  const backends: [backends: string, stage: string, problems: string[]][] = [
    [
      '{ v1: { endpoints: [http://a, http://a] }, v2: { endpoints: [http://b] } }',
      'off',
      ['1:41: backends.v1.endpoints[1]: http://a is there twice; remove one'],
    ],
    [
      '{ v1: { endpoints: [] }, v2: { endpoints: [http://b] } }',
      'canary',
      ['1:30: backends.v1.endpoints: is empty, but the route rest (stage canary) needs v1; write [http://host:port]'],
    ],
    [
      '{ v1: { endpoints: [http://a] }, v2: { endpoints: [] } }',
      'shadow',
      ['1:61: backends.v2.endpoints: is empty, but the route rest (stage shadow) needs v2; write [http://host:port]'],
    ],
    ['{ v1: { endpoints: [] }, v2: { endpoints: [http://b] } }', 'complete', []],
    ['{ v1: { endpoints: [http://a] }, v2: { endpoints: [] } }', 'off', []],
  ]
  test.each(backends)('backends: %s in the stage %s', (text, stage, problems) =>
    expect(problemsOf(`backends: ${text}\nroutes: [{ name: rest, stage: ${stage} }]\n`)).toEqual(
      problems.map((problem) => `g.yaml:${problem}`),
    ),
  )

  const warnings: [more: string, routes: string, warnings: string[]][] = [
    [
      'admin: { tokens: [{ name: a, role: viewer, token: short }] }',
      '',
      ['3:51: admin.tokens[0].token: has 5 characters and can be guessed; take 16 random ones or more'],
    ],
    [
      'admin: { host: 0.0.0.0 }',
      '',
      ['3:16: admin.host: on 0.0.0.0 without tokens only health and metrics are answered; add admin.tokens or set BANYAN_ADMIN_TOKEN'],
    ],
    [
      'store: { redis: "redis://r:6379" }',
      '',
      ['3:17: store.redis: Redis is not available in this version: state is kept in ./data on this machine alone'],
    ],
    ['listen: { socket: /run/b.sock, port: 80 }', '', ['3:38: listen.port: has no effect beside listen.socket; remove one of them']],
    [
      'sticky: [{ ip: direct }, { header: x }]\nstickyCookie: {}',
      '',
      [
        '3:26: sticky[1]: is never looked at: sticky[0] is an address, which every request has; move it up',
        '4:15: stickyCookie: is never set: sticky has an address as a source, which every request has',
      ],
    ],
    [
      'sticky: [{ pathParam: id }]',
      '',
      ['3:23: sticky[0].pathParam: no route has {id} in its path; write one such as /api/orders/{id}/**, or remove this source'],
    ],
    [
      'sticky: []',
      '[{ name: a, stage: canary, match: { methods: [GET] } }, { name: rest }]',
      [
        '3:9: sticky: is empty, so no request has a key and v1 answers all below weight 100; write [{ header: x-user-id }] or a stickyCookie',
      ],
    ],
  ]
  test.each(warnings)('warn about %s', (more, routes, expected) =>
    expect(warningsOf(routes === '' ? configText(more) : configText(more, routes))).toEqual(expected.map((warning) => `g.yaml:${warning}`)),
  )

  it('warn when v2 is v1', () => {
    const text = 'backends: { v1: { endpoints: [http://a] }, v2: { endpoints: [http://a:80] } }\nroutes: [{ name: rest }]\n'
    expect(warningsOf(text)).toEqual([
      'g.yaml:1:62: backends.v2.endpoints[0]: http://a is an endpoint of v1 too: v2 would be compared with itself',
    ])
  })
})

describe('a fault in one place', () => {
  it('does not hide the faults between others', () => {
    const text = `
backends: { v1: { endpoints: [legacy] }, v2: { endpoints: [http://b] } }
pool: 5
vai: true
sticky: [{ ip: true }]
defaults: { weight: x, fallback: { on: [1] } }
routes:
  - { name: 5, stage: complete, weight: 3 }
  - { name: b, match: { path: x } }
  - { name: b, weight: 1000 }
  - 7
  - { name: c }
`
    expect(problemsOf(text).map((line) => line.split(': ')[1])).toEqual([
      'backends.v1.endpoints[0]',
      'pool',
      'vai',
      'sticky[0].ip',
      'defaults.weight',
      'defaults.fallback.on[0]',
      'routes[0].name',
      'routes[0].weight',
      'routes[1].match.path',
      'routes[2].name',
      'routes[2].weight',
      'routes[3]',
      'routes[4]',
    ])
  })

  it('is not blamed on its stand-in', () => {
    expect(
      problemsOf(configText('', '[{ name: a, group: g, stage: canry, match: { path: /a } }, { name: b, group: g, stage: canary }]')),
    ).toHaveLength(1)
    expect(problemsOf(configText('', '[{ name: rest, match: { pth: /a } }, { name: b }]'))).toHaveLength(1)
    expect(problemsOf('backends: 5\nroutes: [{ name: a, stage: canary }]\n')).toHaveLength(1)
  })
})
