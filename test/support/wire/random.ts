/**
 * Seeded randomness for the wire tests: a failure names its seed, and the seed brings the failure back.
 */
export interface Random {
  /** [0, 1) */
  next(): number
  /** 0 … below − 1 */
  int(below: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  bytes(length: number): Buffer
}

/** mulberry32: small, fast, good enough to choose test cases by. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (below: number): number => Math.floor(next() * below)
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (from) => {
      const one = from[int(from.length)]
      if (one === undefined) throw new Error('pick from nothing')
      return one
    },
    bytes: (length) => {
      const out = Buffer.allocUnsafe(length)
      for (let i = 0; i < length; i++) out[i] = (next() * 256) | 0
      return out
    },
  }
}

/** FNV-1a, so that every case has a seed of its own that does not move when cases are added. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The base seed of a run: fixed, unless `FUZZ_SEED` asks for another one. */
export const BASE_SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_101)

/** Big random bodies, cheaply: a random block repeated at random offsets, so no two 64 KiB windows agree by accident. */
export function randomBody(random: Random, length: number): Buffer {
  const block = random.bytes(Math.min(length, 65_537))
  if (block.length === length) return block
  const out = Buffer.allocUnsafe(length)
  for (let at = 0; at < length;) {
    const from = random.int(block.length)
    at += block.copy(out, at, from, Math.min(block.length, from + length - at))
  }
  return out
}

/** Cuts bytes into at most `parts` pieces at random places; never an empty piece, except for empty input. */
export function randomSplits(bytes: Buffer, random: Random, parts: number): Buffer[] {
  const cuts = new Set<number>()
  for (let i = 1; i < parts; i++) cuts.add(1 + random.int(Math.max(1, bytes.length - 1)))
  const sorted = [...cuts].filter((cut) => cut < bytes.length).sort((a, b) => a - b)
  const pieces: Buffer[] = []
  let from = 0
  for (const cut of [...sorted, bytes.length]) {
    pieces.push(bytes.subarray(from, cut))
    from = cut
  }
  return pieces
}

export function byteByByte(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let i = 0; i < bytes.length; i++) pieces.push(bytes.subarray(i, i + 1))
  return pieces
}
