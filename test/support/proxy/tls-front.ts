/** Puts TLS in front of a plain recording backend: bytes and ends pass as they come. */
import { readFileSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import type { Certificates } from './certificates.ts'

export interface TlsFront {
  readonly port: number
  /** Server name each client asked for; false = none. */
  readonly names: (string | false | null)[]
  close(): Promise<void>
}

export async function tlsFront(to: number, { cert, key }: Certificates): Promise<TlsFront> {
  const names: (string | false | null)[] = []
  const sockets = new Set<net.Socket>()
  // A handshake that breaks off is given up at its timeout only.
  const options = { cert: readFileSync(cert), key: readFileSync(key), allowHalfOpen: true, handshakeTimeout: 500 }
  const server = tls.createServer(options, (front) => {
    names.push(front.servername)
    const back = net.connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
    for (const [one, other] of [
      [front, back],
      [back, front],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => sockets.delete(one))
      one.pipe(other)
    }
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    names,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}
