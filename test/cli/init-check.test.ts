import { Command, CommanderError } from 'commander'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { register as check } from '../../src/cli/commands/check.ts'
import { register as init, startingConfig } from '../../src/cli/commands/init.ts'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { configText, createFolder, parsed, warningsOf } from '../support/config-files.ts'
import type { Folder } from '../support/config-files.ts'

let folder: Folder
const closing: (() => void)[] = []
beforeEach(() => void (folder = createFolder()))
afterEach(() => {
  for (const close of closing.splice(0)) close()
  folder.remove()
})

interface Ran {
  readonly code: number
  readonly out: readonly string[]
  readonly err: readonly string[]
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  let code = 0
  const io = {
    stdout: (line: string) => out.push(line),
    stderr: (line: string) => err.push(line),
    env,
    cwd: folder.path,
    exit: (wanted: number) => (code = wanted),
  }
  const program = new Command('banyan').exitOverride().configureOutput({ writeErr: () => undefined })
  init(program, io)
  check(program, io)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    code = 2
    err.push(error.message)
  }
  return { code, out, err }
}

const read = (name: string): string => readFileSync(join(folder.path, name), 'utf8')
const URLS = ['--v1', 'http://legacy:8000', '--v2', 'https://rewrite']

describe('init', () => {
  it('writes a configuration that check calls good, and the schema it refers to', async () => {
    expect(await run(['init', ...URLS])).toMatchObject({ code: 0, out: [`wrote ${folder.path}/config/gateway.yaml`] })
    expect(read('config/gateway.yaml').split('\n').length).toBeLessThanOrEqual(18)
    expect(JSON.parse(read('config/schema.json'))).toEqual(JSON.parse(JSON.stringify(jsonSchema())))
    expect(await run(['check'])).toMatchObject({ code: 0, err: [] })
  })

  it('sends nobody to v2 and copies nothing until somebody says so', () => {
    const config = parsed(startingConfig('http://a', 'http://b'))
    expect(config.routes.map(({ stage, weight }) => [stage, weight])).toEqual([
      ['off', 0],
      ['off', 0],
    ])
    expect(warningsOf(startingConfig('http://a', 'http://b'))).toEqual([])
  })

  it('overwrites nothing without --force', async () => {
    folder.write('mine.yaml', 'precious')
    const refused = await run(['init', ...URLS, '--config', 'mine.yaml'])
    expect(refused).toMatchObject({ code: 1, out: [] })
    expect(refused.err).toEqual([
      `banyan: ${folder.path}/mine.yaml is there already; give --force to overwrite it, or --config for another place`,
    ])
    expect(read('mine.yaml')).toBe('precious')
    expect(existsSync(join(folder.path, 'schema.json'))).toBe(false)
    expect((await run(['init', ...URLS, '--config', 'mine.yaml', '--force'])).code).toBe(0)
    expect(parsed(read('mine.yaml')).backends.v2.endpoints[0]?.tls).toBe(true)
  })

  it('leaves a schema.json of somebody else alone', async () => {
    folder.write('schema.json', '{ "title": "mine" }')
    expect((await run(['init', ...URLS, '--config', './new.yml'])).code).toBe(0)
    expect(read('schema.json')).toBe('{ "title": "mine" }')
  })

  it('writes where the option, else BANYAN_CONFIG says', async () => {
    expect((await run(['init', ...URLS], { BANYAN_CONFIG: 'etc' })).code).toBe(0)
    expect(statSync(join(folder.path, 'etc/gateway.yaml')).isFile()).toBe(true)
    expect((await run(['init', ...URLS, '--config', 'other/'], { BANYAN_CONFIG: 'etc' })).code).toBe(0)
    expect(existsSync(join(folder.path, 'other/gateway.yaml'))).toBe(true)
  })

  it('takes IPv6 literals and unix sockets with any name', async () => {
    await run(['init', '--v1', 'http://[::1]:81', '--v2', 'unix:/run/a b,c.sock'])
    const { v1, v2 } = parsed(read('config/gateway.yaml')).backends
    expect([v1.endpoints[0]?.host, v2.endpoints[0]?.socketPath]).toEqual(['::1', '/run/a b,c.sock'])
  })

  it.each([
    [['init', '--v1', 'legacy:8000', '--v2', 'http://b'], '--v1: "legacy:8000" has no scheme; write http://legacy:8000'],
    [
      ['init', '--v1', 'http://a', '--v2', 'http://b/api'],
      '--v2: an endpoint is an address without a path: requests keep their own; write http://b',
    ],
    [['init', '--v1', 'http://a', '--v2', ''], '--v2: "" is not an endpoint; write http://host:port, https://host or unix:/path'],
    [['init', '--v1', 'http://a'], "required option '--v2 <url>' not specified"],
  ])('%j is refused with usage', async (args, message) => {
    const { code, err } = await run(args)
    expect(code).toBe(2)
    expect(err.join()).toContain(message)
    expect(existsSync(join(folder.path, 'config'))).toBe(false)
  })

  it('says so when it cannot write', async () => {
    folder.write('file', '')
    const { code, err } = await run(['init', ...URLS, '--config', 'file/sub'])
    expect(code).toBe(1)
    expect(err[0]).toMatch(/^banyan: .*\/file\/sub\/gateway\.yaml cannot be written: /)
  })
})

