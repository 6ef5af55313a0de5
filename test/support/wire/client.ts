/**
 * A raw client: writes exactly the bytes it is given, reads answers with the tests' own strict reader, and
 * knows how the connection ended (FIN or RST).
 */
import net from 'node:net'
import { writeAll } from './backend.ts'
import { sketch, type Message } from './message.ts'
import { MessageReader } from './reader.ts'
import { until } from './until.ts'

export interface ClientOptions {
  readonly port: number
  readonly host?: string
  /** Source address: 127.0.0.2 stands for a client that is not 127.0.0.1. */
  readonly from?: string
  /** Methods of the requests to come, so that answers to HEAD are read right. */
  readonly methods?: readonly string[]
  readonly keepBody?: boolean
  onBody?(chunk: Buffer): void
}

export class RawClient {
  readonly socket: net.Socket
  readonly reader: MessageReader
  readonly raw: Buffer[] = []
  received = 0
  /** How the gateway ended the connection; null while it has not. */
  ended: 'fin' | 'rst' | null = null
  readonly #ready: Promise<void>

  constructor(options: ClientOptions) {
    this.reader = new MessageReader({
      role: 'response',
      canonical: true,
      keepBody: options.keepBody ?? true,
      methodOf: (index) => options.methods?.[index] ?? 'GET',
      onBody: (chunk) => options.onBody?.(chunk),
    })
    this.socket = net.connect({
      host: options.host ?? '127.0.0.1',
      port: options.port,
      allowHalfOpen: true,
      noDelay: true,
      ...(options.from === undefined ? {} : { localAddress: options.from }),
    })
    this.#ready = new Promise((resolve, reject) => {
      this.socket.once('connect', resolve)
      this.socket.once('error', reject)
    })
    this.socket.on('data', (chunk) => {
      if (options.keepBody !== false) this.raw.push(chunk)
      this.received += chunk.length
      this.reader.push(chunk)
    })
    this.socket.on('end', () => this.#over('fin'))
    this.socket.on('error', () => this.#over('rst'))
    this.socket.on('close', () => this.#over('rst'))
  }

  get answers(): Message[] {
    return this.reader.messages
  }

  get complete(): Message[] {
    return this.reader.messages.filter((message) => message.complete)
  }

  get interim(): Message[] {
    return this.reader.interim
  }

  get text(): string {
    return Buffer.concat(this.raw).toString('latin1')
  }

  async connected(): Promise<this> {
    await this.#ready
    return this
  }

  /** Sends bytes or pieces; stops quietly when the gateway has ended the connection. */
  async send(bytes: string | Buffer | readonly Buffer[]): Promise<void> {
    await this.#ready
    await writeAll(this.socket, bytes)
  }

  /** Half-close. */
  fin(): void {
    this.socket.end()
  }

  rst(): void {
    this.socket.resetAndDestroy()
  }

  /** Waits for `count` complete final answers and returns the last of them. */
  async answer(count = 1, deadlineMs = 5_000): Promise<Message> {
    await until(
      () => `${count} complete answers; have ${this.describe()}`,
      () => this.complete.length >= count || this.ended !== null || this.reader.fault !== null,
      deadlineMs,
    )
    const last = this.complete[count - 1]
    if (last === undefined || this.reader.fault !== null) throw new Error(`wanted ${count} complete answers; have ${this.describe()}`)
    return last
  }

  async end(deadlineMs = 5_000): Promise<'fin' | 'rst'> {
    await until(
      () => `connection ended by the gateway; have ${this.describe()}`,
      () => this.ended !== null,
      deadlineMs,
    )
    return this.ended ?? 'rst'
  }

  describe(): string {
    const all = [...this.interim, ...this.answers].map(sketch).join(' ')
    const raw = this.answers.length === 0 && this.received > 0 ? ` raw ${JSON.stringify(this.text.slice(0, 200))}` : ''
    return `${all === '' ? 'no answer' : all}${raw}, ended ${this.ended ?? 'not'}${this.reader.fault === null ? '' : `, FAULT ${this.reader.fault}`}`
  }

  close(): void {
    this.socket.destroy()
  }

  #over(how: 'fin' | 'rst'): void {
    if (this.ended !== null) return
    this.ended = how
    this.reader.end(how)
    if (how === 'fin') this.socket.end()
  }
}

/** One request on a connection of its own: sent, answered, closed. */
export async function ask(port: number, bytes: string, options: Partial<ClientOptions> = {}): Promise<Message> {
  const client = new RawClient({ port, methods: [bytes.slice(0, bytes.indexOf(' '))], ...options })
  try {
    await client.send(bytes)
    return await client.answer()
  } finally {
    client.close()
  }
}

/** A GET with these header lines. */
export function get(target: string, ...headers: string[]): string {
  return request('GET', target, headers)
}

/** A POST of this body with Content-Length. */
export function post(target: string, body: string, ...headers: string[]): string {
  return `${request('POST', target, [...headers, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`])}${body}`
}

export function request(method: string, target: string, headers: readonly string[] = []): string {
  return `${method} ${target} HTTP/1.1\r\nHost: a\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
}
