/**
 * Byte tables and small byte arithmetic of HTTP/1.1 (RFC 9110 section 5, RFC 9112 section 2).
 *
 * Heads are read byte by byte against these tables; nothing becomes a string before a rule needs it.
 */
export const CR = 0x0d
export const LF = 0x0a
export const SP = 0x20
export const HTAB = 0x09
export const COLON = 0x3a
export const COMMA = 0x2c
export const SEMICOLON = 0x3b
export const SLASH = 0x2f

/** 1 where the byte may stand in a token (9110 5.6.2). */
export const TOKEN = table("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
/** 1 where the byte may stand in a field value: HTAB, SP, VCHAR, obs-text (9110 5.5). */
export const VALUE = range([HTAB, HTAB], [0x20, 0x7e], [0x80, 0xff])
/** 1 where the byte may stand in a request target: no controls, space, `#` or DEL; obs-text passes as it came. */
export const TARGET = range([0x21, 0x22], [0x24, 0x7e], [0x80, 0xff])
/** Value of a hex digit, 255 elsewhere. */
export const HEX = hexTable()
/** Lower-case, and `_` as `-`: names that differ only so look the same to CGI-like backends. */
export const FOLD = foldTable()
/** 1 where the byte may stand in a Host authority outside brackets: unreserved, pct, sub-delims without comma. */
export const AUTHORITY = table("!$&'()*+;=%-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

function table(chars: string): Uint8Array {
  const out = new Uint8Array(256)
  for (const char of chars) out[char.charCodeAt(0)] = 1
  return out
}

function range(...ranges: readonly (readonly [number, number])[]): Uint8Array {
  const out = new Uint8Array(256)
  for (const [from, to] of ranges) out.fill(1, from, to + 1)
  return out
}

function hexTable(): Uint8Array {
  const out = new Uint8Array(256).fill(255)
  for (let digit = 0; digit < 16; digit++) {
    const text = digit.toString(16)
    out[text.charCodeAt(0)] = digit
    out[text.toUpperCase().charCodeAt(0)] = digit
  }
  return out
}

function foldTable(): Uint8Array {
  const out = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) out[byte] = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte
  out[0x5f] = 0x2d
  return out
}

/**
 * The decimal number in `buf[from, to)`: digits only, at most 2^53−1; −1 for anything else (empty, sign,
 * spaces, overflow). Leading zeros are fine.
 */
export function parseDecimal(buf: Uint8Array, from: number, to: number): number {
  if (from >= to) return -1
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = (buf[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
    if (value > Number.MAX_SAFE_INTEGER) return -1
  }
  return value
}

/** Whether `buf[from, to)` spells `lower` (a lower-case ASCII text), ignoring case. */
export function equalsFolded(buf: Uint8Array, from: number, to: number, lower: string): boolean {
  if (to - from !== lower.length) return false
  for (let at = from; at < to; at++) {
    const byte = buf[at] ?? 0
    const folded = byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte
    if (folded !== lower.charCodeAt(at - from)) return false
  }
  return true
}

/** The first position in `[from, to)` that is no SP or HTAB; `to` when there is none. */
export function skipSpace(buf: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && (buf[at] === SP || buf[at] === HTAB)) at++
  return at
}

/** The end of `[from, to)` without trailing SP and HTAB. */
export function trimSpace(buf: Uint8Array, from: number, to: number): number {
  let at = to
  while (at > from && (buf[at - 1] === SP || buf[at - 1] === HTAB)) at--
  return at
}
