import { describe, expect, test } from 'vitest'
import { controlSampled, createSampler, mirrorSampled, reverseSampled } from '../../../src/core/split/sampling.ts'
import { chiSquare2x2, compiled, word } from './support.ts'

const KEYS = Array.from({ length: 100_000 }, (_, i) => `user-${i}`)

function share(picks: (id: string) => boolean): number {
  return KEYS.filter(picks).length / KEYS.length
}

describe('samples', () => {
  test('mirror sampling is independent of the split (χ² of the 2×2 table)', () => {
    const route = compiled({ mirror: { sample: 10, reverse: 10 }, compare: { control: 10 } })
    const inV2 = (key: string): boolean => route.buckets.bucketOfBytes(key) < 1_000
    const samples: readonly ((id: string) => boolean)[] = [
      (id) => mirrorSampled(route.mirror, word(), id),
      (id) => reverseSampled(route.reverse, word(), id),
      (id) => controlSampled(route.control, id),
    ]
    for (const sample of samples) {
      expect(chiSquare2x2(table(inV2, sample))).toBeLessThan(15.1) // p = 1e-4
      for (const other of samples) if (other !== sample) expect(chiSquare2x2(table(other, sample))).toBeLessThan(15.1)
    }
  })

  test('the test of independence can fail: a sample under the split’s own salt is no sample', () => {
    const route = compiled()
    const near = (key: string): boolean => route.buckets.bucketOfBytes(key) < 2_000
    expect(chiSquare2x2(table((key) => route.buckets.bucketOfBytes(key) < 1_000, near))).toBeGreaterThan(10_000)
  })

  test.each([0, 0.01, 1, 20, 50, 99.99, 100])('%d %% is that share', (percent) => {
    const sampler = createSampler('mirror', percent)
    const p = percent / 100
    const tolerance = 5 * Math.sqrt((p * (1 - p)) / KEYS.length)
    expect(Math.abs(share((id) => controlSampled(sampler, id)) - p)).toBeLessThanOrEqual(tolerance)
  })

  const full = createSampler('mirror', 100)

  test.each([
    ['off', false, false],
    ['shadow', true, false],
    ['canary', true, true],
    ['complete', true, true],
  ] as const)('stage %s: mirrors %s, reverse mirrors %s', (stage, mirrors, reverses) => {
    expect(mirrorSampled(full, word({ stage }), 'a')).toBe(mirrors)
    expect(reverseSampled(full, word({ stage }), 'a')).toBe(reverses)
  })

  test('none for a removed route, none while mirrors are off', () => {
    for (const parts of [{ live: false }, { mirrorsOff: true }]) {
      expect(mirrorSampled(full, word(parts), 'a')).toBe(false)
      expect(reverseSampled(full, word(parts), 'a')).toBe(false)
    }
  })

  test.each([{ latched: true }, { killed: true }, { ceilingZero: true }])('at most 5 %% while %j', (held) => {
    expect(share((id) => mirrorSampled(full, word(held), id))).toBeCloseTo(0.05, 2)
    expect(share((id) => mirrorSampled(createSampler('mirror', 1), word(held), id))).toBeCloseTo(0.01, 2)
  })
})

function table(a: (key: string) => boolean, b: (key: string) => boolean): readonly [readonly [number, number], readonly [number, number]] {
  let both = 0
  let onlyA = 0
  let onlyB = 0
  for (const key of KEYS) {
    const inA = a(key)
    const inB = b(key)
    if (inA && inB) both++
    else if (inA) onlyA++
    else if (inB) onlyB++
  }
  return [
    [both, onlyA],
    [onlyB, KEYS.length - both - onlyA - onlyB],
  ]
}
