/**
 * Bytes of a file to text, or the one reason why not.
 *
 * YAML may be UTF-16 by its standard; ours is UTF-8 only, because everything that reads a ConfigMap is. A guess
 * would turn a wrong encoding into wrong header values, so it is refused with the place of the first bad byte.
 */
export type Decoded =
  | { readonly ok: true; readonly text: string; readonly bom: boolean }
  /** `before`: the readable text in front of the fault. */
  | { readonly ok: false; readonly before: string; readonly message: string }

const BOM = '\uFEFF'

export function decodeText(bytes: Uint8Array): Decoded {
  if (isUtf16(bytes)) return refused('', 'is UTF-16 text; save it as UTF-8')
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const bad = firstReplaced(text, bytes)
  if (bad >= 0) return refused(text.slice(0, bad), `is not UTF-8 from here on (byte ${hex(bytes, text.slice(0, bad))}); save it as UTF-8`)
  const bom = text.startsWith(BOM)
  const plain = bom ? text.slice(1) : text
  const control = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/.exec(plain)
  if (control === null) return { ok: true, text: plain, bom }
  const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
  return refused(plain.slice(0, control.index), `has the control character U+${code} here; remove it`)
}

function refused(before: string, message: string): Decoded {
  return { ok: false, before, message }
}

/** By its byte order mark, or by the NUL beside the first letter. */
function isUtf16(bytes: Uint8Array): boolean {
  const [a, b] = bytes
  return (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (a === 0 && b !== 0 && b !== undefined) || (b === 0 && a !== 0)
}

/** Index of the first U+FFFD the decoder put there itself; -1 when every one of them was in the file. */
function firstReplaced(text: string, bytes: Uint8Array): number {
  for (let at = text.indexOf('\uFFFD'), offset = 0, from = 0; at >= 0; at = text.indexOf('\uFFFD', at + 1)) {
    offset += Buffer.byteLength(text.slice(from, at))
    from = at
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return at
  }
  return -1
}

function hex(bytes: Uint8Array, before: string): string {
  return `0x${(bytes[Buffer.byteLength(before)] ?? 0).toString(16).padStart(2, '0')}`
}

/** Line and column (from 1) just after `before`. */
export function endOf(before: string): { readonly line: number; readonly column: number } {
  const lastBreak = before.lastIndexOf('\n')
  return { line: before.split('\n').length, column: before.length - lastBreak }
}
