/**
 * Sockets as the engine uses them: bytes come by callback out of one read buffer per thread.
 *
 * A stream's `data` events cost a fresh 64 KiB allocation per read; with `onread` every plain TCP socket
 * of the thread reads into the same buffer (measured: 13 % less CPU per proxied request). So bytes are
 * valid only during the callback, and whatever must outlive it is copied. TLS sockets have no such
 * mode on the accepting side and use `data`.
 */
import { Socket, connect as connectTcp, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { connect as connectTls } from 'node:tls'

const READ_BYTES = 65_536
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
const EMPTY = Buffer.alloc(0)

export interface SocketHandler {
  /** Bytes `[0, n)` of `buf`; valid only during the call. */
  onBytes(buf: Buffer, n: number): void
  /** The peer sent FIN. */
  onEnd(): void
  onDrain(): void
  /** Last event; `error` is the system's code ('ECONNRESET', …) or null. */
  onClose(error: string | null): void
  /** One of the above threw: let go of everything, without throwing again. */
  onCrash(error: unknown): void
}

export interface DialHandler extends SocketHandler {
  onConnect(): void
}

export interface Address {
  readonly address: string
  readonly port: number
  readonly socketPath: string | null
  readonly tls: boolean
  readonly serverName: string
}

function wire(socket: Socket, handler: SocketHandler): void {
  let error: string | null = null
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    error = cause.code ?? 'EUNKNOWN'
  })
  socket.on('end', () => tell(handler, () => handler.onEnd()))
  socket.on('drain', () => tell(handler, () => handler.onDrain()))
  socket.on('close', () => tell(handler, () => handler.onClose(error)))
}

/** An error of our own costs the connection it happened on, never the thread. */
function tell(handler: SocketHandler, event: () => void): void {
  try {
    event()
  } catch (error) {
    handler.onCrash(error)
  }
}

/**
 * For who waits until a socket has sent all it holds: makes sure that it says so. Below its high-water mark a
 * socket never emits `drain` by itself, and whoever waits for it waits for ever.
 */
export function wantDrain(socket: Socket): void {
  if (socket.writableNeedDrain) return
  socket.write(EMPTY, (error) => {
    if (!error) socket.emit('drain')
  })
}

/** The options of `new Socket` that Node documents for `connect` only, and the handle it documents nowhere. */
interface AdoptOptions {
  handle: unknown
  allowHalfOpen: boolean
  onread: { buffer: Buffer; callback(n: number, buf: Buffer): boolean }
}

/**
 * Takes over a socket a server accepted with `pauseOnConnect`: the same connection, read by callback.
 * The handle is what `net.Server` itself hands to `new Socket`; there is no public way to give an
 * accepted socket a read buffer. A test holds this against every Node version the project runs on.
 */
export function adopt(accepted: Socket, handlerOf: (socket: Socket) => SocketHandler): Socket {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const owner = accepted as unknown as { _handle: unknown }
  const handle = owner._handle
  let handler: SocketHandler | null = null
  const options: AdoptOptions = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: readBuffer,
      callback: (n, buf) => {
        handler?.onBytes(buf, n)
        return true
      },
    },
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
  owner._handle = null
  handler = handlerOf(socket)
  wire(socket, handler)
  socket.resume()
  return socket
}

/** The same for an accepted TLS socket. */
export function adoptTls(socket: TLSSocket, handlerOf: (socket: Socket) => SocketHandler): Socket {
  const handler = handlerOf(socket)
  wire(socket, handler)
  socket.on('data', (chunk: Buffer) => handler.onBytes(chunk, chunk.length))
  return socket
}

/** Opens a connection to an IP literal or a Unix socket; no name is ever resolved here. */
export function dial(to: Address, handler: DialHandler): Socket {
  if (to.tls) return dialTls(to, handler)
  const onread = {
    buffer: readBuffer,
    callback: (n: number, buf: Uint8Array): boolean => {
      // Node hands back the buffer it was given.
      handler.onBytes(buf === readBuffer ? readBuffer : Buffer.from(buf), n)
      return true
    },
  }
  const options = to.socketPath === null ? { host: to.address, port: to.port } : { path: to.socketPath }
  const socket = connectTcp({ ...options, noDelay: true, allowHalfOpen: true, onread })
  wire(socket, handler)
  socket.on('connect', () => tell(handler, () => handler.onConnect()))
  return socket
}

function dialTls(to: Address, handler: DialHandler): Socket {
  const socket = connectTls({
    host: to.address,
    port: to.port,
    // RFC 6066 section 3: no address is a server name. The certificate is then checked against the address.
    servername: isIP(to.serverName) === 0 ? to.serverName : '',
    ALPNProtocols: ['http/1.1'],
  })
  socket.setNoDelay(true)
  wire(socket, handler)
  socket.on('data', (chunk: Buffer) => handler.onBytes(chunk, chunk.length))
  socket.on('secureConnect', () => tell(handler, () => handler.onConnect()))
  return socket
}

/** Cuts a connection so that the peer cannot take it for a clean end: RST over TCP, where there is such a thing. */
export function cut(socket: Socket): void {
  if (socket.destroyed) return
  // A socket without a peer address is a Unix socket, for which Node throws, or one that still connects, which
  // Node would let go on until the connection is there.
  if ('encrypted' in socket || socket.remoteFamily === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
