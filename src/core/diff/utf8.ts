/**
 * Whether bytes are well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * TextDecoder's fatal mode would say so with an exception per bad string, and legacy answers in Latin-1
 * have thousands of them.
 */
import { byteAt } from './tape.ts'

export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start
  while (i < end) {
    const lead = byteAt(bytes, i)
    const length = lead < 0x80 ? 1 : sequenceLength(lead, byteAt(bytes, i + 1))
    if (length === 0 || i + length > end) return false
    for (let k = i + 1; k < i + length; k++) if ((byteAt(bytes, k) & 0xc0) !== 0x80) return false
    i += length
  }
  return true
}

/** Length of the sequence by its first two bytes; 0 when no such pair may occur (RFC 3629 section 4). */
function sequenceLength(lead: number, second: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0
  if (lead < 0xe0) return 2
  if (lead < 0xf0) {
    if (lead === 0xe0 && second < 0xa0) return 0
    return lead === 0xed && second > 0x9f ? 0 : 3
  }
  if (lead === 0xf0 && second < 0x90) return 0
  return lead === 0xf4 && second > 0x8f ? 0 : 4
}
