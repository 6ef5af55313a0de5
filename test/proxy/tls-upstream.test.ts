/** Backends behind TLS and on Unix sockets: the same engine, other sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ResolvedEndpoint } from '../../src/core/model/snapshot.ts'
import { answerBytes, ok, RawBackend } from '../support/wire/backend.ts'
import { get, post, request } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { has, value } from '../support/wire/message.ts'
import { MessageReader } from '../support/wire/reader.ts'
import { createRandom, randomBody } from '../support/wire/random.ts'
import { until, untilSteady } from '../support/wire/until.ts'
import { createCertificates, hasOpenssl, type Certificates } from '../support/proxy/certificates.ts'
import { answerAs } from '../support/proxy/scripts.ts'
import { COMPLETE, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'
import { tlsFront, type TlsFront } from '../support/proxy/tls-front.ts'
import { upgradeHead } from '../support/proxy/websocket.ts'

const open = stages()
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

function secured(port: number, serverName: string): ResolvedEndpoint[] {
  return resolved([port], 1).map((endpoint) => ({ ...endpoint, tls: true, serverName }))
}

describe.skipIf(!hasOpenssl())('a backend behind TLS (needs openssl)', () => {
  const before = tls.getCACertificates('default')
  const fronts: TlsFront[] = []
  let certificates: Certificates

  beforeAll(() => {
    certificates = createCertificates()
    tls.setDefaultCACertificates([...before, certificates.ca])
  })
  afterEach(async () => {
    for (const front of fronts.splice(0)) await front.close()
  })
  afterAll(() => {
    tls.setDefaultCACertificates(before)
    certificates.remove()
  })

  /** A stage whose v1 is asked over TLS under that name. */
  async function over(serverName: string, options: StageOptions = {}): Promise<{ stage: Stage; front: TlsFront }> {
    const stage = await open(options)
    const front = await tlsFront(stage.v1.port, certificates)
    fronts.push(front)
    stage.publish({ endpoints: { ...stage.snapshot.endpoints, v1: secured(front.port, serverName) } })
    return { stage, front }
  }

  it('is asked under its name, bodies pass both ways, connections are used again', async () => {
    const { stage, front } = await over('localhost')
    const body = randomBody(createRandom(4), 3_000_000)
    const client = stage.client()
    await client.send(Buffer.concat([Buffer.from(request('PUT', '/up', [`Content-Length: ${body.length}`])), body]))
    await client.answer(1, 10_000)
    for (let i = 0; i < 5; i++) await client.send(get(`/${i}`))
    await client.answer(6)
    expect(stage.v1.complete[0]?.body.equals(body)).toBe(true)
    expect(client.complete.map((one) => one.status)).toEqual([200, 200, 200, 200, 200, 200])
    expect(front.names.every((name) => name === 'localhost')).toBe(true)
    expect(front.names.length).toBeLessThanOrEqual(2)
  })

  it('is asked without a name where it has none but its address', async () => {
    const { stage, front } = await over('127.0.0.1')
    expect((await stage.ask(get('/'))).status).toBe(200)
    expect(front.names).toEqual([false])
  })

  it('is refused where its certificate is another’s; v1 answers in v2’s place', async () => {
    const { stage } = await over('other.example')
    const answer = await stage.ask(get('/'))
    expect([answer.status, stage.counted('v1'), stage.v1.requests.length]).toEqual([502, { refused: 1 }, 0])
    const second = await open({ word: COMPLETE })
    const front = await tlsFront(second.v2.port, certificates)
    fronts.push(front)
    second.publish({ endpoints: { ...second.snapshot.endpoints, v2: secured(front.port, 'other.example') } })
    expect(value(await second.ask(post('/', 'body', 'x-once: 1')), 'x-banyan-backend')).toBe('v1')
  })

  it('that speaks no TLS is refused', async () => {
    const plain = net.createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    await new Promise<void>((resolve) => void plain.listen(0, '127.0.0.1', resolve))
    const { port } = plain.address() as net.AddressInfo
    const stage = await open({ endpoints: { v1: secured(port, 'localhost') } })
    expect((await stage.ask(get('/'))).status).toBe(502)
    expect(stage.counted('v1')).toEqual({ refused: 1 })
    await new Promise((resolve) => void plain.close(resolve))
  })

  it('whose answer ends by closing is passed close-delimited, to 1.1 clients too: an end over TLS proves nothing', async () => {
    const body = 'x'.repeat(300_000)
    const { stage } = await over('localhost', { v1: answerBytes(`HTTP/1.1 200 OK\r\n\r\n${body}`, 'close') })
    const client = stage.client()
    await client.send(get('/'))
    expect(await client.end()).toBe('fin')
    const [answer] = client.answers
    expect(answer).toMatchObject({ status: 200, framing: 'close', received: body.length })
    expect([answer && has(answer, 'transfer-encoding'), answer && value(answer, 'connection')]).toEqual([false, 'close'])
  })

  it('in chunks or with a length, cut in the middle, is a cut', async () => {
    for (const framing of ['Content-Length: 9\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n']) {
      const { stage } = await over('localhost', { v1: answerBytes(`HTTP/1.1 200 OK\r\n${framing}`, 'close') })
      const client = stage.client()
      await client.send(get('/'))
      expect(await client.end()).toBe('rst')
      expect(client.complete).toHaveLength(0)
      expect(stage.counted('v1')).toEqual({ reset: 1 })
    }
  })

  it('is braked by a client that does not read, and goes on when it does', async () => {
    const body = randomBody(createRandom(8), 30_000_000)
    const { stage } = await over('localhost', {
      v1: answerBytes(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body])),
    })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(get('/'))
    await untilSteady('what is held', () => stage.ctx.heldBytes, 300)
    expect(stage.ctx.heldBytes).toBeGreaterThan(0)
    expect(stage.ctx.heldBytes).toBeLessThan(1_000_000)
    client.socket.resume()
    expect((await client.answer(1, 20_000)).body.equals(body)).toBe(true)
  }, 40_000)

  it('carries WebSockets, under its own name and not the client’s Host', async () => {
    const { stage, front } = await over('localhost', { v1: answerBytes(`${SWITCH}hello`) })
    const client = stage.client()
    await client.send(upgradeHead('/ws').replace('Host: a', 'Host: public.example'))
    await until(
      () => `tunnel; have ${client.describe()}`,
      () => client.reader.tunnel.toString() === 'hello',
    )
    expect([front.names, value(stage.v1.requests[0] as never, 'host')]).toEqual([['localhost'], 'public.example'])
    const { stage: wrong } = await over('other.example', { v1: answerBytes(SWITCH) })
    const refused = wrong.client()
    await refused.send(upgradeHead('/ws'))
    expect((await refused.answer()).status).toBe(502)
  })

  it('and a TLS listener in front: a client that reads late gets all of it', async () => {
    const body = randomBody(createRandom(9), 20_000_000)
    const pieces = Array.from({ length: 2_000 }, (_, i) => body.subarray(i * 10_000, (i + 1) * 10_000))
    const stage = await open({
      listen: { tls: { cert: certificates.cert, key: certificates.key } },
      v1: async (exchange) => {
        await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
        await exchange.send(pieces)
      },
      config: { stickyCookie: { name: 'id', maxAgeMs: 1_000 } },
      word: { stage: 'canary', weightBps: 1 },
    })
    const socket = tls.connect({ port: stage.port, host: '127.0.0.1', servername: 'localhost', ca: certificates.ca })
    const reader = new MessageReader({ role: 'response', canonical: true })
    socket.on('data', (chunk) => reader.push(chunk))
    await new Promise((resolve) => void socket.once('secureConnect', resolve))
    socket.pause()
    socket.write(get('/'))
    await untilSteady('what the backend could send', () => stage.v1.connections[0]?.socket.bytesWritten ?? 0, 300)
    socket.resume()
    await until('all of it', () => reader.messages[0]?.complete === true, 20_000)
    const [answer] = reader.messages
    expect(answer?.body.equals(body)).toBe(true)
    expect(answer && value(answer, 'set-cookie')).toMatch(/; Secure/)
    expect(value(stage.v1.requests[0] as never, 'x-forwarded-proto')).toBe('https')
    socket.destroy()
  }, 40_000)
})

