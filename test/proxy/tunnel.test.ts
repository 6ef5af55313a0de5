/** WebSockets through the gateway: decided like every request, opened by the backend's 101 alone, bytes untouched. */
import { afterEach, describe, expect, it } from 'vitest'
import type { ResolvedEndpoint } from '../../src/core/model/snapshot.ts'
import { answerBytes, ok } from '../support/wire/backend.ts'
import { get } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { createRandom } from '../support/wire/random.ts'
import { until } from '../support/wire/until.ts'
import { echoBackend, Talker, upgradeHead, type EchoBackend } from '../support/proxy/websocket.ts'
import { COMPLETE, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'

const open = stages()
const backends: EchoBackend[] = []
const talkers: Talker[] = []

async function echo(...args: Parameters<typeof echoBackend>): Promise<EchoBackend> {
  const backend = await echoBackend(...args)
  backends.push(backend)
  return backend
}

/** A stage whose backends speak WebSocket. */
async function wired(options: StageOptions = {}): Promise<{ stage: Stage; v1: EchoBackend; v2: EchoBackend }> {
  const [v1, v2] = [await echo('v1'), await echo('v2')]
  const stage = await open({ endpoints: { v1: resolved([v1.port], 0), v2: resolved([v2.port], 10) }, ...options })
  return { stage, v1, v2 }
}

function talk(stage: Stage, path = '/ws', headers: Readonly<Record<string, string>> = {}): Talker {
  const talker = new Talker(`ws://127.0.0.1:${stage.port}${path}`, headers)
  talkers.push(talker)
  return talker
}

async function told(talker: Talker, count: number): Promise<Talker> {
  await until(
    () => `${count} messages; have ${talker.messages.length}, status ${talker.status}, ${talker.error}`,
    () => talker.messages.length >= count,
  )
  return talker
}

afterEach(async () => {
  for (const talker of talkers.splice(0)) talker.leave()
  // The stages close, and check that nothing is left, before the backends go.
  for (const backend of backends.splice(0)) await backend.close()
})

describe('a WebSocket', () => {
  it('is opened by the backend and carries messages both ways', async () => {
    const { stage, v1 } = await wired()
    const talker = await told(talk(stage, '/chat?room=1'), 1)
    expect(talker.messages).toEqual(['hello from v1'])
    expect(talker.headers['x-banyan-backend']).toBe('v1')
    for (let i = 0; i < 50; i++) talker.send(`message ${i}`)
    await told(talker, 51)
    expect(talker.messages.slice(1)).toEqual(Array.from({ length: 50 }, (_, i) => `v1: message ${i}`))
    expect(v1.requests[0]?.url).toBe('/chat?room=1')
    expect([stage.counter('tunnels'), stage.counted('v1'), stage.ctx.tunnels.size]).toEqual([1, { '1xx': 1 }, 1])
    talker.socket.close(1000)
    await until('both ends closed', () => talker.closed && v1.sockets.size === 0)
    expect(talker.code).toBe(1000)
    await until('the tunnel is gone', () => stage.ctx.tunnels.size === 0 && stage.ctx.clients.size === 0)
  })

  it('is sticky: users of the canary are on v2, the others on v1', async () => {
    const { stage } = await wired({ word: { stage: 'canary', weightBps: 1_000 } })
    // Buckets of vectors/buckets.json under the salt `gateway`: alice 17, bob 957, 42 4264, 1 2467.
    const expected = { alice: 'v2', bob: 'v2', '42': 'v1', '1': 'v1' }
    for (const [user, backend] of Object.entries(expected)) {
      const talker = await told(talk(stage, '/', { 'X-User-Id': user }), 1)
      expect([user, talker.messages[0], talker.headers['x-banyan-backend']]).toEqual([user, `hello from ${backend}`, backend])
    }
    expect([stage.counted('v1'), stage.counted('v2')]).toEqual([{ '1xx': 2 }, { '1xx': 2 }])
  })

  it('carries frames of any size, in both directions at once', async () => {
    const { stage } = await wired({ word: COMPLETE })
    const talker = await told(talk(stage), 1)
    const random = createRandom(11)
    const frames = [1, 125, 126, 65_535, 65_536, 1_000_000, 8_388_608].map((size) => random.bytes(size))
    for (const frame of frames) talker.send(frame)
    await told(talker, 1 + frames.length)
    talker.messages.slice(1).forEach((message, index) => expect(frames[index]?.equals(message as Buffer)).toBe(true))
  }, 60_000)

  it.each([
    '/a/../b//c/%2e%2e/%zz?x=1&x=2?y',
    '//double/slash',
    '/\\[',
    '/\\\\evil.example/x',
    '/@',
    '/?',
    '/a?http://x/',
    '/caf\xe9?\xff=\x80',
    '/\'"<>{}|^`',
  ])('reaches the backend by the raw path %j, its lines in their order and case', async (path) => {
    const stage = await open({
      v1: answerBytes('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Name: caf\xe9\r\n\r\nhello'),
    })
    const client = stage.client()
    await client.send(upgradeHead(path, 'X-Twice: 1', 'x-CASE: caf\xe9', 'X-Twice: 2'))
    await until(
      () => `tunnel; have ${client.describe()}`,
      () => client.reader.tunnel.toString() === 'hello',
    )
    const [request] = stage.v1.requests
    expect(request?.target).toBe(path)
    const own = request?.headers.filter(([name]) => /^x-(?:twice|case)$/i.test(name))
    expect(own).toEqual([
      ['X-Twice', '1'],
      ['X-Twice', '2'],
      ['x-CASE', 'caf\xe9'],
    ])
    expect(client.interim[0]?.headers).toContainEqual(['x-name', 'caf\xe9'])
  })

  it('of an absolute target takes its path and its authority', async () => {
    const { stage, v1 } = await wired()
    await stage.client().send(upgradeHead('http://chat.example:81/room?q'))
    await until('it came', () => v1.requests.length === 1)
    expect([v1.requests[0]?.url, v1.requests[0]?.headers.host]).toEqual(['/room?q', 'chat.example:81'])
  })

  it('takes headers as large as any request may have', async () => {
    const { stage, v1 } = await wired()
    const talker = await told(talk(stage, '/', { 'X-Large': 'x'.repeat(7_000), Cookie: `a=${'y'.repeat(20_000)}` }), 1)
    expect(talker.headers['x-banyan-backend']).toBe('v1')
    expect(v1.requests[0]?.headers.cookie).toHaveLength(20_002)
  })

  it('takes an answer’s head as large as any answer may have', async () => {
    const stage = await open({
      v1: answerBytes(`HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-L: ${'x'.repeat(25_000)}\r\n\r\nhi`),
    })
    const client = stage.client()
    await client.send(upgradeHead('/'))
    await until('the tunnel', () => client.reader.tunnel.toString() === 'hi')
  })

  it('brings the backend what every request brings it, and nothing hop-by-hop', async () => {
    const { stage, v1 } = await wired({ config: { stickyCookie: null } })
    await told(talk(stage, '/', { 'X-Request-Id': 'id-1', 'X-Banyan-Shadow': '1', 'X-Forwarded-For': '6.6.6.6', 'X-Kept': 'yes' }), 1)
    const headers = v1.requests[0]?.headers ?? {}
    expect(headers).toMatchObject({ 'x-request-id': 'id-1', 'x-forwarded-for': '127.0.0.1', 'x-kept': 'yes', 'x-banyan-hop': 'banyan' })
    expect(headers['x-banyan-shadow']).toBeUndefined()
    expect([headers.connection?.toLowerCase(), headers.upgrade]).toEqual(['upgrade', 'websocket'])
  })

  it('does not lose what comes right behind the upgrade, nor what the backend sends with its 101', async () => {
    const { stage } = await wired()
    const frame = Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('early')])
    const client = stage.client()
    await client.send(Buffer.concat([Buffer.from(upgradeHead('/')), frame]))
    await until('greeting and echo', () => client.reader.tunnel.includes('hello from v1') && client.reader.tunnel.includes('v1: early'))
    const split = stage.client()
    await split.send([
      Buffer.from(upgradeHead('/').slice(0, 40)),
      Buffer.from(upgradeHead('/').slice(40)),
      frame.subarray(0, 3),
      frame.subarray(3),
    ])
    await until('greeting and echo again', () => split.reader.tunnel.includes('v1: early'))
  })

  it('comes after other requests on the same connection, pipelined', async () => {
    const { stage } = await wired({ word: { stage: 'canary', weightBps: 0 } })
    stage.publish({ endpoints: { ...stage.snapshot.endpoints, v1: resolved([stage.v1.port], 1) } })
    stage.v1.script = answerBytes([Buffer.from(ok('plain'))])
    const client = stage.client()
    await client.send(get('/1') + get('/2') + upgradeHead('/ws'))
    await until('three requests', () => stage.v1.requests.length === 3)
    expect(stage.v1.requests[2]?.target).toBe('/ws')
    await client.answer(3)
  })
})

describe('an upgrade', () => {
  it('with a body is refused', async () => {
    const { stage, v1 } = await wired()
    const answer = await stage.ask(`${upgradeHead('/', 'Content-Length: 3').slice(0)}abc`)
    expect([answer.status, v1.requests.length]).toEqual([400, 0])
  })

  it('to anything but websocket is answered as a plain request', async () => {
    const stage = await open()
    const answer = await stage.ask(get('/', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAA'))
    expect(answer.body.toString()).toBe('v1 GET / 0')
    expect(stage.v1.requests[0]?.headers.filter(([name]) => /upgrade|http2/i.test(name))).toEqual([])
  })

  it('while the gateway drains is refused', async () => {
    const { stage, v1 } = await wired()
    const drained = stage.engine.drain(300, 1_000)
    const talker = talk(stage)
    await until('refused', () => talker.status !== 0)
    expect([talker.status, v1.requests.length]).toEqual([503, 0])
    await drained
  })

  it('without an endpoint is 503', async () => {
    const { stage } = await wired({ endpoints: { v1: [] as ResolvedEndpoint[] } })
    const talker = talk(stage)
    await until('refused', () => talker.status !== 0)
    expect([talker.status, stage.lane('v1').started]).toEqual([503, 0])
  })
})
