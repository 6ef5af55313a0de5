/** Deadlines: whoever is slow is closed, with the status that says so, and nobody else notices. */
import { describe, expect, it } from 'vitest'
import { RawBackend, answerOk, ok } from '../support/wire/backend.ts'
import { get, post } from '../support/wire/client.ts'
import { startEngine } from '../support/wire/engine.ts'
import { problem, useGateway } from '../support/wire/fixture.ts'
import { connectionTokens } from '../support/wire/message.ts'
import { byteByByte } from '../support/wire/random.ts'
import { until } from '../support/wire/until.ts'

const gateway = useGateway({
  route: { timeouts: { headMs: 600, connectMs: 400, firstByteMs: 700, idleMs: 500, totalMs: 0, keepAliveMs: 400 } },
})
/** Deadlines are kept to a tick of the clock; this much more is a machine that is busy. */
const SLACK = 900

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const since = performance.now()
  const value = await work
  return { value, ms: performance.now() - since }
}

const within = (ms: number, wanted: number): void => {
  expect(ms).toBeGreaterThan(wanted - 120)
  expect(ms).toBeLessThan(wanted + SLACK)
}

describe('a client that is slow', () => {
  it('to begin is closed without an answer', async () => {
    const client = gateway.client()
    await client.connected()
    const { value, ms } = await timed(client.end())
    expect([value, client.received]).toEqual(['fin', 0])
    expect(ms).toBeLessThan(600 + SLACK)
  })

  it('to finish its head gets 408, however busily it drips', async () => {
    const client = gateway.client()
    await client.connected()
    const drip = setInterval(() => void client.send('X: y\r\n'), 50)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n')
    const { ms } = await timed(client.end())
    clearInterval(drip)
    expect(client.complete.map((answer) => answer.status)).toEqual([408])
    within(ms, 600)
    expect(gateway.backend.requests).toEqual([])
  })

  it('to begin its next request is closed after keepAlive, silently', async () => {
    const client = gateway.client()
    await client.send(get('/'))
    await client.answer()
    const { value, ms } = await timed(client.end())
    expect([value, client.complete.length]).toEqual(['fin', 1])
    within(ms, 400)
  })

  it.each([
    ['Content-Length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf'],
    ['chunked', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe'],
  ])('in its body gets 408 and its request never looks complete (%s)', async (_, bytes) => {
    await gateway.backend.disconnect()
    const client = gateway.client()
    await client.send(bytes)
    const { ms } = await timed(client.end())
    within(ms, 500)
    expect(client.complete.map((answer) => answer.status)).toEqual([408])
    expect(gateway.backend.complete).toEqual([])
    await until('the upstream request given up', () => gateway.backend.connections.every((one) => one.ended !== null))
  })

  it('but steady with its body is served', async () => {
    const client = gateway.client()
    await client.send('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n')
    const pieces = byteByByte(Buffer.from('abcdefgh'))
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const piece = pieces.shift()
        if (piece === undefined) {
          clearInterval(timer)
          resolve()
        } else void client.send(piece)
      }, 150)
    })
    expect((await client.answer()).status).toBe(200)
    expect(gateway.backend.complete[0]?.body.toString()).toBe('abcdefgh')
  })

  it('to read is cut by a reset, and its backend is freed', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(async (exchange) => {
      await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n`)
      for (let i = 0; i < 1_500 && !exchange.connection.socket.destroyed; i++) await exchange.send(Buffer.alloc(65_536, 'x'))
    })
    const client = gateway.client({ keepBody: false })
    await client.send(get('/'))
    await until('the answer begun', () => client.received > 0)
    client.socket.pause()
    await until('the backend freed', () => gateway.backend.connections[0]?.ended !== null, 8_000)
    client.socket.resume()
    await client.end()
    expect([client.complete.length, client.ended]).toEqual([0, 'rst'])
  })
})

describe('a backend that is slow', () => {
  it('to answer is 504, and its late answer reaches nobody', async () => {
    await gateway.backend.disconnect()
    gateway.backend.reset(() => undefined)
    const client = gateway.client()
    await client.send(get('/hang'))
    const { value: answer, ms } = await timed(client.answer())
    expect([answer.status, problem(answer).code]).toEqual([504, 'upstream_timeout'])
    within(ms, 700)
    await until('its connection given up', () => gateway.backend.connections[0]?.ended !== null)
    gateway.backend.script = answerOk
    await client.send(get('/next'))
    if (client.ended === null) expect((await client.answer(2)).body.toString()).toBe('/next')
  })

  it('in its head, byte by byte, is 504', async () => {
    gateway.backend.reset(async (exchange) => {
      const pieces = byteByByte(Buffer.from(ok('x'.repeat(100))))
      for (const piece of pieces) {
        if (exchange.connection.socket.destroyed || exchange.connection.ended !== null) return
        await exchange.send(piece)
        await new Promise((resolve) => setTimeout(resolve, 60))
      }
    })
    const client = gateway.client()
    await client.send(get('/'))
    const { value: answer, ms } = await timed(client.answer())
    expect(answer.status).toBe(504)
    within(ms, 700)
  })

  it('in its body is a cut', async () => {
    gateway.backend.reset(async (exchange) => exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'))
    const client = gateway.client()
    await client.send(get('/'))
    await until('half of it', () => client.text.includes('half'))
    const { value, ms } = await timed(client.end())
    expect([value, client.complete.length]).toEqual(['rst', 0])
    within(ms, 500)
  })

  it('but steady with its body is passed on to the end', async () => {
    gateway.backend.reset(async (exchange) => {
      await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n')
      for (const letter of 'steady') {
        await new Promise((resolve) => setTimeout(resolve, 150))
        await exchange.send(letter)
      }
    })
    const client = gateway.client()
    await client.send(get('/'))
    expect((await client.answer()).body.toString()).toBe('steady')
  })

  it('after interim answers is 504 all the same', async () => {
    gateway.backend.reset(async (exchange) => exchange.send('HTTP/1.1 103 Early Hints\r\n\r\n'))
    const client = gateway.client()
    await client.send(get('/'))
    expect((await client.answer()).status).toBe(504)
  })
})

describe('limits of number', () => {
  it('no free upstream connection within the connect deadline is 503 upstream_busy', async () => {
    const backend = new RawBackend()
    const engine = await startEngine({
      v1: await backend.listen(),
      config: { pool: { connections: 1 } },
      route: { timeouts: { connectMs: 300 } },
    })
    backend.reset((exchange) => (exchange.request.target === '/hold' ? undefined : answerOk(exchange)))
    const holder = gateway.client({ port: engine.port })
    await holder.send(get('/hold'))
    await until('the one connection in use', () => backend.requests.length === 1)
    const waiting = gateway.client({ port: engine.port })
    await waiting.send(post('/wait', 'x'))
    const { value: answer, ms } = await timed(waiting.answer())
    expect([answer.status, problem(answer).code]).toEqual([503, 'upstream_busy'])
    within(ms, 300)
    expect(backend.connections.length).toBe(1)
    holder.close()
    waiting.close()
    await engine.close()
    await backend.close()
  })

  it('the whole exchange has a deadline when one is set', async () => {
    const backend = new RawBackend()
    const engine = await startEngine({ v1: await backend.listen(), route: { timeouts: { totalMs: 500 } } })
    backend.reset(async (exchange) => {
      await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
      while (exchange.connection.ended === null && !exchange.connection.socket.destroyed) {
        await exchange.send('x')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })
    const client = gateway.client({ port: engine.port })
    await client.send(get('/'))
    const { value, ms } = await timed(client.end())
    expect([value, client.complete.length]).toEqual(['rst', 0])
    within(ms, 500)
    client.close()
    await engine.close()
    await backend.close()
  })

  it('a deadline that strikes one client leaves another’s exchange alone', async () => {
    const slow = gateway.client()
    await slow.send('GET / HTTP/1.1\r\nHost: a\r\n')
    const client = gateway.client()
    for (let i = 1; slow.ended === null; i++) {
      await client.send(get(`/${i}`))
      expect((await client.answer(i)).status).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(slow.complete.map((answer) => [answer.status, connectionTokens(answer)])).toEqual([[408, ['close']]])
  })
})