describe('Unix sockets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-unix-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** A backend on a socket path, by way of a plain one. */
  async function bridge(to: number, path: string): Promise<net.Server> {
    const server = net.createServer({ allowHalfOpen: true }, (front) => {
      const back = net.connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
      front.pipe(back).pipe(front)
      front.on('error', () => back.destroy())
      back.on('error', () => front.destroy())
    })
    await new Promise<void>((resolve) => void server.listen(path, resolve))
    return server
  }

  it('reach backends, plain and as WebSockets', async () => {
    const backend = new RawBackend()
    const port = await backend.listen()
    const path = join(folder, 'v1.sock')
    const server = await bridge(port, path)
    const [endpoint] = resolved([0], 0)
    if (endpoint === undefined) throw new Error('no endpoint')
    const stage = await open({ endpoints: { v1: [{ ...endpoint, socketPath: path, authority: 'localhost' }] } })
    backend.script = answerAs('unix')
    expect((await stage.ask(post('/p', 'body'))).body.toString()).toBe('unix POST /p 4')
    backend.script = answerBytes(`${SWITCH}hello`)
    const client = stage.client()
    await client.send(upgradeHead('/ws'))
    await until('the tunnel', () => client.reader.tunnel.toString() === 'hello')
    client.rst()
    await until('it is gone', () => stage.ctx.tunnels.size === 0)
    await backend.close()
    await new Promise((resolve) => void server.close(resolve))
    // Nobody listens there any more: refused, like a port.
    expect((await stage.ask(get('/'))).status).toBe(502)
  })

  it('are listened on; a client without an address is unknown, and trusted only as said', async () => {
    const path = join(folder, 'listen.sock')
    const stage = await open({ listen: { socket: path }, v1: answerBytes(ok('x')) })
    const socket = net.connect(path)
    const reader = new MessageReader({ role: 'response', canonical: true })
    socket.on('data', (chunk) => reader.push(chunk))
    socket.write(get('/', 'X-Forwarded-For: 6.6.6.6'))
    await until('answered', () => reader.messages[0]?.complete === true)
    expect(value(stage.v1.requests[0] as never, 'x-forwarded-for')).toBe('unknown')
    socket.destroy()
  })
})
