/** How tunnels end, or never begin: each one counted once, no end left open. */
import net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { answerBytes, ok, reset, type Script } from '../support/wire/backend.ts'
import type { RawClient } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { has, value } from '../support/wire/message.ts'
import { until, untilSteady } from '../support/wire/until.ts'
import { frozen, hungConnect } from '../support/proxy/frozen.ts'
import { hang, status } from '../support/proxy/scripts.ts'
import { COMPLETE, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'
import { echoBackend, upgradeHead, type EchoBackend } from '../support/proxy/websocket.ts'

const open = stages()
const backends: EchoBackend[] = []
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
/** Only an event can end a wait within a test. */
const PATIENT = { timeouts: { connectMs: 20_000, firstByteMs: 20_000, idleMs: 20_000, tunnelMs: 20_000 } }

afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close()
})

async function wired(options: StageOptions = {}): Promise<{ stage: Stage; v2: EchoBackend }> {
  const v2 = await echoBackend('v2')
  backends.push(v2)
  const stage = await open({
    word: COMPLETE,
    endpoints: { v2: resolved([v2.port], 10) },
    ...options,
    route: { ...PATIENT, ...options.route },
  })
  return { stage, v2 }
}

/** A raw upgrade, sent. */
async function upgrade(stage: Stage, ...lines: string[]): Promise<RawClient> {
  const client = stage.client()
  await client.send(upgradeHead('/ws', ...lines))
  return client
}

async function opened(client: RawClient): Promise<RawClient> {
  await until(
    () => `101; have ${client.describe()}`,
    () => client.interim.some((one) => one.status === 101),
  )
  return client
}

