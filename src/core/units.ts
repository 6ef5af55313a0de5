/**
 * Durations, sizes and shares as operators write them, and as the gateway counts them.
 *
 * Outside: `250ms`, `64KiB`, percent. Inside: milliseconds, bytes, basis points (1/100 of a percent), because
 * weights are compared with a bucket of 0–9,999 and must be whole. A whole number formatted here parses back to
 * itself.
 */
const DURATIONS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]

const SIZES: readonly (readonly [unit: string, bytes: number])[] = [
  ['GiB', 1_073_741_824],
  ['MiB', 1_048_576],
  ['KiB', 1_024],
  ['B', 1],
]

const QUANTITY = /^([0-9]{1,16}(?:\.[0-9]{1,6})?)([A-Za-z]*)$/

/** Basis points of one percent. */
const BPS = 100

/** `250ms`, `1.5s`, `5m`, `24h`, `30d` or a bare `0` in milliseconds; null for anything else, parts of a millisecond included. */
export function parseDuration(text: string): number | null {
  return parseQuantity(text, DURATIONS, '')
}

/** `64KiB`, `1MiB`, `512`, `512B` in bytes; null for anything else, parts of a byte included. */
export function parseSize(text: string): number | null {
  return parseQuantity(text, SIZES, 'B')
}

/** `bare`: the unit of a number without one; empty when only zero may stand alone. */
function parseQuantity(text: string, units: readonly (readonly [string, number])[], bare: string): number | null {
  const [, digits = '', written = ''] = QUANTITY.exec(text) ?? []
  if (digits === '') return null
  const amount = Number(digits)
  const unit = written === '' ? bare : written
  if (unit === '') return amount === 0 ? 0 : null
  const factor = units.find(([name]) => name === unit)?.[1]
  if (factor === undefined) return null
  // 0.07 × 1000 is 70.00000000000001 in binary fractions, and means 70.
  const exact = amount * factor
  const value = Math.round(exact)
  return Math.abs(exact - value) < 1e-6 && Number.isSafeInteger(value) ? value : null
}

/** The shortest exact spelling: 90,000 is `90s`, 86,400,000 is `1d`, 0 is `0s`. */
export function formatDuration(ms: number): string {
  return ms === 0 ? '0s' : formatQuantity(ms, DURATIONS, 'ms')
}

/** The shortest exact spelling: 65,536 is `64KiB`, 1,000 is `1000B`. */
export function formatSize(bytes: number): string {
  return bytes === 0 ? '0B' : formatQuantity(bytes, SIZES, 'B')
}

/** `smallest`: the unit of what is no whole number of any. */
function formatQuantity(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const [unit, factor] = units.find(([, factor]) => value % factor === 0) ?? [smallest, 1]
  return `${value / factor}${unit}`
}

/** 5 → 500; rounded, because 0.29 × 100 is 28.999… in binary fractions. */
export function percentToBps(percent: number): number {
  return Math.round(percent * BPS)
}

export function bpsToPercent(bps: number): number {
  return bps / BPS
}

/** Whether a share is a whole number of basis points: nothing finer can be split. */
export function isWholeBps(percent: number): boolean {
  const bps = percent * BPS
  return Math.abs(bps - Math.round(bps)) < 1e-6
}
