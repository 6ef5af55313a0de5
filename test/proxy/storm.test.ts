/**
 * Two thousand requests of every kind through everything at once: bad backends, aborts, rollbacks, reloads,
 * mirrors, slow readers. Whatever was answered was answered right, no write was seen twice, and nothing is left
 * (the stage's invariants after the test).
 */
import { describe, expect, it } from 'vitest'
import type { WordParts } from '../../src/core/model/routing.ts'
import { answerBytes, ok, reset, type Exchange, type Script } from '../support/wire/backend.ts'
import { get, post, request, type RawClient } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { has, value } from '../support/wire/message.ts'
import { BASE_SEED, createRandom, type Random } from '../support/wire/random.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'
import { hang, status } from '../support/proxy/scripts.ts'
import { COMPLETE, SHADOW, stages, type Stage } from '../support/proxy/stage.ts'

const open = stages()

/** The right answer: who, what was asked, and filler whose length follows from the target. */
function right(name: string, target: string): string {
  return `${name} ${target} ${'x'.repeat(target.length * 97)}`
}

/** Mostly right, now and then in pieces, without a length, or with a close. */
function good(name: string, random: Random): Script {
  return async (exchange) => {
    if (!(await exchange.whole)) return
    const { method, target } = exchange.request
    const body = right(name, target)
    const head = (lines: string): string => `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${lines}\r\n`
    if (method === 'HEAD') return exchange.send(head(`Content-Length: ${body.length}\r\n`))
    const way = random.int(10)
    if (way === 0) return closing(exchange, [head('Connection: close\r\n'), body])
    if (way === 1) {
      const half = Math.floor(body.length / 2)
      const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
      return exchange.send(
        [head('Transfer-Encoding: chunked\r\n'), chunk(body.slice(0, half)), chunk(body.slice(half)), '0\r\n\r\n'].map((text) =>
          Buffer.from(text),
        ),
      )
    }
    return exchange.send(head(`Content-Length: ${body.length}\r\n`) + body)
  }
}

async function closing(exchange: Exchange, parts: readonly string[]): Promise<void> {
  await exchange.send(parts.map((part) => Buffer.from(part)))
  exchange.fin()
}

/** Every second answer is bad in some way. */
function bad(name: string, random: Random): Script {
  const ways: readonly Script[] = [
    hang,
    (exchange) => reset(exchange),
    (exchange) => exchange.fin(),
    status(503),
    status(500),
    answerBytes('nonsense\r\n\r\n'),
    answerBytes('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf', 'rst'),
    answerBytes('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf', 'close'),
    answerBytes(`${ok('x')}stray`),
    (exchange) => exchange.send('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Le'),
  ]
  const fine = good(name, random)
  return (exchange) => (random.chance(0.5) ? fine(exchange) : random.pick(ways)(exchange))
}

interface Tally {
  asked: number
  answered: number
  cut: number
}

class Visitor {
  readonly #stage: Stage
  readonly #random: Random
  readonly #name: string
  readonly #tally: Tally
  #id = 0

  constructor(stage: Stage, seed: number, tally: Tally) {
    this.#stage = stage
    this.#random = createRandom(seed)
    this.#name = `s${seed}`
    this.#tally = tally
  }

