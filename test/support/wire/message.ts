/** One HTTP/1.1 message as the tests' own reader saw it, and questions one asks of it. */

export type HeaderLine = readonly [name: string, value: string]

export interface Message {
  /** First line as it came, without CRLF (latin1). */
  readonly start: string
  readonly method: string
  readonly target: string
  /** `1.0`, `1.1` */
  readonly version: string
  /** 0 for a request. */
  readonly status: number
  readonly headers: HeaderLine[]
  readonly trailers: HeaderLine[]
  framing: 'none' | 'length' | 'chunked' | 'close'
  /** Declared Content-Length, −1 without one. */
  declared: number
  /** Body bytes so far; the bytes themselves are in `body` once complete (empty when not kept). */
  received: number
  body: Buffer
  chunks: number
  complete: boolean
}

/** Every value of a header, in order. */
export function values(message: Message, name: string): string[] {
  return valuesIn(message.headers, name)
}

export function valuesIn(lines: readonly HeaderLine[], name: string): string[] {
  return lines.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
}

/** The value of a header that must occur exactly once; null when absent. */
export function value(message: Message, name: string): string | null {
  const all = values(message, name)
  if (all.length > 1) throw new Error(`${name} occurs ${all.length} times: ${all.join(' | ')}`)
  return all[0] ?? null
}

export function has(message: Message, name: string): boolean {
  return values(message, name).length > 0
}

/** Header names that are list members of `Connection`, lower-case. */
export function connectionTokens(message: Message): string[] {
  return values(message, 'connection')
    .flatMap((line) => line.split(','))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '')
}

/** A short text for failure messages. */
export function sketch(message: Message): string {
  const lines = message.headers.map(([name, value]) => `${name}: ${value}`.slice(0, 80))
  const end = message.complete ? 'complete' : 'INCOMPLETE'
  return `[${message.start.slice(0, 120)} | ${lines.slice(0, 12).join(' | ')} | ${message.framing} ${message.received} bytes, ${end}]`
}
