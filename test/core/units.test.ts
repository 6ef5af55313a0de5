import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { bpsToPercent, formatDuration, formatSize, isWholeBps, parseDuration, parseSize, percentToBps } from '../../src/core/units.ts'

describe('durations', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['0.07s', 70],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['0', 0],
    ['0s', 0],
    ['007s', 7_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  test.each(['', '5', '1.5', 's', '-1s', '1 s', '1S', '1sec', '1m30s', '.5s', '1e3s', '0.5ms', '1KiB', '99999999999999999s', 'NaNs', '٣s'])(
    '%j is no duration',
    (text) => expect(parseDuration(text)).toBeNull(),
  )

  test.each([
    [0, '0s'],
    [1.5, '1.5ms'],
    [250, '250ms'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [86_400_000, '1d'],
  ])('%d ms is written %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

  it('reads back every duration it writes', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 46 }), (ms) => parseDuration(formatDuration(ms)) === ms))
  })
})

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['1.5KiB', 1_536],
    ['2GiB', 2_147_483_648],
  ])('%s is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  test.each(['', 'KiB', '-1', '1 KiB', '64kb', '64k', '64KB', '0.3B', '1e6', '9007199254740992'])('%j is no size', (text) =>
    expect(parseSize(text)).toBeNull(),
  )

  test.each([
    [0, '0B'],
    [1_000, '1000B'],
    [65_536, '64KiB'],
    [3_221_225_472, '3GiB'],
  ])('%d bytes are written %s', (bytes, text) => expect(formatSize(bytes)).toBe(text))

  it('reads back every size it writes', () => {
    fc.assert(fc.property(fc.nat({ max: 2 ** 46 }), (bytes) => parseSize(formatSize(bytes)) === bytes))
  })
})

describe('shares', () => {
  it('turns every percent in steps of 0.01 into its own basis points and back', () => {
    for (let bps = 0; bps <= 10_000; bps++) {
      const percent = Number((bps / 100).toFixed(2))
      expect(percentToBps(percent)).toBe(bps)
      expect(bpsToPercent(bps)).toBe(percent)
      expect(isWholeBps(percent)).toBe(true)
    }
  })

  test.each([0.001, 0.005, 12.345, 99.999])('%d percent is finer than a basis point', (percent) => expect(isWholeBps(percent)).toBe(false))
})
