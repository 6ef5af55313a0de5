/** Clients and backends that read slowly: nothing is lost, nothing piles up, nobody else notices. */
import { describe, expect, it } from 'vitest'
import { answerOk, ok, type Script } from '../support/wire/backend.ts'
import type { ClientLink } from '../../src/proxy/context.ts'
import { get, request, type RawClient } from '../support/wire/client.ts'
import { createRandom, randomBody } from '../support/wire/random.ts'
import { turnOfLoop, until, untilSteady } from '../support/wire/until.ts'
import { hang } from '../support/proxy/scripts.ts'
import { stages } from '../support/proxy/stage.ts'

const open = stages()
const TOTAL = 24_000_000

/** Pieces of this size, one per turn of the loop at most, as a network brings them. */
function inPieces(body: Buffer, size: number): Script {
  return async (exchange) => {
    await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
    for (let at = 0; at < body.length && !exchange.connection.socket.destroyed; at += size) {
      await exchange.send(body.subarray(at, at + size))
      await turnOfLoop()
    }
  }
}

describe('a client that reads late gets all of it', () => {
  it('in sips, and further requests on the same connection after it', async () => {
    const body = randomBody(createRandom(1), 6_000_000)
    const stage = await open({ v1: (exchange) => (exchange.index === 0 ? inPieces(body, 20_000)(exchange) : answerOk(exchange)) })
    const client = stage.client()
    await client.send(get('/') + get('/next'))
    // Reads only every third turn of the loop.
    let reading = true
    void (async () => {
      while (reading) {
        client.socket.pause()
        await turnOfLoop()
        await turnOfLoop()
        client.socket.resume()
        await turnOfLoop()
      }
    })()
    const answer = await client.answer(2, 20_000)
    reading = false
    client.socket.resume()
    expect(answer.body.toString()).toBe('/next')
    expect(client.complete[0]?.body.equals(body)).toBe(true)
  }, 40_000)
})

describe('a client that stops reading', () => {
  it('is cut when its time is up; the backend is not blamed', async () => {
    const stage = await open({ v1: inPieces(Buffer.alloc(TOTAL), 65_536), route: { timeouts: { idleMs: 400 } } })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(get('/'))
    // What waits for it is counted as held memory, and given back.
    await until('it is held', () => stage.ctx.heldBytes > 0)
    await until('the backend was left', () => stage.v1.requests.length === 1 && stage.v1.open.length === 0, 10_000)
    expect(stage.ctx.heldBytes).toBe(0)
    expect(stage.counted('v1')).toEqual({ aborted: 1 })
  }, 20_000)

  it('at the very end of its answer is cut too: an HTTP/1.0 client could not tell', async () => {
    const stage = await open({
      v1: async (exchange) => {
        const size = Number(exchange.request.target.slice(1))
        await exchange.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n`)
        await exchange.send(Buffer.concat([Buffer.alloc(size), Buffer.from('\r\n0\r\n\r\n')]))
      },
      route: { timeouts: { idleMs: 500 } },
    })
    const deaf = async (size: number): Promise<RawClient> => {
      const client = await stage.client().connected()
      client.socket.pause()
      await client.send(`GET /${size} HTTP/1.0\r\n\r\n`)
      return client
    }
    // How much the kernel takes for a client that does not read; then answers that end around there.
    await deaf(TOTAL)
    await until('it is full', () => stage.ctx.heldBytes > 0)
    const [{ socket }] = [...stage.ctx.clients] as [ClientLink]
    const full = socket.bytesWritten - socket.writableLength
    await until('it is gone', () => stage.ctx.clients.size === 0)
    const sizes = Array.from({ length: 10 }, (_, i) => full - 32_768 + i * 16_384)
    const clients = await Promise.all(sizes.map(deaf))
    await until('all are gone', () => stage.ctx.clients.size === 0)
    for (const [index, client] of clients.entries()) {
      client.socket.resume()
      const how = await client.end()
      const received = client.answers[0]?.received ?? 0
      if (received < (sizes[index] ?? 0)) expect([sizes[index], received, how]).toEqual([sizes[index], received, 'rst'])
    }
  }, 20_000)

  it('does not slow the others', async () => {
    const stage = await open({
      v1: (exchange) => (exchange.request.target === '/large' ? inPieces(Buffer.alloc(TOTAL), 65_536)(exchange) : answerOk(exchange)),
    })
    for (let i = 0; i < 5; i++) {
      const deaf = await stage.client().connected()
      deaf.socket.pause()
      await deaf.send(get('/large'))
    }
    const client = stage.client()
    for (let i = 0; i < 50; i++) {
      await client.send(get(`/${i}`))
      expect((await client.answer(i + 1)).body.toString()).toBe(`/${i}`)
    }
  })

  it('before its small answer, again and again on one connection, is served when it reads', async () => {
    const stage = await open({
      v1: async (exchange) => {
        await exchange.send('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
        // Read by itself, and found a client that has not taken the answer before.
        for (let turn = 0; turn < 4; turn++) await turnOfLoop()
        await exchange.send(ok('x'.repeat(20_000)))
      },
      route: { timeouts: { firstByteMs: 3_000, idleMs: 3_000, keepAliveMs: 3_000 } },
    })
    const client = stage.client()
    await client.connected()
    client.socket.pause()
    await client.send(Array.from({ length: 600 }, (_, i) => get(`/${i}`)).join(''))
    await untilSteady('requests at the backend', () => stage.v1.requests.length, 300)
    client.socket.resume()
    await client.answer(600, 20_000)
    expect(client.complete.every((one) => one.status === 200 && one.received === 20_000)).toBe(true)
    expect(client.interim).toHaveLength(600)
  }, 40_000)
})

describe('a backend that reads late', () => {
  it('and a client that leaves meanwhile leaves nothing behind', async () => {
    const stage = await open({ v1: hang })
    const client = stage.client()
    await client.send(request('POST', '/up', ['Content-Length: 9000000']))
    await until('it is there', () => stage.v1.requests.length === 1)
    stage.v1.connections[0]?.socket.pause()
    void client.send(Buffer.alloc(9_000_000))
    await untilSteady('what the client could send', () => client.socket.bytesWritten - client.socket.writableLength, 200)
    client.rst()
    stage.v1.connections[0]?.socket.resume()
    await until('the backend was left', () => stage.v1.open.length === 0)
  })
})
