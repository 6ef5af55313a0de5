/** Has the raw backend answer with one response vector in one delivery, and gathers what the client saw. */
import { answerOk, reset, type RawBackend } from './backend.ts'
import { RawClient } from './client.ts'
import type { TestEngine } from './engine.ts'
import type { Message } from './message.ts'
import { until } from './until.ts'
import type { ResponseVector } from './vectors.ts'

export interface SeenAnswer {
  readonly vector: ResponseVector
  /** The final answer, complete or cut; null when none began. */
  readonly answer: Message | null
  readonly interim: readonly Message[]
  /** How the gateway ended the connection, null while it had not when the answer was complete. */
  readonly ended: 'fin' | 'rst' | null
  /** Everything the client received. */
  readonly text: string
  /** How often the backend was asked. */
  readonly asked: number
  /** Whether the next request went over the connection that gave this answer. */
  readonly reused: boolean
}

export async function runResponse(
  engine: TestEngine,
  backend: RawBackend,
  vector: ResponseVector,
  pieces: readonly Buffer[],
): Promise<SeenAnswer> {
  // Each vector on a fresh upstream connection: what it asks about is one answer, not the pool.
  await backend.disconnect()
  let used = -1
  backend.reset(async (exchange) => {
    used = exchange.connection.id
    if (!(await exchange.whole)) return
    await exchange.send(pieces)
    if (vector.then === 'close') exchange.fin()
    if (vector.then === 'rst') await reset(exchange)
  })
  const client = new RawClient({ port: engine.port, methods: [vector.method] })
  try {
    await client.send(`${vector.method} /v HTTP/1.1\r\nHost: a\r\n\r\n`)
    await until(
      () => `an answer or a cut; have ${client.describe()}`,
      () => client.complete.length > 0 || client.ended !== null || client.reader.fault !== null,
    )
    if (client.reader.fault !== null) throw new Error(`what the gateway answered is no HTTP: ${client.describe()}`)
    const asked = backend.requests.length
    const reused = await nextUses(engine, backend, used)
    if (client.answers.length > 1) throw new Error(`more than one answer: ${client.describe()}`)
    return { vector, answer: client.answers[0] ?? null, interim: client.interim, ended: client.ended, text: client.text, asked, reused }
  } finally {
    client.close()
  }
}

/** Whether a second request travels over this connection. */
async function nextUses(engine: TestEngine, backend: RawBackend, id: number): Promise<boolean> {
  let used = -1
  backend.script = async (exchange) => {
    used = exchange.connection.id
    await answerOk(exchange)
  }
  const client = new RawClient({ port: engine.port })
  try {
    await client.send('GET /next HTTP/1.1\r\nHost: a\r\n\r\n')
    const answer = await client.answer()
    if (answer.status !== 200 || answer.body.toString() !== '/next') throw new Error(`the request after it got ${client.describe()}`)
    return used === id
  } finally {
    client.close()
  }
}
