/**
 * How an answer of a legacy backend may be read: strictly, plus the repairs HTTP.md allows. Written for the
 * tests alone; the yardstick for what a client may be told.
 */
import type { HeaderLine } from './message.ts'
import { FIELD_VALUE, TOKEN } from './rules.ts'

export type LegacyAnswer =
  | {
      readonly kind: 'complete'
      readonly status: number
      readonly headers: readonly HeaderLine[]
      readonly body: Buffer
      readonly extra: boolean
    }
  | { readonly kind: 'cut' }
  | { readonly kind: 'bad'; readonly why: string }

interface Head {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly next: number
}

const bad = (why: string): LegacyAnswer => ({ kind: 'bad', why })

/** Reads the final answer in `bytes`; `closed`: the backend ended the connection behind them by FIN. */
export function readLegacy(bytes: Buffer, method: string, closed: boolean): LegacyAnswer {
  let at = 0
  for (;;) {
    const head = readHead(bytes, at)
    if (head === null) return { kind: 'cut' }
    if (typeof head === 'string') return bad(head)
    if (head.status === 101) return bad('unasked 101')
    if (head.status >= 200) return readBody(bytes, head, method, closed)
    at = head.next
  }
}

function readHead(bytes: Buffer, from: number): Head | string | null {
  const lines: string[] = []
  let at = from
  for (;;) {
    const lf = bytes.indexOf(10, at)
    if (lf < 0) return null
    const line = bytes.toString('latin1', at, bytes[lf - 1] === 13 && lf > at ? lf - 1 : lf)
    at = lf + 1
    if (line === '') break
    if (/[\r\0]/.test(line)) return 'CR or NUL in a line'
    if (/^[ \t]/.test(line) && lines.length > 1) lines.push(`${(lines.pop() ?? '').replace(/[ \t]+$/, '')} ${line.replace(/^[ \t]+/, '')}`)
    else lines.push(line)
  }
  // The reason phrase says nothing and is written anew where it must be.
  const status = /^HTTP\/1\.[01] (\d\d\d)(?: .*)?$/s.exec(lines[0] ?? '')
  if (status === null || Number(status[1]) < 100) return 'status line'
  const headers: HeaderLine[] = []
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).replace(/[ \t]+$/, '')
    const raw = line.slice(colon + 1)
    // RFC 9110 5.5: a control byte may become a space, but not where the framing hangs on it.
    const value = (/^(?:content-length|transfer-encoding)$/i.test(name) ? raw : raw.replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ')).replace(
      /^[ \t]+|[ \t]+$/g,
      '',
    )
    if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) return `header line ${JSON.stringify(line.slice(0, 40))}`
    headers.push([name, value])
  }
  return { status: Number(status[1]), headers, next: at }
}

function readBody(bytes: Buffer, head: Head, method: string, closed: boolean): LegacyAnswer {
  const complete = (body: Buffer, end: number): LegacyAnswer => ({
    kind: 'complete',
    status: head.status,
    headers: head.headers,
    body,
    extra: end < bytes.length,
  })
  const of = (name: string): string[] => head.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  const codings = of('transfer-encoding')
  if (codings.length > 1 || (codings.length === 1 && codings[0]?.toLowerCase() !== 'chunked')) return bad('Transfer-Encoding')
  const lengths = new Set(of('content-length').flatMap((line) => line.split(',').map((part) => part.trim())))
  const [length] = lengths
  if (codings.length === 0 && length !== undefined && (lengths.size > 1 || !/^\d{1,15}$/.test(length))) return bad('Content-Length')
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return complete(Buffer.alloc(0), head.next)
  if (codings.length === 1) return readChunks(bytes, head, complete)
  if (length === undefined) return closed ? complete(bytes.subarray(head.next), bytes.length) : { kind: 'cut' }
  const end = head.next + Number(length)
  return end > bytes.length ? { kind: 'cut' } : complete(bytes.subarray(head.next, end), end)
}

function readChunks(bytes: Buffer, head: Head, complete: (body: Buffer, end: number) => LegacyAnswer): LegacyAnswer {
  const chunks: Buffer[] = []
  let at = head.next
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return { kind: 'cut' }
    const size = /^([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(bytes.toString('latin1', at, end))
    if (size === null) return bad('chunk size')
    const length = Number.parseInt(size[1] ?? '', 16)
    at = end + 2
    if (length === 0) break
    if (at + length + 2 > bytes.length) return { kind: 'cut' }
    if (bytes.toString('latin1', at + length, at + length + 2) !== '\r\n') return bad('chunk end')
    chunks.push(bytes.subarray(at, at + length))
    at += length + 2
  }
  for (;;) {
    const lf = bytes.indexOf(10, at)
    if (lf < 0) return { kind: 'cut' }
    const line = bytes.toString('latin1', at, bytes[lf - 1] === 13 && lf > at ? lf - 1 : lf)
    at = lf + 1
    if (line === '') return complete(Buffer.concat(chunks), at)
  }
}
