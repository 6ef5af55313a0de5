/** Sends one request vector through the engine in one delivery, and gathers all that was to be seen. */
import { answerOk, type RawBackend, type Script } from './backend.ts'
import { ask, get, RawClient } from './client.ts'
import type { TestEngine } from './engine.ts'
import type { Message } from './message.ts'
import type { RequestVector } from './vectors.ts'

export interface Seen {
  readonly vector: RequestVector
  /** Complete final answers. */
  readonly answers: readonly Message[]
  readonly interim: readonly Message[]
  /** How the gateway ended the connection within the time given; null = it stayed open. */
  readonly ended: 'fin' | 'rst' | null
  /** Requests the backend saw, complete ones only. */
  readonly upstream: readonly Message[]
  /** Whatever reached the backend, as text. */
  readonly upstreamText: string
  readonly accepted: boolean
}

/** The client's address: not 127.0.0.1, which some vectors claim to come from. */
export const CLIENT = '127.0.0.2'

/** Says 100 to whoever expects it, then answers. */
const script: Script = async (exchange) => {
  if (exchange.request.headers.some(([name]) => name.toLowerCase() === 'expect')) await exchange.send('HTTP/1.1 100 Continue\r\n\r\n')
  await answerOk(exchange)
}

/** Vectors whose connection must be closed after the last answer. */
const CLOSED_AFTER = new Set(['X29', 'B01', 'R33', 'B13'])

/** C27 is cut by its client; everything else stays open until the gateway closes it. */
const CUT_BY_CLIENT = new Set(['C27'])

export async function runRequest(engine: TestEngine, backend: RawBackend, vector: RequestVector, pieces: readonly Buffer[]): Promise<Seen> {
  backend.reset(script)
  engine.dials.clear()
  const methods = methodsOf(vector)
  const client = new RawClient({ port: engine.port, from: CLIENT, methods })
  try {
    await client.send(pieces)
    if (CUT_BY_CLIENT.has(vector.id)) client.fin()
    const accepted = await settle(client, vector, methods.length)
    if (client.reader.fault !== null) throw new Error(`the gateway's answer is no HTTP: ${client.describe()}`)
    await barrier(engine, backend)
    return {
      vector,
      answers: client.complete,
      interim: client.interim,
      ended: client.ended,
      upstream: backend.complete.filter((request) => request.target !== BARRIER),
      upstreamText: backend.text.split(`GET ${BARRIER}`)[0] ?? '',
      accepted,
    }
  } finally {
    client.close()
    await barrier(engine, backend)
  }
}

const BARRIER = '/barrier'

/**
 * A request of another client. Once it is answered, whatever the engine wrote to a backend before has
 * arrived there too (one process, loopback), and the engine is known to be alive.
 */
async function barrier(engine: TestEngine, backend: RawBackend): Promise<void> {
  const answer = await ask(engine.port, get(BARRIER))
  if (answer.status !== 200) throw new Error(`barrier answered ${answer.status}`)
  const { faults } = backend
  if (faults.length > 0) {
    // A faulty connection must not be charged to the next vector too.
    await backend.disconnect()
    backend.reset()
    throw new Error(`what the engine wrote to the backend is no HTTP: ${faults.join('; ')}`)
  }
}

function methodsOf(vector: RequestVector): string[] {
  return [...vector.bytes.toString('latin1').matchAll(/(?:^|\r\n\r\n)([A-Z]+) [^ ]+ HTTP\/1\.\d\r\n/g)].map((match) => match[1] ?? 'GET')
}

/** Waits for what the verdict calls for; returns whether the request was taken. */
async function settle(client: RawClient, vector: RequestVector, requests: number): Promise<boolean> {
  if (vector.verdict === 'reject') {
    await client.end()
    return false
  }
  if (vector.verdict === 'either') {
    const first = await client.answer().catch((error: unknown) => {
      if (client.ended === null) throw error
      return null
    })
    if (first === null || first.status >= 400) {
      await client.end()
      return false
    }
  }
  // In an accepted vector every well-formed head outside a body is a request; bodies hold the rest.
  await client.answer(Math.min(vector.maxUpstreamRequests, vector.verdict === 'either' ? 1 : requests))
  if (CLOSED_AFTER.has(vector.id)) await client.end()
  return true
}
