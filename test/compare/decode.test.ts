import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DECODE_LIMITS, decodeBody } from '../../src/compare/decode.ts'

const text = Buffer.from(JSON.stringify({ items: Array.from({ length: 100 }, (_, i) => ({ id: i })) }))

function decode(bytes: Uint8Array, encoding: string, limits = DECODE_LIMITS): string {
  const body = decodeBody(bytes, encoding, limits)
  return typeof body === 'string' ? `problem: ${body}` : Buffer.from(body).toString()
}

describe('content-encodings are undone', () => {
  it.each([
    ['', text],
    ['identity', text],
    ['gzip', gzipSync(text)],
    ['X-GZIP', gzipSync(text)],
    ['br', brotliCompressSync(text)],
    ['zstd', zstdCompressSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
    [' br ,identity, gzip ', gzipSync(brotliCompressSync(text))],
  ])('%j', (encoding, bytes) => expect(decode(bytes, encoding)).toBe(text.toString()))

  it('an empty body has nothing to undo, whatever it names', () => {
    expect(decode(new Uint8Array(0), 'gzip')).toBe('')
    expect(decode(new Uint8Array(0), 'unheard-of')).toBe('')
  })

  it.each([
    ['compress', text],
    ['gzip', text],
    ['gzip', gzipSync(text).subarray(0, 30)],
    ['br', Buffer.from([1, 2, 3])],
    ['zstd', text],
    ['deflate', text],
    ['constructor', text],
    ['gzip, gzip, gzip, gzip', text],
    ['br', gzipSync(text)],
  ])('%j of other bytes is undecodable', (encoding, bytes) => expect(decode(bytes, encoding)).toBe('problem: undecodable'))
})

describe('bombs', () => {
  const bomb = brotliCompressSync(Buffer.alloc(256 * 1024 * 1024, '['), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 },
  })

  it('a few hundred bytes that stand for 256 MiB stop at the limit', () => {
    expect(bomb.length).toBeLessThan(500)
    const before = process.memoryUsage().rss
    expect(decode(bomb, 'br')).toBe('problem: too-large')
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
    ['br', brotliCompressSync],
  ] as const)('%s: output is bounded by size and by ratio', (encoding, compress) => {
    const zeros = compress(Buffer.alloc(100_000))
    expect(decode(zeros, encoding, { maxBytes: 50_000, maxRatio: 1_000_000, freeBytes: 0 })).toBe('problem: too-large')
    expect(decode(zeros, encoding, { maxBytes: 200_000, maxRatio: 2, freeBytes: 1_000 })).toBe('problem: too-large')
    expect(decode(zeros, encoding, { maxBytes: 200_000, maxRatio: 2, freeBytes: 100_000 })).toHaveLength(100_000)
  })

  it('bombs within bombs stop at the limit as well', () => {
    expect(decode(gzipSync(gzipSync(bomb)), 'br, gzip, gzip')).toBe('problem: too-large')
  })

  it('a body without encoding is bounded too', () => {
    expect(decode(text, '', { ...DECODE_LIMITS, maxBytes: 10 })).toBe('problem: too-large')
  })
})
