/**
 * murmur3_x86_32, fed in parts.
 *
 * A hash over `salt + NUL + key` is computed for every request while the salt never changes, so the state
 * after the prefix is kept and a key is hashed from there: no joined string, nothing allocated. Input is a
 * byte string (one char = one byte). Everybody who speaks another language finds the same function there.
 */
const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** Seed 0, as in the golden vectors. */
export function murmur3(bytes: string): number {
  return new HashPrefix('').hash(bytes)
}

/** The state of the hash after a fixed prefix; immutable. */
export class HashPrefix {
  /** State after the whole four-byte blocks of the prefix. */
  readonly #state: number
  /** The 0–3 bytes after them, little-endian. */
  readonly #rest: number
  readonly #restBits: number
  readonly #length: number

  constructor(prefix: string) {
    const whole = prefix.length & ~3
    let state = 0
    for (let i = 0; i < whole; i += 4) state = mixBlock(state, blockAt(prefix, i))
    let rest = 0
    for (let i = whole; i < prefix.length; i++) rest |= (prefix.charCodeAt(i) & 0xff) << ((i - whole) * 8)
    this.#state = state
    this.#rest = rest
    this.#restBits = (prefix.length - whole) * 8
    this.#length = prefix.length
  }

  /** Unsigned 32-bit hash of prefix and `bytes` together. */
  hash(bytes: string): number {
    const length = bytes.length
    let state = this.#state
    let rest = this.#rest
    let bits = this.#restBits
    let i = 0
    if (bits > 0) {
      // Complete the block the prefix began; from there on the key's blocks are whole ones.
      while (bits < 32 && i < length) {
        rest |= (bytes.charCodeAt(i++) & 0xff) << bits
        bits += 8
      }
      if (bits < 32) return finish(state, rest, this.#length + length)
      state = mixBlock(state, rest)
    }
    const whole = i + ((length - i) & ~3)
    for (; i < whole; i += 4) state = mixBlock(state, blockAt(bytes, i))
    rest = 0
    for (let shift = 0; i < length; i++, shift += 8) rest |= (bytes.charCodeAt(i) & 0xff) << shift
    return finish(state, rest, this.#length + length)
  }
}

function blockAt(bytes: string, i: number): number {
  return (
    (bytes.charCodeAt(i) & 0xff) |
    ((bytes.charCodeAt(i + 1) & 0xff) << 8) |
    ((bytes.charCodeAt(i + 2) & 0xff) << 16) |
    ((bytes.charCodeAt(i + 3) & 0xff) << 24)
  )
}

function mixBlock(state: number, block: number): number {
  const mixed = state ^ scramble(block)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function scramble(block: number): number {
  const k = Math.imul(block, C1)
  return Math.imul((k << 15) | (k >>> 17), C2)
}

/** A rest of zero bytes scrambles to zero, so "no rest" needs no branch of its own. */
function finish(state: number, rest: number, length: number): number {
  let h = state ^ scramble(rest) ^ length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
