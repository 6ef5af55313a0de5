/**
 * Byte strings: JS strings in which one char is one byte, as received on the wire.
 *
 * The data plane never guesses an encoding: it compares and hashes bytes. Text from the config or out of
 * JSON becomes the byte string of its UTF-8 before it meets them. ASCII, the common case, is both at once.
 */
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** The UTF-8 bytes of a text; a lone surrogate becomes U+FFFD, as in every encoder of the platform. */
export function utf8Bytes(text: string): string {
  if (isAscii(text)) return text
  let bytes = ''
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte)
  return bytes
}

/** The text a byte string spells in UTF-8; null when it is not UTF-8. */
export function utf8Text(bytes: string): string | null {
  if (isAscii(bytes)) return bytes
  const octets = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) octets[i] = bytes.charCodeAt(i)
  try {
    return decoder.decode(octets)
  } catch {
    return null
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/** Every valid `%XX` decoded to its byte; a stray `%` stays. `+` is no space: this is RFC 3986, not a form. */
export function percentDecode(bytes: string): string {
  let percent = bytes.indexOf('%')
  if (percent < 0) return bytes
  let out = ''
  let from = 0
  while (percent >= 0) {
    const byte = escapedByte(bytes, percent)
    if (byte >= 0) {
      out += bytes.slice(from, percent) + String.fromCharCode(byte)
      from = percent + 3
    }
    percent = bytes.indexOf('%', byte >= 0 ? from : percent + 1)
  }
  return out + bytes.slice(from)
}

/** The byte that the `%XX` at `at` stands for; -1 when it is no escape. */
export function escapedByte(bytes: string, at: number): number {
  const high = hexValue(bytes.charCodeAt(at + 1))
  const low = hexValue(bytes.charCodeAt(at + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

/** NaN (past the end) compares false everywhere and so is no digit. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Outer spaces, tabs and double quotes off; null when nothing is left. The same string when nothing was there. */
export function trimValue(value: string): string | null {
  let from = 0
  let to = value.length
  while (from < to && isOuter(value.charCodeAt(from))) from++
  while (to > from && isOuter(value.charCodeAt(to - 1))) to--
  if (from === to) return null
  return to - from === value.length ? value : value.slice(from, to)
}

function isOuter(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x22
}
