/**
 * What a request head must look like, written down once more and independently of the engine: the rules
 * by which the tests judge what was meant and what may leave the gateway.
 */
import { valuesIn, type HeaderLine, type Message } from './message.ts'

export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Field values: HTAB, visible ASCII, space, obs-text. */
export const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TARGET = /^[\x21\x22\x24-\x7e\x80-\xff]+$/
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+;=%]+)(?::\d{0,5})?$/

export function parseFieldLine(line: string): HeaderLine | string {
  const colon = line.indexOf(':')
  if (colon < 0) return `line without a colon: ${JSON.stringify(line.slice(0, 60))}`
  const name = line.slice(0, colon)
  if (!TOKEN.test(name)) return `name is no token: ${JSON.stringify(name.slice(0, 60))}`
  const raw = line.slice(colon + 1)
  if (!FIELD_VALUE.test(raw)) return `control byte in the value of ${name}`
  return [name, raw.replace(/^[ \t]+|[ \t]+$/g, '')]
}

export interface Framing {
  readonly fault: string | null
  readonly chunked: boolean
  /** −1 without Content-Length. */
  readonly length: number
}

/** Framing by the strict rules: at most one Content-Length, at most one Transfer-Encoding, never both. */
export function framingOf(headers: readonly HeaderLine[], canonical: boolean): Framing {
  const none = { chunked: false, length: -1 }
  const lengths = valuesIn(headers, 'content-length')
  const codings = valuesIn(headers, 'transfer-encoding')
  if (lengths.length > 1) return { ...none, fault: 'Content-Length given twice' }
  if (codings.length > 1) return { ...none, fault: 'Transfer-Encoding given twice' }
  if (lengths.length > 0 && codings.length > 0) return { ...none, fault: 'Content-Length beside Transfer-Encoding' }
  const [coding] = codings
  if (coding !== undefined) {
    const good = canonical ? coding === 'chunked' : coding.toLowerCase() === 'chunked'
    return good ? { fault: null, chunked: true, length: -1 } : { ...none, fault: `Transfer-Encoding ${JSON.stringify(coding)}` }
  }
  const [length] = lengths
  if (length === undefined) return { ...none, fault: null }
  if (!/^\d+$/.test(length)) return { ...none, fault: `Content-Length ${JSON.stringify(length)}` }
  if (canonical && String(Number(length)) !== length) return { ...none, fault: `Content-Length not canonical: ${length}` }
  if (Number(length) > Number.MAX_SAFE_INTEGER) return { ...none, fault: `Content-Length ${length} too large` }
  return { fault: null, chunked: false, length: Number(length) }
}

/** What is wrong with a request head beyond its lines; null when nothing is. */
export function requestFault(message: Message, canonical: boolean): string | null {
  const { method, target, version } = message
  if (version !== '1.1' && (canonical || version !== '1.0')) return `version ${version}`
  if (!TOKEN.test(method)) return 'method is no token'
  if (method === 'CONNECT' || method === 'TRACE') return `method ${method}`
  if (!TARGET.test(target)) return `target ${JSON.stringify(target.slice(0, 60))}`
  const hosts = values11(message, 'host')
  if (hosts.length > 1) return 'Host given twice'
  const [host] = hosts
  if (host === undefined ? version === '1.1' : !HOST.test(host)) return `Host ${JSON.stringify(host)}`
  if (target.startsWith('/')) return null
  if (target === '*') return method === 'OPTIONS' ? null : '* for a method other than OPTIONS'
  if (canonical) return 'target is not in origin-form'
  const absolute = /^https?:\/\/([^/?]*)/i.exec(target)
  return absolute !== null && HOST.test(absolute[1] ?? '') ? null : 'target form'
}

function values11(message: Message, name: string): string[] {
  return valuesIn(message.headers, name)
}

/** What origin-form and Host a target stands for (absolute-form's authority replaces Host). */
export function meantTarget(message: Message): { readonly target: string; readonly host: string | null } {
  const absolute = /^https?:\/\/([^/?]*)(.*)$/is.exec(message.target)
  if (absolute === null) return { target: message.target, host: valuesIn(message.headers, 'host')[0] ?? null }
  const rest = absolute[2] ?? ''
  return { target: rest.startsWith('/') ? rest : `/${rest}`, host: absolute[1] ?? '' }
}

const EXTENSION =
  /^(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*$/

/** Size of a chunk from its line, or what is wrong with it. */
export function chunkSize(line: string, canonical: boolean): number | string {
  const semicolon = line.indexOf(';')
  const digits = semicolon < 0 ? line : line.slice(0, semicolon)
  if (!/^[0-9A-Fa-f]{1,15}$/.test(digits)) return `chunk size ${JSON.stringify(digits.slice(0, 40))}`
  const extension = semicolon < 0 ? '' : line.slice(semicolon)
  if (canonical && extension !== '') return `chunk extension passed on: ${JSON.stringify(extension.slice(0, 40))}`
  if (!EXTENSION.test(extension)) return `chunk extension ${JSON.stringify(extension.slice(0, 40))}`
  return Number.parseInt(digits, 16)
}
