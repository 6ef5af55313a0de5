/**
 * A strict little HTTP/1.1 reader, written for the tests alone and sharing nothing with the engine.
 *
 * `canonical` is for what the engine writes: one framing, lower-case `chunked`, no chunk extensions, no
 * repairs. Without it the reader reads what a client sent by the letter of the request rules. The first
 * fault stops it for good (`fault`): nothing after an ambiguity can be trusted to be a message.
 */
import type { HeaderLine, Message } from './message.ts'
import { chunkSize, framingOf, parseFieldLine, requestFault } from './rules.ts'

export interface ReaderOptions {
  readonly role: 'request' | 'response'
  readonly canonical: boolean
  /** Method of the request an answer belongs to, by its index (final answers only). */
  methodOf?(index: number): string
  /** False: bodies are counted, not kept. */
  readonly keepBody?: boolean
  onHead?(message: Message): void
  onBody?(chunk: Buffer, message: Message): void
  onMessage?(message: Message): void
}

type State = 'start' | 'headers' | 'size' | 'data' | 'data-end' | 'trailers' | 'until-close' | 'tunnel' | 'stopped'

export class MessageReader {
  /** Final messages in order; the last may be incomplete. */
  readonly messages: Message[] = []
  /** 1xx answers. */
  readonly interim: Message[] = []
  fault: string | null = null
  /** Bytes after a 101. */
  tunnel = Buffer.alloc(0)
  #state: State = 'start'
  #line = ''
  #left = 0
  #lines: HeaderLine[] = []
  #start = ''
  #current: Message | null = null
  #body: Buffer[] = []
  #skipped = false
  #tunnelNext = false
  readonly #options: ReaderOptions

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** True between messages: nothing of a further message has been seen. */
  get idle(): boolean {
    return this.#state === 'start' && this.#line === ''
  }

