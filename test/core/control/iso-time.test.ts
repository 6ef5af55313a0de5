import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { isoTime } from '../../../src/core/control/iso-time.ts'

it('is what Date says, for every millisecond of years 0 to 9999', () => {
  const ms = fc.integer({ min: Date.parse('0000-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') })
  fc.assert(
    fc.property(ms, (at) => {
      expect(isoTime(at)).toBe(new Date(at).toISOString())
    }),
    { numRuns: 2_000 },
  )
})

it.each(['1970-01-01T00:00:00.000Z', '2000-02-29T23:59:59.999Z', '1900-03-01T00:00:00.000Z', '2100-02-28T12:00:00.000Z'])(
  'knows %s',
  (text) => {
    expect(isoTime(Date.parse(text))).toBe(text)
  },
)

it('shows a broken clock at the edge instead of throwing', () => {
  expect(isoTime(Number.NaN)).toBe('1970-01-01T00:00:00.000Z')
  expect(isoTime(1e18)).toBe('9999-12-31T23:59:59.999Z')
  expect(isoTime(-1e18)).toBe('0000-01-01T00:00:00.000Z')
})
