/** What bytes mean by the tests' own reader, and what of it a backend must be told. */
import type { HeaderLine, Message } from './message.ts'
import { connectionTokens } from './message.ts'
import { MessageReader } from './reader.ts'
import { meantTarget } from './rules.ts'

/** The requests these bytes stand for: whole ones only, up to the first fault or `Connection: close`. */
export function meantRequests(bytes: Buffer): Message[] {
  const reader = new MessageReader({ role: 'request', canonical: false })
  reader.push(bytes)
  const whole = reader.messages.filter((message) => message.complete)
  const last = whole.findIndex((message) => connectionTokens(message).includes('close') || message.version === '1.0')
  return last < 0 ? whole : whole.slice(0, last + 1)
}

/** Fields that end at the gateway, are written anew by it, or are none of the client's business. */
const NOT_COMPARED =
  /^(?:connection|keep-alive|proxy-connection|proxy-authenticate|proxy-authorization|te|trailer|transfer-encoding|upgrade|http2-settings|content-length|host|x-forwarded-(?:for|proto|host|port)|x-real-ip|forwarded|x-request-id|traceparent|x-banyan-.*|max-forwards|expect|date)$/

function compared(name: string): boolean {
  return !NOT_COMPARED.test(name.toLowerCase().replaceAll('_', '-'))
}

/** Lines a backend must see just so, in this order. */
function endToEnd(message: Message): HeaderLine[] {
  const nominated = connectionTokens(message)
  return comparable(message.headers).filter(([name]) => !nominated.includes(name.toLowerCase()))
}

export function comparable(lines: readonly HeaderLine[]): HeaderLine[] {
  return lines.filter(([name]) => compared(name)).map(([name, value]) => [name, value.trim()])
}

const TRAILER_NOT_COMPARED = /^(?:authorization|cookie|set-cookie|content-.*|cache-control|range|if-.*)$/

export function comparableTrailers(lines: readonly HeaderLine[]): HeaderLine[] {
  return comparable(lines).filter(([name]) => !TRAILER_NOT_COMPARED.test(name.toLowerCase()))
}

export interface Wanted {
  readonly method: string
  readonly target: string
  readonly host: string | null
  readonly headers: readonly HeaderLine[]
  readonly trailers: readonly HeaderLine[]
  readonly body: string
}

export function wantedUpstream(message: Message): Wanted {
  const { target, host } = meantTarget(message)
  return {
    method: message.method,
    target,
    host,
    headers: endToEnd(message),
    trailers: comparableTrailers(message.trailers),
    body: message.body.toString('latin1'),
  }
}
