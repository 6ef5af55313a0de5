/**
 * JSON numbers as exact decimals: equal means the same mathematical value, whatever the notation.
 *
 * So `1`, `1.0` and `1e0` are equal, `-0` equals `0`, 2^53 and 2^53+1 differ, and so do `1e400` and
 * `1e401`, which doubles cannot hold. Tolerances are decided exactly as well: a difference of just 0.01
 * is within `abs: 0.01`, which doubles get wrong about half the time.
 */
interface Decimal {
  readonly negative: boolean
  /** Significant digits without leading or trailing zeros; empty for zero. */
  readonly digits: string
  /** Power of ten of the last digit. */
  readonly exponent: number
}

export interface Tolerance {
  readonly abs: Decimal
  readonly rel: Decimal
}

/** Exponents beyond this cannot be added to a digit count exactly; such numbers compare by their text. */
const MAX_EXPONENT_DIGITS = 15
/** Numbers that need more digits than this when lined up are outside every tolerance: BigInt work is bounded. */
const MAX_ALIGNED_DIGITS = 2_000

const ZERO: Decimal = { negative: false, digits: '', exponent: 0 }

/** Null for an exponent of more than 15 digits. `text` must be a JSON number. */
function parseDecimal(text: string): Decimal | null {
  const negative = text.startsWith('-')
  const e = Math.max(text.indexOf('e'), text.indexOf('E'))
  const mantissa = text.slice(negative ? 1 : 0, e === -1 ? text.length : e)
  const dot = mantissa.indexOf('.')
  const digits = dot === -1 ? mantissa : mantissa.slice(0, dot) + mantissa.slice(dot + 1)
  const first = countLeading(digits, 0)
  if (first === digits.length) return ZERO
  const exponentText = e === -1 ? '' : text.slice(e + 1)
  if (significantLength(exponentText) > MAX_EXPONENT_DIGITS) return null
  const last = lastNonZero(digits)
  const fraction = dot === -1 ? 0 : mantissa.length - dot - 1
  return { negative, digits: digits.slice(first, last + 1), exponent: Number(exponentText) - fraction + (digits.length - 1 - last) }
}

/** Two numbers with exponents beyond reason are equal only as written: a false difference, never a false match. */
export function sameNumber(a: string, b: string): boolean {
  if (a === b) return true
  const x = parseDecimal(a)
  const y = parseDecimal(b)
  return x !== null && y !== null && x.negative === y.negative && x.exponent === y.exponent && x.digits === y.digits
}

/** A text that is the same for equal numbers, for hashing and for keys. */
export function canonicalNumber(text: string): string {
  const value = parseDecimal(text)
  return value === null ? text : `${value.negative ? '-' : ''}${value.digits}e${value.exponent}`
}

/** `|a − b| ≤ abs` or `|a − b| ≤ rel × max(|a|, |b|)`. */
export function withinTolerance(a: string, b: string, tolerance: Tolerance): boolean {
  const x = parseDecimal(a)
  const y = parseDecimal(b)
  if (x === null || y === null) return false
  const relScale = tolerance.rel.exponent
  // One common power of ten for every term, so that all are integers.
  const base = Math.min(low(x), low(y), low(tolerance.abs), low(x) + relScale, low(y) + relScale, 0)
  const top = Math.max(high(x), high(y), high(tolerance.abs), high(x) + high(tolerance.rel), high(y) + high(tolerance.rel))
  if (top - base > MAX_ALIGNED_DIGITS) return false
  const left = scaled(x, base)
  const right = scaled(y, base)
  const gap = magnitude(left - right)
  if (gap <= scaled(tolerance.abs, base)) return true
  const larger = magnitude(left) > magnitude(right) ? x : y
  const product = { negative: false, digits: larger.digits, exponent: larger.exponent + relScale }
  return gap <= scaled(product, base) * BigInt(tolerance.rel.digits === '' ? '0' : tolerance.rel.digits)
}

export function toleranceOf(abs: number, rel: number): Tolerance {
  return { abs: decimalOf(abs), rel: decimalOf(rel) }
}

function decimalOf(value: number): Decimal {
  // String() of a finite double is a decimal text that reads back as that double: what the operator wrote.
  return Number.isFinite(value) && value > 0 ? (parseDecimal(String(value)) ?? ZERO) : ZERO
}

function low(value: Decimal): number {
  return value.digits === '' ? 0 : value.exponent
}

function high(value: Decimal): number {
  return value.digits.length + value.exponent
}

function scaled(value: Decimal, base: number): bigint {
  if (value.digits === '') return 0n
  const integer = BigInt(value.digits) * 10n ** BigInt(value.exponent - base)
  return value.negative ? -integer : integer
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

function significantLength(exponent: string): number {
  const signed = exponent.startsWith('-') || exponent.startsWith('+') ? 1 : 0
  return exponent.length - countLeading(exponent, signed)
}

/** Index of the first char from `from` on that is no '0'. (A regex for trailing zeros would be quadratic.) */
function countLeading(text: string, from: number): number {
  let i = from
  while (i < text.length && text.charCodeAt(i) === 0x30) i++
  return i
}

function lastNonZero(text: string): number {
  let i = text.length - 1
  while (i >= 0 && text.charCodeAt(i) === 0x30) i--
  return i
}
