/** An engine in front of one raw backend for a whole test file, and what each test must leave behind: nothing. */
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { RawBackend, type BackendOptions, type Script } from './backend.ts'
import { RawClient, type ClientOptions } from './client.ts'
import { startEngine, type StartOptions, type TestEngine } from './engine.ts'
import type { Message } from './message.ts'

export class Fixture {
  readonly backend: RawBackend
  #engine: TestEngine | null = null
  readonly #clients: RawClient[] = []

  constructor(backend: RawBackend) {
    this.backend = backend
  }

  get engine(): TestEngine {
    if (this.#engine === null) throw new Error('the engine starts in beforeAll')
    return this.#engine
  }

  get port(): number {
    return this.engine.port
  }

  async start(options: Omit<StartOptions, 'v1'>): Promise<void> {
    this.#engine = await startEngine({ v1: await this.backend.listen(), ...options })
  }

  async stop(): Promise<void> {
    await this.#engine?.close()
    await this.backend.close()
  }

  /** A client that is closed when the test is over. */
  client(options: Partial<ClientOptions> = {}): RawClient {
    const client = new RawClient({ port: this.port, ...options })
    this.#clients.push(client)
    return client
  }

  /** One request on a connection of its own, answered by `script` when given: what the backend saw, what came back. */
  async exchange(bytes: string, script?: Script, options: Partial<ClientOptions> = {}): Promise<{ request: Message; answer: Message }> {
    this.backend.reset(script)
    const client = this.client({ methods: [bytes.slice(0, bytes.indexOf(' '))], ...options })
    await client.send(bytes)
    const answer = await client.answer()
    const [request] = this.backend.requests
    if (request === undefined) throw new Error(`the backend was not asked: ${client.describe()}`)
    client.close()
    return { request, answer }
  }

  /** One request that must be refused: the answer, the end of the connection, and nothing at the backend. */
  async refusal(bytes: string | Buffer, options: Partial<ClientOptions> = {}): Promise<{ answer: Message; ended: 'fin' | 'rst' }> {
    this.backend.reset()
    const client = this.client(options)
    await client.send(bytes)
    const ended = await client.end()
    const [answer] = client.complete
    if (answer === undefined) throw new Error(`closed without an answer: ${client.describe()}`)
    expect(this.backend.requests.map((request) => request.start)).toEqual([])
    return { answer, ended }
  }

  async cleanUp(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close()
    const { faults } = this.backend
    if (faults.length > 0) await this.backend.disconnect()
    this.backend.reset()
    expect(faults, 'what the engine wrote to the backend is no HTTP').toEqual([])
  }
}

export function useGateway(options: Omit<StartOptions, 'v1'> = {}, backend: BackendOptions = {}): Fixture {
  const fixture = new Fixture(new RawBackend(backend))
  beforeAll(() => fixture.start(options))
  afterEach(() => fixture.cleanUp())
  afterAll(() => fixture.stop())
  return fixture
}

/** The body of a problem+json answer. */
export function problem(answer: Message): { readonly status?: number; readonly code?: string; readonly title?: string } {
  return JSON.parse(answer.body.toString()) as { status?: number; code?: string; title?: string }
}
