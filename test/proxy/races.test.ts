/** Moments at which clients leave, backends close and requests overtake one another. */
import { describe, expect, it } from 'vitest'
import { answerBytes, answerOk, ok, reset, type Script } from '../support/wire/backend.ts'
import { get, post, request } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { value } from '../support/wire/message.ts'
import { turnOfLoop, until, untilSteady } from '../support/wire/until.ts'
import { hungConnect } from '../support/proxy/frozen.ts'
import { after, gate, hang, same, status } from '../support/proxy/scripts.ts'
import { COMPLETE, SHADOW, stages } from '../support/proxy/stage.ts'

const open = stages()
const PATIENT = { timeouts: { connectMs: 20_000, firstByteMs: 20_000, idleMs: 20_000 }, fallback: { afterMs: 20_000 } }

describe('a client that leaves', () => {
  it('while its answer is awaited aborts the backend at once, and counts for nobody', async () => {
    const stage = await open({ v1: hang, route: PATIENT })
    const client = stage.client()
    await client.send(get('/'))
    await until('the backend has it', () => stage.v1.requests.length === 1)
    const left = performance.now()
    client.rst()
    await until('the backend was left', () => stage.v1.open.length === 0)
    expect(performance.now() - left).toBeLessThan(1_000)
    expect(stage.counted('v1')).toEqual({ aborted: 1 })
  })

  it('while a connect hangs', async () => {
    const hung = await hungConnect()
    try {
      const stage = await open({ endpoints: { v1: resolved([hung.port], 0) }, route: PATIENT })
      const client = stage.client()
      await client.send(get('/'))
      await until('it is on its way', () => stage.lane('v1').started === 1)
      client.rst()
      await stage.quiet()
      expect(stage.counted('v1')).toEqual({ aborted: 1 })
    } finally {
      await hung.close()
    }
  })

  it('while it waits at the cap makes room for the next in line', async () => {
    const held: (() => void)[] = []
    const stage = await open({
      v1: (exchange) => void held.push(() => void exchange.send(ok(exchange.request.target))),
      route: PATIENT,
      config: { pool: { connections: 1 } },
    })
    const clients = [0, 1, 2].map(() => stage.client())
    for (const [index, client] of clients.entries()) {
      await client.send(get(`/${index}`))
      await until('it has arrived', () => stage.lane('v1').started === index + 1)
    }
    expect(stage.ctx.pools.v1.waiting).toBe(2)
    clients[1]?.rst()
    await until('it is gone from the queue', () => stage.ctx.pools.v1.waiting === 1)
    held.shift()?.()
    await until('the next is served', () => held.length === 1)
    held.shift()?.()
    expect((await clients[2]?.answer())?.body.toString()).toBe('/2')
    expect(stage.v1.requests.map((one) => one.target)).toEqual(['/0', '/2'])
  })

  it('inside its answer', async () => {
    const stage = await open({ v1: async (exchange) => exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'), route: PATIENT })
    const client = stage.client()
    await client.send(get('/'))
    await until('half of it', () => client.received > 0)
    client.rst()
    await until('the backend was left', () => stage.v1.open.length === 0)
    expect(stage.counted('v1')).toEqual({ aborted: 1 })
  })

  it.each(['rst', 'fin'] as const)('inside its request, by %s', async (how) => {
    const stage = await open({ v1: hang, route: PATIENT })
    const client = stage.client()
    await client.send(request('POST', '/', ['Content-Length: 10']) + 'half')
    await until('half of it', () => stage.v1.requests[0]?.received === 4)
    client[how]()
    await until('the backend was left', () => stage.v1.open.length === 0)
    expect(stage.counted('v1')).toEqual({ aborted: 1 })
  })

  it('in the turn its request arrives, a hundred times', async () => {
    const stage = await open({ v2: same(), word: SHADOW, route: { mirror: { sample: 100 } } })
    for (let i = 0; i < 100; i++) {
      const client = await stage.client().connected()
      client.socket.write(i % 3 === 0 ? post('/', 'body', `x-once: ${i}`) : get('/'))
      if (i % 2 === 0) await turnOfLoop()
      client.rst()
    }
    await stage.quiet()
  })
})

describe('a half-closed client', () => {
  it('still gets the answers to all it asked, in order, then the end', async () => {
    const stage = await open()
    const client = stage.client()
    await client.send(get('/1') + post('/2', 'body') + get('/3'))
    client.fin()
    await client.answer(3)
    expect(client.complete.map((one) => one.body.toString())).toEqual(['v1 GET /1 0', 'v1 POST /2 4', 'v1 GET /3 0'])
    expect(await client.end()).toBe('fin')
  })
})

describe('pipelined requests of mixed fates', () => {
  it('are answered in order, and what is broken ends the connection', async () => {
    const stage = await open({
      routes: [{ name: 'api', match: { path: '/api/**' } }],
      v1: (exchange) => {
        const { target } = exchange.request
        if (target.endsWith('/reset')) return reset(exchange)
        if (target.endsWith('/503')) return status(503)(exchange)
        if (target.endsWith('/close')) return answerBytes(ok('closing', 'Connection: close'), 'close')(exchange)
        return answerOk(exchange)
      },
    })
    const client = stage.client()
    await client.send(
      [
        get('/api/1'),
        get('/none'),
        get('/api/reset'),
        post('/api/2', 'body', 'x-once: 2'),
        get('/api/503'),
        get('/api/close'),
        get('/api/3'),
        'GET /api bad\r\n\r\n',
        get('/api/never'),
      ].join(''),
    )
    await client.answer(8)
    expect(client.complete.map((one) => one.status)).toEqual([200, 404, 502, 200, 503, 200, 200, 400])
    expect(await client.end()).toBe('fin')
    expect(stage.v1.requests.some((one) => one.target === '/api/never')).toBe(false)
  })

  it('from a client that does not read wait for it', async () => {
    const body = 'x'.repeat(60_000)
    const stage = await open({ v1: answerBytes(ok(body)), route: PATIENT })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(Array.from({ length: 600 }, (_, i) => get(`/${i}`)).join(''))
    const asked = await untilSteady('requests at the backend', () => stage.v1.requests.length, 400)
    // What the kernel takes on both sides of loopback is some megabytes; all 600 would be 36.
    expect(asked).toBeLessThan(300)
    client.socket.resume()
    await client.answer(600, 20_000)
    expect(client.complete.every((one) => one.received === body.length)).toBe(true)
  }, 40_000)

  it('go on after an interim answer that found the client not reading', async () => {
    const { opened, open: go } = gate()
    const large: Script = answerBytes(ok('x'.repeat(6_000_000)))
    const stage = await open({
      route: PATIENT,
      v1: async (exchange) => {
        if (exchange.index === 0) return large(exchange)
        await exchange.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
        await opened
        return exchange.send(ok('second'))
      },
    })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(get('/1') + get('/2'))
    await untilSteady('what is read', () => stage.v1.connections[0]?.socket.bytesWritten ?? 0, 200)
    client.socket.resume()
    await client.answer(1)
    await until('the second is asked', () => stage.v1.requests.length === 2)
    go()
    expect((await client.answer(2)).body.toString()).toBe('second')
    expect(client.interim.map((one) => one.status)).toEqual([103])
  })
})

describe('a backend that closes', () => {
  // Not more than the retry budget of a fresh engine: a connection that dies in use costs a retry.
  it.each([
    ['with its answer, saying so', answerBytes(ok('x', 'Connection: close'), 'close')],
    ['with its answer, not saying so', answerBytes(ok('x'), 'close')],
    ['by RST right behind its answer', answerBytes(ok('x'), 'rst')],
  ])('%s costs no request', async (_name, v1) => {
    const stage = await open({ v1 })
    const clients = [stage.client(), stage.client()]
    for (let i = 0; i < 5; i++) {
      for (const client of clients) await client.send(get(`/${i}`))
      for (const client of clients) expect((await client.answer(i + 1)).status).toBe(200)
    }
    expect(stage.counted('v1')).toEqual({ '2xx': 10 })
  })

  it('in the middle of a fallback to it is told', async () => {
    const { opened, open: go } = gate()
    const stage = await open({
      v2: status(503, 'v2 is sorry'),
      v1: after(opened, async (exchange) => {
        await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
        await until('half has been passed on', () => client.received > 0)
        await reset(exchange)
      }),
      word: COMPLETE,
    })
    const client = stage.client()
    await client.send(get('/'))
    await until('v1 has it', () => stage.v1.requests.length === 1)
    go()
    expect(await client.end()).toBe('rst')
    expect(stage.counted('fallback')).toEqual({ reset: 1 })
  })
})

describe('an early answer', () => {
  it('is delivered although the client goes on sending; then the connection ends', async () => {
    const stage = await open({ v1: (exchange) => void exchange.send('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno') })
    const client = stage.client()
    const sending = client.send([
      Buffer.from(request('POST', '/', ['Content-Length: 3000000'])),
      Buffer.alloc(500_000),
      Buffer.alloc(500_000),
    ])
    const answer = await client.answer()
    expect([answer.status, answer.body.toString(), value(answer, 'connection')]).toEqual([403, 'no', 'close'])
    await sending
    expect(await client.end()).toBe('fin')
  })

  it('to a client that never stops sending ends it all the same', async () => {
    const stage = await open({ v1: (exchange) => void exchange.send('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno') })
    const client = stage.client()
    await client.send(request('POST', '/', ['Content-Length: 3000000000']))
    await client.answer()
    const block = Buffer.alloc(100_000)
    let sent = 0
    while (client.socket.writable && sent < 50_000_000) {
      await client.send(block)
      sent += block.length
      await turnOfLoop()
    }
    expect(sent).toBeLessThan(50_000_000)
    await until('it is gone', () => stage.ctx.clients.size === 0)
  })
})

describe('a client that never closes', () => {
  it('is closed soon after its last answer has gone out, however large that was', async () => {
    const stage = await open({ v1: answerBytes(ok('x'.repeat(8_000_000))), route: { timeouts: { idleMs: 30_000 } } })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(get('/', 'Connection: close'))
    await untilSteady('what is read', () => stage.v1.connections[0]?.socket.bytesWritten ?? 0, 200)
    client.socket.removeAllListeners('end')
    client.socket.resume()
    await until('all of it', () => client.complete.length === 1)
    await until('it is closed', () => stage.ctx.clients.size === 0, 4_000)
  })
})
