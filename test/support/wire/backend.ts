/**
 * A raw recording backend: keeps every byte, reads requests with the tests' own strict reader, and answers
 * exactly the bytes a script tells it to, cut where the script wants them cut.
 *
 * A script is an async function per request, called when its head is complete. It never throws because the
 * engine closed a connection: writes to a dead socket end silently, `whole` resolves to false.
 */
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Message } from './message.ts'
import { MessageReader } from './reader.ts'
import { turnOfLoop, until } from './until.ts'

const KEEP_RAW = 1_048_576

export interface BackendConnection {
  readonly id: number
  readonly socket: net.Socket
  readonly reader: MessageReader
  /** Everything received, up to 1 MiB. */
  readonly raw: Buffer[]
  received: number
  /** How the engine ended it; null while it is open. */
  ended: 'fin' | 'rst' | null
}

export interface Exchange {
  readonly request: Message
  readonly connection: BackendConnection
  /** Index of the request over all connections, in order of heads. */
  readonly index: number
  /** True when the request came completely, false when it was cut. */
  readonly whole: Promise<boolean>
  send(bytes: string | Buffer | readonly Buffer[]): Promise<void>
  fin(): void
  rst(): void
}

export type Script = (exchange: Exchange) => Promise<void> | void

export interface BackendOptions {
  /** False: bodies are counted, not kept. */
  readonly keepBody?: boolean
  onBody?(chunk: Buffer, message: Message): void
}

export class RawBackend {
  /** All requests whose head was read, complete or not, in order of their heads. */
  requests: Message[] = []
  connections: BackendConnection[] = []
  script: Script = answerOk
  readonly #server: net.Server
  readonly #options: BackendOptions
  #ids = 0

  constructor(options: BackendOptions = {}) {
    this.#options = options
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
  }

  async listen(host = '127.0.0.1', port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port }, resolve)
    })
    return this.port
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get complete(): Message[] {
    return this.requests.filter((request) => request.complete)
  }

  get open(): BackendConnection[] {
    return this.connections.filter((connection) => !connection.socket.destroyed)
  }

  /** Faults of what the engine sent: it must never send anything the strict reader refuses. */
  get faults(): string[] {
    return this.connections.flatMap((connection) => (connection.reader.fault === null ? [] : [connection.reader.fault]))
  }

  /** Everything the engine sent on all connections, as text. */
  get text(): string {
    return this.connections.map((connection) => Buffer.concat(connection.raw).toString('latin1')).join('')
  }

  /** Forgets what was recorded and answers by `script` from now on; open connections stay and keep answering. */
  reset(script: Script = answerOk): void {
    this.requests = []
    this.connections = this.open
    for (const connection of this.connections) connection.raw.length = 0
    this.script = script
  }

  /** Cuts every open connection, so that the next request arrives on a fresh one. */
  async disconnect(): Promise<void> {
    for (const connection of this.open) connection.socket.destroy()
    await until('backend connections gone', () => this.open.length === 0)
    // The engine sees the FINs in the turns after; without this the next test might race its pool.
    for (let i = 0; i < 5; i++) await turnOfLoop()
  }

  async close(): Promise<void> {
    for (const connection of this.open) connection.socket.destroy()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  #accept(socket: net.Socket): void {
    const last: { settle(whole: boolean): void; message: Message | null } = { settle: () => undefined, message: null }
    const connection: BackendConnection = {
      id: this.#ids++,
      socket,
      raw: [],
      received: 0,
      ended: null,
      reader: new MessageReader({
        role: 'request',
        canonical: true,
        keepBody: this.#options.keepBody ?? true,
        onBody: (chunk, message) => this.#options.onBody?.(chunk, message),
        onHead: (message) => {
          const whole = new Promise<boolean>((resolve) => {
            last.settle = resolve
          })
          last.message = message
          this.#run(message, connection, whole)
        },
        onMessage: () => last.settle(true),
      }),
    }
    this.connections.push(connection)
    socket.on('data', (chunk) => {
      if (connection.received < KEEP_RAW) connection.raw.push(Buffer.from(chunk))
      connection.received += chunk.length
      connection.reader.push(chunk)
    })
    const over = (how: 'fin' | 'rst'): void => {
      connection.ended ??= how
      connection.reader.end(how)
      last.settle(false)
    }
    socket.on('end', () => {
      const between = connection.reader.idle || last.message?.complete === false
      over('fin')
      // The engine gave the connection up: so do we, unless a script may still be answering a whole request.
      if (between) socket.end()
    })
    socket.on('error', () => over('rst'))
    socket.on('close', () => over('rst'))
  }

  #run(request: Message, connection: BackendConnection, whole: Promise<boolean>): void {
    const { socket } = connection
    const index = this.requests.push(request) - 1
    const exchange: Exchange = {
      request,
      connection,
      index,
      whole,
      send: (bytes) => writeAll(socket, bytes),
      fin: () => void socket.end(),
      rst: () => void socket.resetAndDestroy(),
    }
    void Promise.resolve(this.script(exchange)).catch((error: unknown) => {
      connection.reader.fault ??= `script failed: ${String(error)}`
      socket.destroy()
    })
  }
}

/** Writes bytes, or pieces with a turn of the loop between them, honouring back-pressure; ends early when the peer is gone. */
export async function writeAll(socket: net.Socket, bytes: string | Buffer | readonly Buffer[]): Promise<void> {
  const pieces = typeof bytes === 'string' ? [Buffer.from(bytes, 'latin1')] : Buffer.isBuffer(bytes) ? [bytes] : bytes
  for (const [index, piece] of pieces.entries()) {
    if (socket.destroyed || socket.writableEnded) return
    if (!socket.write(piece)) await drained(socket)
    if (index < pieces.length - 1) await turnOfLoop()
  }
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}

/** The standard script: wait for the whole request, answer 200 with its target as the body. */
export async function answerOk(exchange: Exchange): Promise<void> {
  if (!(await exchange.whole)) return
  const { method, target } = exchange.request
  const body = method === 'HEAD' ? '' : target
  await exchange.send(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${body}`)
}

/** A script that answers these bytes once the request is whole, then ends the connection as told. */
export function answerBytes(bytes: string | Buffer | readonly Buffer[], then: 'keep' | 'close' | 'rst' = 'keep'): Script {
  return async (exchange) => {
    if (!(await exchange.whole)) return
    await exchange.send(bytes)
    if (then === 'close') exchange.fin()
    if (then === 'rst') await reset(exchange)
  }
}

/** RST after the bytes: only once the kernel has them, or they would be thrown away with the connection. */
export async function reset(exchange: Exchange): Promise<void> {
  const { socket } = exchange.connection
  await until('bytes handed to the kernel', () => socket.writableLength === 0 || socket.destroyed)
  for (let i = 0; i < 3; i++) await turnOfLoop()
  exchange.rst()
}

/** A plain 200 with this body. */
export function ok(body: string, ...headers: string[]): string {
  return `HTTP/1.1 200 OK\r\n${headers.map((line) => `${line}\r\n`).join('')}Content-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`
}