describe('check', () => {
  it('sums up what it found good', async () => {
    folder.write(
      'g.yaml',
      configText(
        '',
        '[{ name: orders, match: { path: /api/**, methods: [GET], host: a.example, header: { x-t: y } }, stage: canary, weight: 0.25 }, { name: rest }]',
      ),
    )
    folder.write('gateway.yaml', read('g.yaml'))
    folder.write('v2_traffic_percentage', '50')
    expect(await run(['check', '.'])).toEqual({
      code: 0,
      err: [],
      out: [
        'ok',
        'data port 8080, admin 127.0.0.1 port 9090, state in ./data',
        'v1 http://legacy:8000',
        'v2 http://rewrite:8000 (ceiling 50 %)',
        '2 routes',
        'ROUTE   STAGE   WEIGHT  MATCH',
        'orders  canary  0.25 %  GET a.example/api/** x-t: y',
        'rest    off        0 %  /**',
      ],
    })
    expect((await run(['check', 'g.yaml'])).out[3]).toBe('v2 http://rewrite:8000')
  })

  it('prints every problem at its place and exits with 2', async () => {
    mkdirSync(join(folder.path, 'config'))
    folder.write('config/gateway.yaml', configText('vai: 1\nlisten: { port: "${PORT_NUMBER}" }\n'))
    folder.write('config/v2_traffic_percentage', 'none')
    expect(await run(['check'], { LOG_LEVEL: 'x' })).toEqual({
      code: 2,
      out: [],
      err: [
        'config/gateway.yaml:3:1: vai: is not a known key; did you mean via?',
        'config/gateway.yaml:4:17: listen.port: the environment variable PORT_NUMBER is not set; set it, or write ${PORT_NUMBER:-default}',
        'environment: LOG_LEVEL: "x" is not a log level; set one of fatal, error, warn, info, debug, trace, silent',
        'config/v2_traffic_percentage:1:1: file: "none" is not a percentage; write a plain percent number from 0 to 100 in steps of 0.01, such as 100, 5 or 0',
        '4 problems',
      ],
    })
  })

  it('says where it looked when nothing is there', async () => {
    expect((await run(['check', 'gone'])).err[0]).toMatch(/^gone: file: does not exist;/)
    expect((await run(['check', 'gone/'])).err[0]).toMatch(/^gone\/gateway\.yaml: file: does not exist;/)
    expect((await run(['check', '/nowhere/g.yaml'])).err).toEqual([
      expect.stringMatching(/^\/nowhere\/g\.yaml: file: does not exist;/),
      '1 problem',
    ])
  })

  it('warns without failing', async () => {
    folder.write('g.yaml', configText('', '[{ name: a, stage: shadow, weight: 5 }]'))
    expect(await run(['check', 'g.yaml'])).toMatchObject({
      code: 0,
      err: ['warning: g.yaml:2:44: routes[0].weight: has no effect in the stage shadow; it holds from the stage canary on'],
    })
  })

  it('prints JSON for scripts', async () => {
    folder.write('g.yaml', configText())
    const good = JSON.parse((await run(['check', 'g.yaml', '--json'])).out.join('\n')) as object
    expect(good).toMatchObject({
      ok: true,
      problems: [],
      routes: [{ name: 'rest', stage: 'off', weight: 0 }],
      endpoints: { v1: ['http://legacy:8000'] },
    })
    folder.write('g.yaml', configText('via: 1'))
    const bad = await run(['check', 'g.yaml', '--json'])
    expect(bad.code).toBe(2)
    expect(JSON.parse(bad.out.join('\n'))).toEqual({
      ok: false,
      problems: [{ file: 'g.yaml', line: 3, column: 6, where: 'via', message: '1 is not true or false; write true or false' }],
      warnings: [],
    })
  })
})

