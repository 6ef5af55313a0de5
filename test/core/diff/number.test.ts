import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalNumber, sameNumber, toleranceOf, withinTolerance } from '../../../src/core/diff/number.ts'

describe('numbers are equal when their mathematical values are', () => {
  it.each([
    ['1', '1.0'],
    ['1', '1e0'],
    ['100', '1E+2'],
    ['0.001', '1e-3'],
    ['-0', '0'],
    ['0', '0e999999999999999999999'],
    ['0.0', '-0e5'],
    ['12300e-2', '123'],
    ['9007199254740993', '9007199254740993.000'],
    ['1e400', '10e399'],
  ])('%s = %s', (a, b) => {
    expect(sameNumber(a, b)).toBe(true)
    expect(sameNumber(b, a)).toBe(true)
    expect(canonicalNumber(a)).toBe(canonicalNumber(b))
  })

  it.each([
    ['9007199254740992', '9007199254740993'],
    ['1e400', '1e401'],
    ['1e-400', '0'],
    ['1', '-1'],
    ['0.1', '0.10000000000000000001'],
    ['1e9999999999999999', '1e9999999999999998'],
  ])('%s ≠ %s', (a, b) => expect(sameNumber(a, b)).toBe(false))

  it('an exponent beyond reason equals only its own text, so it never matches wrongly', () => {
    expect(sameNumber('1e9999999999999999', '1e9999999999999999')).toBe(true)
    expect(sameNumber('1e9999999999999999', '10e9999999999999998')).toBe(false)
    expect(canonicalNumber('1e9999999999999999')).toBe('1e9999999999999999')
  })

  it('shifting the point and the exponent together changes nothing', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.nat(30), (digits, shift) => {
        expect(sameNumber(String(digits), `${digits}${'0'.repeat(shift)}e-${shift}`)).toBe(true)
        expect(sameNumber(String(digits), String(digits + 1n))).toBe(false)
      }),
    )
  })

  it('a million zeros are read in linear time', () => {
    const zeros = '0'.repeat(1_000_000)
    expect(sameNumber(`0.${zeros}1${zeros}2`, `0.${zeros}1${zeros}3`)).toBe(false)
  })
})

describe('tolerances are exact', () => {
  it.each([
    ['10.00', '10.01', 0.01, 0, true],
    ['10.00', '10.0100000000000000001', 0.01, 0, false],
    ['0.3', '0.1', 0.2, 0, true],
    ['9007199254740992', '9007199254740993', 0.5, 0, false],
    ['9007199254740992', '9007199254740993', 1, 0, true],
    ['-1', '1', 2, 0, true],
    ['100', '101', 0, 0.01, true],
    ['100', '102', 0, 0.01, false],
    ['-100', '-99', 0, 0.01, true],
    ['0', '0.001', 0.01, 0, true],
    ['0', '0.001', 0, 0.01, false],
    ['1e400', '1.001e400', 0, 0.001, true],
    ['1e-400', '2e-400', 0.01, 0, true],
    ['1', '2', 0, 0, false],
    ['1e9999999999999999', '1', 1, 1, false],
    ['1e100000', '1', 1, 1, false],
  ])('%s and %s within abs %d, rel %d: %s', (a, b, abs, rel, within) => {
    expect(withinTolerance(a, b, toleranceOf(abs, rel))).toBe(within)
    expect(withinTolerance(b, a, toleranceOf(abs, rel))).toBe(within)
  })

  it('a negative or infinite tolerance allows nothing', () => {
    expect(withinTolerance('1', '2', toleranceOf(-1, Number.POSITIVE_INFINITY))).toBe(false)
  })
})