describe('an upgrade the backend does not grant', () => {
  const ANSWERS: readonly (readonly [string, Script, number, string])[] = [
    ['with a length', status(403, 'no tunnels here', 'X-Why: because', 'Set-Cookie: a=1', 'Set-Cookie: b=2'), 403, 'no tunnels here'],
    ['in chunks', answerBytes('HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'), 400, 'no'],
    ['until it closes', answerBytes('HTTP/1.1 500 Oops\r\n\r\nbroken', 'close'), 500, 'broken'],
    ['without a body', answerBytes('HTTP/1.1 204 None\r\n\r\n'), 204, ''],
    ['with 304', answerBytes('HTTP/1.1 304 Same\r\nETag: "x"\r\n\r\n'), 304, ''],
    ['after an early hint', answerBytes(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('plain')}`), 200, 'plain'],
    ['at length', answerBytes(ok('x'.repeat(3_000_000))), 200, 'x'.repeat(3_000_000)],
    ['with bytes of latin1 in its lines', answerBytes('HTTP/1.1 404 Gone\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\nno'), 404, 'no'],
  ]

  it.each(ANSWERS)('is answered with what it said %s', async (_name, v2, code, body) => {
    const stage = await open({ word: COMPLETE, v2 })
    const client = await upgrade(stage)
    const answer = await client.answer()
    expect([answer.status, answer.body.toString('latin1') === body]).toEqual([code, true])
    expect(value(answer, 'x-banyan-backend')).toBe('v2')
    expect(value(answer, 'connection')?.toLowerCase()).toBe('close')
    expect(has(answer, 'upgrade')).toBe(false)
    expect(await client.end()).toBe('fin')
    expect(stage.lane('v2').finished).toBe(1)
    if (code === 403) expect(answer.headers.filter(([name]) => name.toLowerCase() === 'set-cookie')).toHaveLength(2)
    if (code === 404) expect(value(answer, 'x-name')).toBe('caf\xe9')
  })

  it.each([
    ['its length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['an end', 'HTTP/1.1 200 OK\r\n\r\nhalf'],
  ])('and whose answer is cut before %s is cut for the client', async (_name, bytes) => {
    const stage = await open({
      word: COMPLETE,
      route: PATIENT,
      v2: async (exchange) => {
        await exchange.send(bytes)
        await until('half has been passed on', () => client.received > 0)
        await reset(exchange)
      },
    })
    const client = stage.client()
    await client.send(upgradeHead('/ws'))
    expect(await client.end()).toBe('rst')
    expect(client.complete).toHaveLength(0)
    await stage.quiet()
  })

  it.each([
    ['refuses', 'refuses' as const, 502, 'refused'],
    ['resets', (async (exchange) => reset(exchange)) satisfies Script, 502, 'reset'],
    ['closes', ((exchange) => exchange.fin()) satisfies Script, 502, 'reset'],
    ['answers nonsense', answerBytes('nonsense\r\n\r\n'), 502, 'malformed'],
  ])('because it %s is 502', async (_name, v2, code, outcome) => {
    const stage = await open({ word: COMPLETE, v2 })
    const answer = await (await upgrade(stage)).answer()
    expect([answer.status, value(answer, 'x-banyan-backend'), value(answer, 'content-type')]).toEqual([
      code,
      'v2',
      'application/problem+json',
    ])
    expect(stage.counted('v2')).toEqual({ [outcome]: 1 })
  })

  it('in time is 504: no answer, and no connect', async () => {
    const stage = await open({ word: COMPLETE, v2: hang, route: { timeouts: { connectMs: 100, firstByteMs: 200 } } })
    expect((await (await upgrade(stage)).answer()).status).toBe(504)
    expect(stage.counted('v2')).toEqual({ timeout: 1 })
    await until('the backend was left', () => stage.v2.open.length === 0)
    const hung = await hungConnect()
    try {
      const second = await open({
        word: COMPLETE,
        endpoints: { v2: resolved([hung.port], 10) },
        route: { timeouts: { connectMs: 200, firstByteMs: 20_000 } },
      })
      expect((await (await upgrade(second)).answer()).status).toBe(504)
    } finally {
      await hung.close()
    }
  })

  it('and whose plain answer stalls is cut', async () => {
    const stage = await open({
      word: COMPLETE,
      v2: async (exchange) => exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
      route: { timeouts: { idleMs: 300 } },
    })
    const client = await upgrade(stage)
    expect(await client.end()).toBe('rst')
    await until('the backend was left', () => stage.v2.open.length === 0)
  })
})

describe('a client that leaves', () => {
  it('before the 101 leaves no connection and no count behind', async () => {
    const stage = await open({ word: COMPLETE, v2: hang, route: PATIENT })
    const client = await upgrade(stage)
    await until('the backend has it', () => stage.v2.requests.length === 1)
    client.rst()
    await until('the backend was left', () => stage.v2.open.length === 0)
    await stage.quiet()
    expect(stage.counted('v2')).toEqual({ aborted: 1 })
  })

  it('with a FIN, before the 101, is still answered', async () => {
    const stage = await open({ word: COMPLETE, v2: hang, route: { timeouts: { firstByteMs: 300 } } })
    const client = await upgrade(stage)
    client.fin()
    expect((await client.answer()).status).toBe(504)
  })

  it('while the connect hangs leaves nothing behind', async () => {
    const stuck = await frozen()
    try {
      const stage = await open({ word: COMPLETE, endpoints: { v2: resolved([stuck.port], 10) }, route: PATIENT })
      const client = await upgrade(stage)
      await until('it is on its way', () => stage.lane('v2').started === 1)
      client.rst()
      await stage.quiet()
    } finally {
      await stuck.close()
    }
  })

  it('an open tunnel by RST ends the side of a backend that ignores its end, too', async () => {
    const deaf = net.createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write(SWITCH))
      socket.on('end', () => void setInterval(() => socket.write('more'), 10).unref())
      socket.on('close', () => closed++)
    })
    let closed = 0
    await new Promise<void>((resolve) => void deaf.listen(0, '127.0.0.1', resolve))
    const stage = await open({
      word: COMPLETE,
      endpoints: { v2: resolved([(deaf.address() as net.AddressInfo).port], 10) },
      route: PATIENT,
    })
    const client = await opened(await upgrade(stage))
    client.rst()
    await until('its side is closed', () => closed === 1)
    await new Promise((resolve) => void deaf.close(resolve))
  })

  it('an open tunnel by RST ends the backend’s side', async () => {
    const { stage, v2 } = await wired()
    const client = await opened(await upgrade(stage))
    client.rst()
    await until('the backend was left', () => v2.sockets.size === 0)
    await stage.quiet()
    expect(stage.counted('v2')).toEqual({ '1xx': 1 })
  })
})

describe('half-closed ends', () => {
  it('what either side sends after the other’s FIN arrives', async () => {
    const stage = await open({
      word: COMPLETE,
      route: PATIENT,
      v2: async (exchange) => {
        const { socket, raw } = exchange.connection
        await exchange.send(SWITCH)
        await until('the client’s last words', () => Buffer.concat(raw).includes('goodbye'))
        await until('its FIN', () => socket.readableEnded)
        await exchange.send('after your fin')
        exchange.fin()
      },
    })
    const client = await opened(await upgrade(stage))
    await client.send('goodbye')
    client.fin()
    await until('the backend’s last words', () => client.reader.tunnel.toString() === 'after your fin')
    expect(await client.end()).toBe('fin')
    await until('nothing is left', () => stage.ctx.tunnels.size === 0 && stage.ctx.clients.size === 0)
  })

  it('large amounts before a FIN arrive whole', async () => {
    const stage = await open({
      word: COMPLETE,
      route: PATIENT,
      v2: async (exchange) => {
        await exchange.send(SWITCH)
        await exchange.send(Buffer.alloc(5_000_000, 'x'))
        exchange.fin()
      },
    })
    const client = await opened(await upgrade(stage))
    await until('all of it', () => client.reader.tunnel.length === 5_000_000)
    expect(await client.end()).toBe('fin')
  })
})

describe('a client that does not read', () => {
  it('stops the backend; memory stays small', async () => {
    let sent = 0
    const stage = await open({
      word: COMPLETE,
      route: PATIENT,
      v2: async (exchange) => {
        await exchange.send(SWITCH)
        const { socket } = exchange.connection
        while (!socket.destroyed && sent < 200_000_000) {
          await exchange.send(Buffer.alloc(1_000_000))
          sent += 1_000_000
        }
      },
    })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(upgradeHead('/ws'))
    const steady = await untilSteady('what the backend could send', () => sent, 400)
    expect(steady).toBeLessThan(40_000_000)
    client.rst()
  })
})
