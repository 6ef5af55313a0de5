/**
 * A backend's answer to an upgrade that is no 101, on its way to the client.
 *
 * http-proxy-3 would relay it too, but frames a 204 in chunks and ends a broken-off answer like a complete one.
 * So this relays it by our rules: hop-by-hop lines removed, framed anew, complete or visibly cut. It is the last
 * answer on its connection.
 */
import type { IncomingMessage } from 'node:http'
import { OUTCOME_RESET, outcomeOfStatus } from '../core/model/observation.ts'
import type { TunnelSocket } from './tunnel-socket.ts'

/** A line the gateway adds; one the backend sent itself is replaced, or kept where it has the say. */
export interface AddedLine {
  readonly name: string
  readonly value: string
  readonly onto: 'replace' | 'keep' | 'append'
}

/** What the relay needs of the tunnel that did not come about. */
export interface Answered {
  readonly stream: TunnelSocket
  readonly added: readonly AddedLine[]
  readonly endpoint: { readonly tls: boolean }
  record(outcome: number): void
  cut(outcome: number): void
}

const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

type Framing = 'none' | 'length' | 'chunked' | 'close'

export function relayAnswer(answer: IncomingMessage, tunnel: Answered): void {
  const { stream } = tunnel
  const status = answer.statusCode ?? 502
  const framing = framingOf(answer, status, tunnel.endpoint.tls)
  stream.write(headOf(answer, status, framing, tunnel.added))
  stream.on('drain', () => answer.resume())
  answer.on('data', (chunk: Buffer) => {
    if (framing === 'chunked') stream.write(`${chunk.length.toString(16)}\r\n`)
    const taken = stream.write(chunk)
    if (framing === 'chunked') stream.write('\r\n')
    if (!taken) answer.pause()
  })
  answer.on('end', () => {
    if (!answer.complete) return
    tunnel.record(outcomeOfStatus(status))
    stream.end(framing === 'chunked' ? '0\r\n\r\n' : '')
  })
  answer.on('error', () => tunnel.cut(OUTCOME_RESET))
  answer.on('close', () => {
    if (!answer.complete) tunnel.cut(OUTCOME_RESET)
  })
}

/** Over TLS an end cannot be told from a cut, so what came close-delimited goes close-delimited. */
function framingOf({ headers }: IncomingMessage, status: number, tls: boolean): Framing {
  if (status === 204 || status === 304) return 'none'
  if (headers['content-length'] !== undefined) return 'length'
  return tls && headers['transfer-encoding'] === undefined ? 'close' : 'chunked'
}

function headOf(answer: IncomingMessage, status: number, framing: Framing, added: readonly AddedLine[]): string {
  const nominated = (answer.headers.connection ?? '').toLowerCase().split(',')
  const dropped = new Set([...HOP_BY_HOP, ...nominated.map((name) => name.trim())])
  for (const { name, onto } of added) if (onto === 'replace') dropped.add(name.toLowerCase())
  let lines = `HTTP/1.1 ${status} ${answer.statusMessage ?? ''}\r\n`
  const { rawHeaders } = answer
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (!dropped.has(name.toLowerCase())) lines += `${name}: ${rawHeaders[i + 1] ?? ''}\r\n`
  }
  for (const { name, value, onto } of added) {
    if (onto !== 'keep' || answer.headers[name.toLowerCase()] === undefined) lines += `${name}: ${value}\r\n`
  }
  if (framing === 'length') lines += `Content-Length: ${Number(answer.headers['content-length'])}\r\n`
  if (framing === 'chunked') lines += 'Transfer-Encoding: chunked\r\n'
  return `${lines}Connection: close\r\n\r\n`
}
