/** A shadow cannot hurt the primary: whatever it does, clients get the same answers, and nothing of it stays. */
import { describe, expect, it } from 'vitest'
import { answerBytes, answerOk, ok, reset, type Script } from '../support/wire/backend.ts'
import { get, request } from '../support/wire/client.ts'
import { sketch, value } from '../support/wire/message.ts'
import { turnOfLoop, until } from '../support/wire/until.ts'
import { resolved } from '../support/wire/config.ts'
import { frozen, hungConnect } from '../support/proxy/frozen.ts'
import { hang, same, status } from '../support/proxy/scripts.ts'
import { SHADOW, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'

const open = stages()
const CAP = 100_000
const MIRROR = { sample: 100, maxBodyBytes: CAP, timeoutMs: 300, concurrency: 4, queue: 4 }

/** Never ends, as fast as it is read. */
const flood: Script = async (exchange) => {
  await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n')
  const block = Buffer.alloc(65_536)
  while (!exchange.connection.socket.destroyed) {
    await exchange.send(block)
    await turnOfLoop()
  }
}

/** One byte at a time, far apart. */
const drip: Script = async (exchange) => {
  await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
  while (!exchange.connection.socket.destroyed) {
    await exchange.send('x')
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
}

/** Interim answers without end. */
const continues: Script = async (exchange) => {
  while (!exchange.connection.socket.destroyed) {
    await exchange.send('HTTP/1.1 102 Processing\r\n\r\n')
    await turnOfLoop()
  }
}

const endlessHead: Script = async (exchange) => {
  await exchange.send('HTTP/1.1 200 OK\r\n')
  while (!exchange.connection.socket.destroyed) {
    await exchange.send('X-More: and more\r\n')
    await turnOfLoop()
  }
}

const SHADOWS: readonly (readonly [string, Script | 'refuses'])[] = [
  ['refuses', 'refuses'],
  ['hangs', hang],
  ['drips', drip],
  ['floods', flood],
  ['sends interim answers without end', continues],
  ['sends a head without end', endlessHead],
  ['answers nonsense', answerBytes('\0\0\0 nonsense\r\n\r\n')],
  ['upgrades unasked', answerBytes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n')],
  ['resets at once', (exchange) => void exchange.rst()],
  [
    'resets after half its answer',
    async (exchange) => void (await exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), await reset(exchange)),
  ],
  ['closes without an answer', (exchange) => void exchange.fin()],
  ['answers 503', status(503)],
  ['poisons the connection', answerBytes(`${ok('x')}${ok('y')}`)],
]

interface Run {
  readonly answers: readonly string[]
  /** Turns of the event loop between a request's sending and its answer's arrival, sorted. */
  readonly turns: readonly number[]
}

/** Forty requests on four connections, one after the other on each. */
async function run(stage: Stage): Promise<Run> {
  const answers: string[] = []
  const turns: number[] = []
  const one = async (index: number): Promise<void> => {
    const client = stage.client()
    for (let i = 0; i < 10; i++) {
      let count = 0
      await client.send(get(`/${index}/${i}`))
      while (client.complete.length <= i && client.ended === null) {
        count++
        await turnOfLoop()
      }
      turns.push(count)
      const answer = await client.answer(i + 1)
      const lines = answer.headers.filter(([name]) => name.toLowerCase() !== 'date')
      answers.push(sketch({ ...answer, headers: lines }) + answer.body.toString('latin1').slice(0, 50))
    }
  }
  await Promise.all([0, 1, 2, 3].map(one))
  return { answers: answers.toSorted(), turns: turns.toSorted((a, b) => a - b) }
}

/** Far from its cap for a mirror, several reads for the proxy. */
const v1: Script = async (exchange) => {
  if (await exchange.whole) await exchange.send(ok(exchange.request.target.padEnd(30_000, 'x'), 'Content-Type: text/plain'))
}

async function shadowed(options: StageOptions): Promise<Stage> {
  const stage = await open({ v1, word: SHADOW, ...options, route: { mirror: MIRROR, ...options.route } })
  Object.defineProperty(stage.ctx.wheel, 'lagMs', { get: () => 0, set: () => undefined })
  return stage
}

describe('the primary is the same with a shadow that', () => {
  it.each(SHADOWS)('%s', async (_name, v2) => {
    const alone = await run(await shadowed({ v2: same(), word: {} }))
    const stage = await shadowed({ v2 })
    let most = 0
    const watch = setInterval(() => (most = Math.max(most, stage.ctx.heldBytes)), 1)
    const beside = await run(stage)
    clearInterval(watch)
    expect(beside.answers).toEqual(alone.answers)
    expect(stage.counted('v1')).toEqual({ '2xx': 40 })
    // Not one waited for its shadow: that would be hundreds of turns. (A machine under load adds a few.)
    expect(beside.turns[20] ?? 0).toBeLessThanOrEqual((alone.turns[20] ?? 0) * 3 + 20)
    // Both sides of every mirror that may run or wait, up to the cap, and one read.
    expect(most).toBeLessThan((MIRROR.concurrency + MIRROR.queue + 4) * 2 * (CAP + 65_536))
    await stage.quiet()
    expect(stage.ctx.heldBytes).toBe(0)
    const counted = (['mirror_sent', 'mirror_dropped_queue', 'mirror_dropped_breaker', 'mirror_dropped_timeout'] as const).map((name) =>
      stage.counter(name),
    )
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(40)
  })

  it('never accepts, and one to which connecting hangs', async () => {
    for (const start of [frozen, hungConnect]) {
      const { port, close } = await start()
      try {
        const stage = await shadowed({ endpoints: { v2: resolved([port], 10) } })
        expect((await run(stage)).answers).toHaveLength(40)
        await stage.quiet()
      } finally {
        await close()
      }
    }
  })

  it('floods: it is read no further than can be compared', async () => {
    const stage = await shadowed({ v2: flood })
    await stage.ask(get('/'))
    await stage.quiet()
    await until('the connection was cut', () => stage.v2.open.length === 0)
    // What the kernel's buffers of both ends hold goes on top of the cap.
    expect(stage.v2.connections[0]?.socket.bytesWritten ?? 0).toBeLessThan(20_000_000)
    expect([stage.counter('compare_incomparable'), stage.counter('mirror_failed')]).toEqual([1, 0])
  })
})

describe('what a pair held is let go when', () => {
  const WRITES = { mirror: { ...MIRROR, methods: ['GET', 'POST'] } }

  it('the client leaves inside its request', async () => {
    const stage = await shadowed({ v2: same(), route: WRITES })
    for (const leave of ['rst', 'fin'] as const) {
      const client = stage.client()
      await client.send(request('POST', '/', ['Content-Length: 50000']) + 'x'.repeat(40_000))
      await until('held', () => stage.ctx.heldBytes >= 40_000)
      client[leave]()
      await until('let go', () => stage.ctx.heldBytes === 0)
    }
    expect(stage.v2.requests).toHaveLength(0)
  })

  it('v1 answers before the request is complete', async () => {
    const stage = await shadowed({ v1: (exchange) => void exchange.send(ok('early')), v2: same(), route: WRITES })
    const client = stage.client()
    await client.send(request('POST', '/', ['Content-Length: 50000']) + 'x'.repeat(40_000))
    expect((await client.answer()).body.toString()).toBe('early')
    await until('let go', () => stage.ctx.heldBytes === 0)
  })

  it('the request turns out wrong or too large on its way', async () => {
    const stage = await shadowed({ v1: hang, v2: same(), route: { ...WRITES, bodyBytes: 1_000 } })
    const [large, bad] = [stage.client(), stage.client()]
    await large.send(`${request('POST', '/', ['Transfer-Encoding: chunked'])}1f4\r\n${'x'.repeat(500)}\r\n3e8\r\n${'x'.repeat(1_000)}\r\n`)
    expect((await large.answer()).status).toBe(413)
    await bad.send(`${request('POST', '/', ['Transfer-Encoding: chunked'])}1f4\r\n${'x'.repeat(500)}\r\nzz\r\n`)
    expect((await bad.answer()).status).toBe(400)
    await until('let go', () => stage.ctx.heldBytes === 0)
  })

  it('the request body went past the cap', async () => {
    const stage = await shadowed({ v1: answerOk, v2: same(), route: WRITES })
    const client = stage.client()
    await client.send(request('POST', '/', ['Content-Length: 300000']) + 'x'.repeat(150_000))
    await until('the first half came', () => stage.v1.requests[0]?.received === 150_000)
    expect(stage.ctx.heldBytes).toBe(0)
    await client.send('x'.repeat(150_000))
    expect((await client.answer()).status).toBe(200)
    expect(stage.counter('mirror_dropped_body')).toBe(1)
  })

  it('the client leaves inside the answer, while the shadow still runs', async () => {
    const stage = await shadowed({
      v1: async (exchange) => exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\nxxxx'),
      v2: drip,
    })
    const client = stage.client()
    await client.send(get('/'))
    await until('the answer has begun', () => client.received > 0)
    client.rst()
    await stage.quiet()
  })
})

describe('a write that waits in the mirrors queue', () => {
  it('keeps its body although the primary’s answer is too large to compare', async () => {
    const stage = await shadowed({
      v1: async (exchange) => {
        if (await exchange.whole) await exchange.send(ok('x'.repeat(CAP + 1)))
      },
      v2: (exchange) => (exchange.request.method === 'GET' ? undefined : answerOk(exchange)),
      route: { mirror: { ...MIRROR, methods: ['GET', 'POST'], concurrency: 1, timeoutMs: 2_000 } },
    })
    await stage.ask(get('/first'))
    await until('one mirror runs', () => stage.v2.requests.length === 1)
    await stage.ask(`${request('POST', '/second', ['Content-Length: 6'])}a body`)
    // The first ends, whichever way; then the second is sent whole.
    stage.v2.connections[0]?.socket.destroy()
    await until('the second came whole', () =>
      stage.v2.complete.some((one) => one.target === '/second' && one.body.toString() === 'a body'),
    )
    expect(value(stage.v2.complete[1] ?? (stage.v2.requests[0] as never), 'content-length')).toBe('6')
  })
})