  /** True when everything that came is whole messages, without a fault. */
  get clean(): boolean {
    return this.fault === null && this.idle
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && this.#state !== 'stopped') {
      if (this.#state === 'data' || this.#state === 'until-close') at += this.#take(chunk.subarray(at))
      else if (this.#state === 'tunnel') {
        this.tunnel = Buffer.concat([this.tunnel, chunk.subarray(at)])
        return
      } else {
        const lf = chunk.indexOf(10, at)
        const end = lf < 0 ? chunk.length : lf + 1
        this.#line += chunk.toString('latin1', at, end)
        at = end
        if (lf >= 0) this.#lineEnd()
        else if (this.#line.length > 1_048_576) this.#stop('a line above 1 MiB')
      }
    }
  }

  /** From here on everything is raw bytes: for whoever answers 101. */
  openTunnel(): void {
    this.#tunnelNext = true
    if (this.#state === 'start') this.#state = 'tunnel'
  }

  /** The connection ended: completes a close-delimited answer, on FIN only. */
  end(how: 'fin' | 'rst'): void {
    if (this.#state === 'until-close' && how === 'fin') this.#finish()
    else if (this.#state !== 'tunnel' && !this.idle) this.#state = 'stopped'
  }

  #lineEnd(): void {
    const line = this.#line.slice(0, -2)
    const bad = this.#line.at(-2) !== '\r' ? 'bare LF' : line.includes('\r') ? 'bare CR' : line.includes('\0') ? 'NUL' : null
    this.#line = ''
    if (bad !== null) this.#stop(`${bad} in ${this.#state}: ${JSON.stringify(line.slice(0, 60))}`)
    else if (this.#state === 'start') this.#startLine(line)
    else if (this.#state === 'size') this.#size(line)
    else if (this.#state === 'data-end') this.#dataEnd(line)
    else this.#field(line)
  }

  #startLine(line: string): void {
    if (line === '' && this.#options.role === 'request' && !this.#options.canonical && !this.#skipped) {
      this.#skipped = true
      return
    }
    this.#start = line
    this.#lines = []
    this.#state = 'headers'
    const good = this.#options.role === 'request' ? /^[^ ]+ [^ ]+ HTTP\/\d\.\d$/ : /^HTTP\/1\.1 [1-9]\d\d [\t\x20-\x7e\x80-\xff]*$/
    if (!good.test(line)) this.#stop(`first line ${JSON.stringify(line.slice(0, 60))}`)
  }

  #field(line: string): void {
    if (line === '') {
      if (this.#state === 'headers') this.#head()
      else this.#finish()
      return
    }
    const parsed = parseFieldLine(line)
    if (typeof parsed === 'string') this.#stop(parsed)
    else if (this.#state === 'headers') this.#lines.push(parsed)
    else this.#current?.trailers.push(parsed)
  }

  #head(): void {
    const parts = this.#start.split(' ')
    const request = this.#options.role === 'request'
    const message: Message = {
      start: this.#start,
      method: request ? (parts[0] ?? '') : (this.#options.methodOf?.(this.messages.length) ?? 'GET'),
      target: request ? (parts[1] ?? '') : '',
      version: (request ? (parts[2] ?? '') : (parts[0] ?? '')).slice(5),
      status: request ? 0 : Number(parts[1]),
      headers: this.#lines,
      trailers: [],
      framing: 'none',
      declared: -1,
      received: 0,
      body: Buffer.alloc(0),
      chunks: 0,
      complete: false,
    }
    const framing = framingOf(message.headers, this.#options.canonical)
    const fault = request ? requestFault(message, this.#options.canonical) : null
    const tooOld = framing.chunked && message.version === '1.0' ? 'Transfer-Encoding in HTTP/1.0' : null
    const wrong = framing.fault ?? fault ?? tooOld ?? bodilessFault(message, framing.chunked || framing.length >= 0)
    if (wrong !== null) {
      this.#stop(wrong)
      return
    }
    this.#begin(message, framing.chunked, framing.length)
  }

  #begin(message: Message, chunked: boolean, length: number): void {
    this.#current = message
    this.#body = []
    message.declared = length
    const interim = message.status >= 100 && message.status < 200
    if (interim) this.interim.push(message)
    else this.messages.push(message)
    const bodiless = interim || message.status === 204 || message.status === 304 || (message.status > 0 && message.method === 'HEAD')
    if (!bodiless) message.framing = chunked ? 'chunked' : length >= 0 ? 'length' : message.status > 0 ? 'close' : 'none'
    this.#options.onHead?.(message)
    this.#left = length
    if (message.status === 101) {
      message.complete = true
      this.#state = 'tunnel'
    } else if (message.framing === 'chunked') this.#state = 'size'
    else if (message.framing === 'close') this.#state = 'until-close'
    else if (message.framing === 'length' && length > 0) this.#state = 'data'
    else this.#finish()
  }

  #size(line: string): void {
    const size = chunkSize(line, this.#options.canonical)
    if (typeof size === 'string') {
      this.#stop(size)
      return
    }
    this.#left = size
    this.#state = size === 0 ? 'trailers' : 'data'
    if (size > 0 && this.#current !== null) this.#current.chunks++
  }

  #take(chunk: Buffer): number {
    const piece = this.#state === 'until-close' ? chunk : chunk.subarray(0, this.#left)
    const message = this.#current
    if (message === null) throw new Error('body without a head')
    message.received += piece.length
    this.#options.onBody?.(piece, message)
    if (this.#options.keepBody !== false) this.#body.push(Buffer.from(piece))
    if (this.#state === 'until-close') return piece.length
    this.#left -= piece.length
    if (this.#left === 0) {
      if (message.framing === 'chunked') this.#state = 'data-end'
      else this.#finish()
    }
    return piece.length
  }

  #dataEnd(line: string): void {
    if (line === '') this.#state = 'size'
    else this.#stop(`chunk longer than its size: ${JSON.stringify(line.slice(0, 40))}`)
  }

  #finish(): void {
    const message = this.#current
    if (message === null) throw new Error('end without a head')
    this.#state = this.#tunnelNext ? 'tunnel' : 'start'
    this.#skipped = false
    message.complete = true
    message.body = Buffer.concat(this.#body)
    this.#body = []
    this.#current = null
    this.#options.onMessage?.(message)
  }

  #stop(fault: string): void {
    this.fault = fault
    this.#state = 'stopped'
  }
}

/** RFC 9110 8.6, 9112 6.1: neither Content-Length nor Transfer-Encoding in a 1xx or 204. */
function bodilessFault(message: Message, framed: boolean): string | null {
  return framed && (message.status === 204 || (message.status >= 100 && message.status < 200))
    ? `framing headers in a ${message.status}`
    : null
}