  /** Connections of one to six requests each, pipelined or not, some left in the middle. */
  async visit(requests: number): Promise<void> {
    for (let left = requests; left > 0;) {
      const batch = Math.min(left, 1 + this.#random.int(6))
      left -= batch
      await this.#connection(batch)
    }
  }

  async #connection(batch: number): Promise<void> {
    const asked = Array.from({ length: batch }, () => this.#request())
    const client = this.#stage.client({ methods: asked.map((one) => one.method) })
    await client.connected()
    this.#tally.asked += batch
    const leaves = this.#random.chance(0.15)
    const cutAt = leaves ? this.#random.int(asked.map((one) => one.bytes).join('').length) : Infinity
    if (this.#random.chance(0.5))
      await client.send(
        asked
          .map((one) => one.bytes)
          .join('')
          .slice(0, cutAt),
      )
    else {
      let sent = 0
      for (const one of asked) {
        await client.send(one.bytes.slice(0, Math.max(0, cutAt - sent)))
        sent += one.bytes.length
        if (sent > cutAt) break
        if (this.#random.chance(0.5)) await this.#settled(client, asked.indexOf(one) + 1)
      }
    }
    if (this.#random.chance(0.1)) await this.#pause(client)
    if (leaves) {
      for (let turn = this.#random.int(6); turn > 0; turn--) await turnOfLoop()
      client.rst()
    } else {
      if (this.#random.chance(0.2)) client.fin()
      await this.#settled(client, batch)
    }
    this.#judge(client, asked)
    client.close()
  }

  async #pause(client: RawClient): Promise<void> {
    client.socket.pause()
    for (let turn = 0; turn < 10; turn++) await turnOfLoop()
    client.socket.resume()
  }

  /** So many answers, or the end of the connection. */
  #settled(client: RawClient, count: number): Promise<void> {
    return until(
      () => `${this.#name}: ${count} answers or the end; have ${client.describe()}`,
      () => client.complete.length >= count || client.ended !== null,
      15_000,
    )
  }

  #request(): { readonly bytes: string; readonly method: string; readonly target: string } {
    const random = this.#random
    const target = `/${this.#name}/${this.#id++}${'/long'.repeat(random.int(80))}`
    const user = [`X-User-Id: user-${random.int(50)}`]
    const kind = random.int(20)
    if (kind < 3) return { method: 'POST', target, bytes: post(target, 'b'.repeat(random.int(20_000)), ...user, `x-once: ${target}`) }
    if (kind < 4) {
      const body = `${(5).toString(16)}\r\nhello\r\n0\r\n\r\n`
      return { method: 'POST', target, bytes: request('POST', target, [...user, `x-once: ${target}`, 'Transfer-Encoding: chunked']) + body }
    }
    if (kind < 5) return { method: 'PUT', target, bytes: `${request('PUT', target, [...user, 'Content-Length: 300'])}${'p'.repeat(300)}` }
    if (kind < 7) return { method: 'HEAD', target, bytes: request('HEAD', target, user) }
    return { method: 'GET', target, bytes: get(target, ...user) }
  }

  /** Complete answers are the right ones, in order; what is not complete was cut. */
  #judge(client: RawClient, asked: readonly { readonly method: string; readonly target: string }[]): void {
    expect(client.reader.fault === null || client.ended === 'rst', client.describe()).toBe(true)
    this.#tally.answered += client.complete.length
    if (client.ended === 'rst') this.#tally.cut++
    for (const [index, answer] of client.complete.entries()) {
      const { method, target } = asked[index] ?? { method: '', target: '' }
      if (answer.status !== 200 || method === 'HEAD') continue
      const text = answer.body.toString('latin1')
      const backend = value(answer, 'x-banyan-backend') ?? ''
      if (text !== 'x') expect(text).toBe(right(backend, target))
    }
  }
}

describe('a storm', () => {
  it('leaves nothing behind', async () => {
    const random = createRandom(BASE_SEED)
    const stage = await open({
      v1: good('v1', random),
      v2: bad('v2', random),
      word: { stage: 'canary', weightBps: 5_000 },
      config: { pool: { connections: 12, queue: 40 } },
      route: {
        timeouts: { firstByteMs: 400, connectMs: 400, idleMs: 400 },
        fallback: { afterMs: 150 },
        mirror: {
          sample: 60,
          reverse: 60,
          timeoutMs: 200,
          concurrency: 6,
          queue: 6,
          methods: ['GET', 'HEAD', 'POST'],
          maxBodyBytes: 10_000,
        },
      },
    })
    const words: readonly Partial<WordParts>[] = [
      COMPLETE,
      SHADOW,
      { stage: 'canary', weightBps: 5_000 },
      { ...COMPLETE, latched: true },
      { stage: 'off' },
    ]
    let over = false
    const weather = (async () => {
      for (let turn = 0; !over; turn++) {
        await stage.ticks(2)
        stage.setWord(random.pick(words))
        if (turn % 3 === 0)
          stage.publish({ endpoints: { v1: resolved([stage.v1.port], random.int(5)), v2: resolved([stage.v2.port], 10 + random.int(5)) } })
        if (turn % 4 === 0) for (const connection of stage.v2.open) connection.socket.destroy()
      }
    })()
    const tally: Tally = { asked: 0, answered: 0, cut: 0 }
    await Promise.all(Array.from({ length: 20 }, (_, i) => new Visitor(stage, BASE_SEED + i, tally).visit(100)))
    over = true
    await weather
    expect(tally.asked).toBe(2_000)
    // Most of them were answered; the rest left, or their backend broke off in its answer.
    expect(tally.answered).toBeGreaterThan(1_200)
    await until('clients gone', () => stage.ctx.clients.size === 0)
    await stage.quiet()
    expect(stage.ctx.pools.v1.waiting + stage.ctx.pools.v2.waiting).toBe(0)
    // Shadow requests were marked, all of them; primaries never.
    const marked = [...stage.v1.requests, ...stage.v2.requests].filter((one) => has(one, 'x-banyan-shadow')).length
    expect(marked).toBeLessThanOrEqual(stage.counter('mirror_sent') * 2)
  }, 120_000)
})