describe('check --online', () => {
  async function listening(server: Server | ReturnType<typeof createTcpServer>, where: number | string = 0): Promise<number> {
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => sockets.add(socket))
    closing.push(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    await new Promise<void>((resolve) =>
      typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, '127.0.0.1', resolve),
    )
    return typeof where === 'string' ? 0 : (server.address() as AddressInfo).port
  }
  const answering = (status: number): Server =>
    createServer((request, response) => response.writeHead(request.url === '/health' ? status : 404).end('x'))
  const online = async (v1: string, v2: string): Promise<Ran> => {
    folder.write('g.yaml', `backends: { v1: ${v1}, v2: ${v2} }\nroutes: [{ name: rest }]\n`)
    return run(['check', 'g.yaml', '--online'])
  }

  it('asks every endpoint and is content with any answer where no probe is configured', async () => {
    const one = await listening(answering(200))
    const socket = join(folder.path, 'v2.sock')
    await listening(answering(200), socket)
    const { code, out, err } = await online(`{ endpoints: [http://127.0.0.1:${one}], probe: {} }`, `{ endpoints: ["unix:${socket}"] }`)
    expect({ code, err }).toEqual({ code: 0, err: [] })
    expect(out.slice(-2)).toEqual([
      expect.stringMatching(
        new RegExp(`^backends\\.v1\\.endpoints\\[0\\]: http://127\\.0\\.0\\.1:${one} answered GET /health with 200 in \\d+ ms$`),
      ),
      expect.stringMatching(/^backends\.v2\.endpoints\[0\]: unix:.*\/v2\.sock answered GET \/ with 404 in \d+ ms$/),
    ])
  })

  it('names the endpoint that does not answer and what to do, and exits with 3', async () => {
    const sick = await listening(answering(503))
    const gone = await listening(createServer())
    closing.pop()?.()
    const { code, out, err } = await online(
      `{ endpoints: [http://127.0.0.1:${sick}], probe: {} }`,
      `{ endpoints: [http://127.0.0.1:${gone}, "unix:${folder.path}/no.sock"] }`,
    )
    expect(code).toBe(3)
    expect(out[0]).toBe('ok')
    expect(err).toEqual([
      `backends.v1.endpoints[0]: http://127.0.0.1:${sick} answered GET /health with 503; below 400 would be healthy: correct backends.v1.probe.path, or remove the probe`,
      `backends.v2.endpoints[0]: http://127.0.0.1:${gone} refuses connections; start the backend, or correct the host and port`,
      `backends.v2.endpoints[1]: unix:${folder.path}/no.sock is a socket that is not there; start the backend, or correct the path`,
    ])
  })

  it('tells a wrong protocol from a dead backend', async () => {
    const plain = await listening(answering(200))
    const babble = await listening(createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-x\r\n')))
    const hangup = await listening(
      createTcpServer((socket) => socket.on('error', () => undefined).once('data', () => socket.resetAndDestroy())),
    )
    const { code, err } = await online(
      `{ endpoints: [https://127.0.0.1:${plain}] }`,
      `{ endpoints: [http://127.0.0.1:${babble}, http://127.0.0.1:${hangup}] }`,
    )
    expect(code).toBe(3)
    expect(err[0]).toContain('does not speak TLS; write http:// if it is plain HTTP')
    expect(err[1]).toContain('answers something that is not HTTP/1.1')
    expect(err[2]).toContain('closed the connection without an answer; does it speak plain HTTP?')
  })

  it('waits no longer than three seconds for a backend that says nothing', async () => {
    const mute = await listening(createTcpServer((socket) => socket.on('error', () => undefined)))
    const slow = await listening(createServer((_request, response) => void response.writeHead(200).write('x')))
    const before = performance.now()
    const { code, err } = await online(`{ endpoints: [http://127.0.0.1:${slow}] }`, `{ endpoints: [http://127.0.0.1:${mute}] }`)
    expect(performance.now() - before).toBeLessThan(6_000)
    expect(code).toBe(3)
    expect(err).toEqual([
      `backends.v2.endpoints[0]: http://127.0.0.1:${mute} did not answer within 3 s; is it running, and does a firewall let this machine through?`,
    ])
  })

  it('does not know a name nobody knows', async () => {
    const { code, err } = await online('{ endpoints: ["http://no-such-host.invalid"] }', '{ endpoints: ["http://nor-this.invalid"] }')
    expect(code).toBe(3)
    expect(err[0]).toMatch(/has a host name (?:nobody knows|that the name server did not answer for);/)
  })
})
