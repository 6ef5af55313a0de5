/** A slow side slows the other side down: it is neither buffered without bound, nor forgotten once it goes on. */
import { describe, expect, it } from 'vitest'
import { answerOk, ok, type Exchange } from '../support/wire/backend.ts'
import { get } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { BASE_SEED, createRandom } from '../support/wire/random.ts'
import { turnOfLoop, until, untilSteady } from '../support/wire/until.ts'

const gateway = useGateway({}, { keepBody: false })

/** What the kernel may hold in the sockets of both legs on Linux (2 × (4 MiB write + 6 MiB read)), and the engine's own few. */
const HELD_BY_KERNEL_AND_ENGINE = 24 * 1_048_576
const ENDLESS = 400_000_000

/** Bytes the engine took from the backend: written, and no longer waiting in this process. */
const taken = ({ connection }: Exchange): number => connection.socket.bytesWritten - connection.socket.writableLength

describe('a client that stops reading', () => {
  it('stops its backend after a bounded number of bytes', async () => {
    const exchanges: Exchange[] = []
    gateway.backend.reset(async (exchange) => {
      exchanges.push(exchange)
      await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${ENDLESS}\r\n\r\n`)
      const block = Buffer.alloc(262_144, 'x')
      while (!exchange.connection.socket.destroyed) await exchange.send(block)
    })
    const before = process.memoryUsage.rss()
    const client = gateway.client({ keepBody: false })
    await client.send(get('/endless'))
    await until('the answer begun', () => client.received > 0)
    client.socket.pause()
    const bytes = await untilSteady('bytes taken from the backend', () => exchanges.reduce((sum, one) => sum + taken(one), 0), 400)
    expect(bytes - client.received).toBeLessThan(HELD_BY_KERNEL_AND_ENGINE)
    expect(process.memoryUsage.rss() - before).toBeLessThan(128 * 1_048_576)
    client.rst()
    await until('the backend freed', () => exchanges.every((one) => one.connection.socket.destroyed))
  })

  it.each([1_000, 10_000, 50_000, 65_536, 200_000])('and goes on gets everything: pieces of %i bytes', async (size) => {
    const total = 24_000_000
    const piece = Buffer.alloc(size, 'x')
    let sent = 0
    gateway.backend.reset(async (exchange) => {
      await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      for (sent = 0; sent < total;) {
        const next = piece.subarray(0, Math.min(size, total - sent))
        await exchange.send(next)
        sent += next.length
        // A turn between the pieces, so that the engine reads and writes them one by one.
        if (exchange.connection.socket.writableLength === 0) await turnOfLoop()
      }
    })
    const client = gateway.client({ keepBody: false })
    await client.send(get('/late'))
    await until('the answer begun', () => client.received > 0)
    client.socket.pause()
    await untilSteady('bytes sent by the backend', () => sent, 250)
    client.socket.resume()
    expect((await client.answer(1, 8_000)).received).toBe(total)
  })

  it('now and then, at random, gets everything', async () => {
    const random = createRandom(BASE_SEED)
    const total = 16_000_000
    gateway.backend.reset(async (exchange) => {
      await exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (let sent = 0; sent < total;) {
        const size = Math.min(1 + random.int(90_000), total - sent)
        await exchange.send(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`)
        sent += size
        if (random.chance(0.3)) await turnOfLoop()
      }
      await exchange.send('0\r\n\r\n')
    })
    const client = gateway.client({ keepBody: false })
    await client.send(get('/moody'))
    const moody = setInterval(() => {
      if (random.chance(0.5)) client.socket.pause()
      else client.socket.resume()
    }, 7)
    await until(
      () => `all of it; have ${client.describe()}`,
      () => client.complete.length === 1 || client.ended !== null,
      20_000,
    )
    clearInterval(moody)
    expect(client.complete[0]?.received).toBe(total)
  })

  it.each([20_000, 40_000, 60_000, 100_000])('while it pipelines gets every answer: 200 of %i bytes', async (size) => {
    gateway.backend.reset(async (exchange) => {
      if (await exchange.whole) await exchange.send(ok('x'.repeat(size)))
    })
    const client = gateway.client({ keepBody: false })
    await client.connected()
    client.socket.pause()
    await client.send(get('/p').repeat(200))
    await untilSteady('requests at the backend', () => gateway.backend.requests.length, 250)
    client.socket.resume()
    await client.answer(200, 10_000)
    expect(client.complete.every((answer) => answer.received === size)).toBe(true)
  })
})

describe('a backend that stops reading', () => {
  it('stops its client after a bounded number of bytes, and gets everything once it goes on', async () => {
    const total = 64_000_000
    const exchanges: Exchange[] = []
    gateway.backend.reset(async (exchange) => {
      exchanges.push(exchange)
      exchange.connection.socket.pause()
      await answerOk(exchange)
    })
    const client = gateway.client()
    await client.send(`PUT /late HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`)
    const block = Buffer.alloc(100_000, 'y')
    const pouring = (async (): Promise<void> => {
      for (let sent = 0; sent < total; sent += block.length) await client.send(block)
    })()
    await until('the request begun', () => exchanges.length === 1)
    const bytes = await untilSteady('bytes taken from the client', () => client.socket.bytesWritten - client.socket.writableLength, 400)
    expect(bytes).toBeLessThan(HELD_BY_KERNEL_AND_ENGINE)
    for (const { connection } of exchanges) connection.socket.resume()
    await pouring
    expect((await client.answer(1, 15_000)).status).toBe(200)
    expect(gateway.backend.complete[0]?.received).toBe(total)
  })

  it.each([700, 9_000, 50_000, 70_000])('and goes on gets everything: chunks of %i bytes', async (size) => {
    const total = 24_000_000
    const exchanges: Exchange[] = []
    gateway.backend.reset(async (exchange) => {
      exchanges.push(exchange)
      exchange.connection.socket.pause()
      await answerOk(exchange)
    })
    const client = gateway.client()
    await client.send('PUT /late HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')
    let sent = 0
    const pouring = (async (): Promise<void> => {
      for (; sent < total; sent += size) {
        await client.send(`${size.toString(16)}\r\n${'y'.repeat(size)}\r\n`)
        if (client.socket.writableLength === 0) await turnOfLoop()
      }
      await client.send('0\r\n\r\n')
    })()
    await until('the request begun', () => exchanges.length === 1)
    await untilSteady('bytes sent by the client', () => sent, 250)
    for (const { connection } of exchanges) connection.socket.resume()
    await pouring
    expect((await client.answer(1, 10_000)).status).toBe(200)
    expect(gateway.backend.complete[0]?.received).toBe(sent)
  })
})
