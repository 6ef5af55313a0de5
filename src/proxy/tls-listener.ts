/**
 * The TLS side of the listener: certificates read again when their files change, session tickets that every
 * thread and replica can read.
 *
 * The ticket key is derived from the private key: threads share it without talking, and it goes when the
 * key goes.
 */
import { hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'

const TICKET_KEY_BYTES = 48
/** Rotated certificates are in use this soon; a stat per file is all it costs. */
const LOOK_MS = 10_000
/** As long as a request head has by default; Node would wait two minutes, and for those who left too. */
const HANDSHAKE_MS = 10_000

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

/** `onError`: a changed file that cannot be used; the last good pair stays. The server's `close` ends the looking. */
export function createTlsListener(files: TlsFiles, onSocket: (socket: TLSSocket) => void, onError: (error: unknown) => void): Server {
  let pair = read(files)
  const server = createServer({
    ...pair,
    ALPNProtocols: ['http/1.1'],
    noDelay: true,
    allowHalfOpen: true,
    handshakeTimeout: HANDSHAKE_MS,
    ticketKeys: ticketKeys(pair.key),
  })
  server.on('secureConnection', onSocket)
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  const looking = setInterval(() => {
    try {
      const now = read(files)
      if (now.cert.equals(pair.cert) && now.key.equals(pair.key)) return
      server.setSecureContext(now)
      server.setTicketKeys(ticketKeys(now.key))
      pair = now
    } catch (error) {
      onError(error)
    }
  }, LOOK_MS)
  looking.unref()
  server.once('close', () => clearInterval(looking))
  return server
}

function read({ cert, key }: TlsFiles): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) }
}

function ticketKeys(key: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', 'banyan session tickets', TICKET_KEY_BYTES))
}
