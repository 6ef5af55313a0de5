import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketOf, createBuckets } from '../../../src/core/split/buckets.ts'
import { utf8Bytes } from '../../../src/core/split/byte-string.ts'
import { HashPrefix, murmur3 } from '../../../src/core/split/murmur3.ts'
import { chiSquare } from './support.ts'

interface Vector {
  readonly salt: string
  readonly key: string
  readonly hash: number
  readonly bucket: number
}
const vectors: { readonly cases: readonly Vector[] } = JSON.parse(
  readFileSync(new URL('../../vectors/buckets.json', import.meta.url), 'utf8'),
) as { cases: Vector[] }

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 })

describe('murmur3', () => {
  test('gives the published values', () => {
    expect(murmur3('')).toBe(0)
    expect(murmur3('hello')).toBe(0x248bfa47)
    expect(murmur3('hello, world')).toBe(0x149bbb7f)
    expect(murmur3('The quick brown fox jumps over the lazy dog')).toBe(0x2e4ff723)
  })

  test('cutting the input between prefix and rest changes nothing, wherever the cut is', () => {
    fc.assert(fc.property(bytes, bytes, (head, tail) => new HashPrefix(head).hash(tail) === murmur3(head + tail)))
  })
})

describe('buckets', () => {
  test('the vectors are there', () => expect(vectors.cases.length).toBeGreaterThan(40))

  test.each(vectors.cases)('golden vector: salt $salt, key $key', ({ salt, key, hash, bucket }) => {
    expect(murmur3(utf8Bytes(`${salt}\0${key}`))).toBe(hash)
    expect(bucketOf(key, salt)).toBe(bucket)
    expect(createBuckets(salt).bucketOfBytes(utf8Bytes(key))).toBe(bucket)
  })

  test('a bucket is a whole number from 0 to 9,999 for any text and salt', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (key, salt) => {
        const bucket = bucketOf(key, salt)
        return Number.isInteger(bucket) && bucket >= 0 && bucket < 10_000
      }),
    )
  })

  test('salt and key do not run into one another', () => {
    expect(bucketOf('c', 'ab')).not.toBe(bucketOf('bc', 'a'))
  })

  test('a million keys spread evenly over the buckets (χ²)', () => {
    const buckets = createBuckets('gateway')
    const counts = Array.from({ length: 10_000 }, () => 0)
    for (let i = 0; i < 1_000_000; i++) {
      const bucket = buckets.bucketOfBytes(`user-${i}`)
      counts[bucket] = (counts[bucket] ?? 0) + 1
    }
    // 9,999 degrees of freedom: mean 9,999, standard deviation 141. Five of them on either side: too even is as wrong as too uneven.
    const statistic = chiSquare(
      counts,
      counts.map(() => 100),
    )
    expect(Math.abs(statistic - 9_999)).toBeLessThan(5 * 141.4)
  })

  test('the share below a weight is that weight, for every kind of key (χ²)', () => {
    const kinds: readonly ((i: number) => string)[] = [
      (i) => String(i),
      (i) => `user-${i}@example.com`,
      (i) => i.toString(16).padStart(32, '0'),
      (i) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
    ]
    for (const kind of kinds) {
      for (const weight of [1, 100, 500, 5_000, 9_500]) {
        const buckets = createBuckets('gateway')
        let below = 0
        for (let i = 0; i < 100_000; i++) if (buckets.bucketOfBytes(kind(i)) < weight) below++
        const expected = weight * 10
        // One degree of freedom, p = 1e-6 (20 cells are looked at): 23.9.
        expect(chiSquare([below, 100_000 - below], [expected, 100_000 - expected])).toBeLessThan(23.9)
      }
    }
  })
})
