/** WebSockets as the world speaks them: the `ws` package at both ends. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'

export interface EchoBackend {
  readonly port: number
  readonly name: string
  /** Requests that were upgraded. */
  readonly requests: IncomingMessage[]
  readonly sockets: Set<WebSocket>
  close(): Promise<void>
}

/** Greets with its name and echoes every message; `name: what` for text. */
export async function echoBackend(name: string, onSocket?: (socket: WebSocket) => void): Promise<EchoBackend> {
  const server = createServer({ maxHeaderSize: 65_536 })
  const sockets = new Set<WebSocket>()
  const requests: IncomingMessage[] = []
  const raw = new Set<Duplex>()
  const wss = new WebSocketServer({ noServer: true, maxPayload: 64 * 1_048_576 })
  server.on('upgrade', (request, socket, head) => {
    raw.add(socket)
    requests.push(request)
    wss.handleUpgrade(request, socket, head, (peer) => {
      sockets.add(peer)
      peer.on('close', () => sockets.delete(peer))
      peer.on('error', () => undefined)
      if (onSocket === undefined) {
        peer.on('message', (data, binary) => peer.send(binary ? data : `${name}: ${(data as Buffer).toString()}`))
        peer.send(`hello from ${name}`)
      } else onSocket(peer)
    })
  })
  const port = await listen(server)
  return {
    port,
    name,
    requests,
    sockets,
    close: async () => {
      for (const peer of sockets) peer.terminate()
      for (const socket of raw) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A client that notes everything it is told. */
export class Talker {
  readonly socket: WebSocket
  readonly messages: (string | Buffer)[] = []
  /** Status of an answer that was no 101; 0 = none. */
  status = 0
  body = ''
  headers: IncomingMessage['headers'] = {}
  closed = false
  code = 0
  error = ''
  open = false

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, { headers, perMessageDeflate: false, maxPayload: 64 * 1_048_576 })
    this.socket.binaryType = 'nodebuffer'
    this.socket.on('upgrade', (answer) => (this.headers = answer.headers))
    this.socket.on('open', () => (this.open = true))
    this.socket.on('message', (data, binary) => this.messages.push(binary ? (data as Buffer) : (data as Buffer).toString()))
    this.socket.on('error', (error) => (this.error = error.message))
    this.socket.on('close', (code) => {
      this.closed = true
      this.code = code
    })
    this.socket.on('unexpected-response', (_request, answer) => {
      this.status = answer.statusCode ?? 0
      this.headers = answer.headers
      answer.on('data', (chunk: Buffer) => (this.body += chunk.toString()))
      answer.on('error', () => undefined)
      answer.on('close', () => (this.closed = true))
    })
  }

  send(data: string | Buffer): this {
    this.socket.send(data)
    return this
  }

  leave(): void {
    this.socket.terminate()
  }
}

/** The head of an upgrade, for a raw socket. */
export function upgradeHead(target: string, ...lines: string[]): string {
  return [
    `GET ${target} HTTP/1.1`,
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
    '',
    '',
  ].join('\r\n')
}
