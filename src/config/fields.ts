/** The kinds of values the settings have: numbers, shares, durations, sizes, switches, choices, texts. */
import { isWholeBps, parseDuration, parseSize } from '../core/units.ts'
import { field, readBoolean, readNumber, readText, Wrong } from './field.ts'

/** Nothing the gateway times is longer; setTimeout-like arithmetic stays exact. */
const LONGEST_MS = 3_650 * 86_400_000

/** A number from `min` to `max`; `unit` goes behind it in messages. */
export function amount(doc: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  const write = `a number ${range(min, max)}`
  return field({
    doc,
    what: 'a number',
    write,
    json: { type: 'number', minimum: min, ...atMost(max) },
    read: (raw) => within(readNumber(raw), min, max, write),
  })
}

export function count(doc: string, min: number, max = Number.MAX_SAFE_INTEGER) {
  const write = `a whole number ${range(min, max)}`
  return field({
    doc,
    what: 'a whole number',
    write,
    json: { type: 'integer', minimum: min, ...atMost(max) },
    read: (raw) => {
      const value = within(readNumber(raw), min, max, write)
      return typeof value === 'number' && !Number.isInteger(value) ? undefined : value
    },
  })
}

function atMost(max: number): { readonly maximum?: number } {
  return max === Number.MAX_SAFE_INTEGER ? {} : { maximum: max }
}

function range(min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
}

function within(value: number | undefined, min: number, max: number, write: string): number | Wrong | undefined {
  if (value === undefined) return undefined
  if (value < min) return new Wrong(`${value} is below ${min}; write ${write}`)
  return value > max ? new Wrong(`${value} is above ${max}; write ${write}`) : value
}

const PERCENT = 'a percent number from 0 to 100 in steps of 0.01, such as 5 or 0.25'

/** A share of traffic, percent. */
export function share(doc: string, min = 0) {
  return field({
    doc,
    what: 'a percent number',
    write: PERCENT,
    json: { type: 'number', minimum: min, maximum: 100 },
    read: (raw) => readShare(raw, min),
  })
}

function readShare(raw: unknown, min: number): number | Wrong | undefined {
  if (typeof raw === 'string' && /^[0-9.]+ ?%$/.test(raw))
    return new Wrong(`${JSON.stringify(raw)} has a % sign; write the number alone: ${raw.replace(/ ?%/, '')}`)
  const value = within(readNumber(raw), 0, 100, PERCENT)
  if (typeof value !== 'number') return value
  if (!isWholeBps(value)) return new Wrong(`${value} is finer than 0.01; write ${PERCENT}`)
  return value < min ? new Wrong(`${value} is below ${min}; write a percent number from ${min} to 100`) : value
}

/** Milliseconds; `min` too. */
export function duration(doc: string, min = 0) {
  const write = 'a number with ms, s, m, h or d, such as 250ms, 30s or 24h'
  return field({
    doc,
    what: 'a duration',
    write,
    json: { anyOf: [{ type: 'string', pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d)|0)$' }, { const: 0 }] },
    read: (raw) => {
      const value = typeof raw === 'string' ? parseDuration(raw) : raw === 0 ? 0 : null
      if (value === null) return typeof raw === 'number' ? new Wrong(`${raw} has no unit; write ${raw}s or ${raw}ms`) : undefined
      if (value > LONGEST_MS) return new Wrong(`${JSON.stringify(raw)} is longer than ten years; write ${write}`)
      return value < min ? new Wrong(`${JSON.stringify(raw)} is too short; write at least ${min}ms`) : value
    },
  })
}

/** Bytes. */
export function size(doc: string) {
  return field({
    doc,
    what: 'a size',
    write: 'a number of bytes, or one with KiB, MiB or GiB, such as 64KiB',
    json: {
      anyOf: [
        { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)?$' },
        { type: 'integer', minimum: 0 },
      ],
    },
    read: (raw) => (typeof raw === 'string' || typeof raw === 'number' ? (parseSize(String(raw)) ?? undefined) : undefined),
  })
}

export function toggle(doc: string) {
  return field({ doc, what: 'true or false', write: 'true or false', json: { type: 'boolean' }, read: readBoolean })
}

export function choice<const T extends string>(doc: string, values: readonly T[]) {
  const write = `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`
  return field({
    doc,
    what: 'one of the known values',
    write,
    json: { type: 'string', enum: values },
    read: (raw) => values.find((value) => value === raw),
  })
}

export function port(doc: string) {
  return count(doc, 0, 65_535)
}

export interface TextRules {
  readonly what?: string
  readonly write: string
  readonly pattern?: RegExp
  readonly secret?: boolean
  /** What else is wrong with the text; null when nothing is. */
  readonly problem?: (text: string) => string | null
  readonly change?: (text: string) => string
}

export function text(doc: string, rules: TextRules) {
  const { pattern, problem, change } = rules
  return field({
    doc,
    what: rules.what ?? 'a text',
    write: rules.write,
    json: { type: 'string', ...(pattern === undefined ? {} : { pattern: pattern.source }) },
    ...(rules.secret === undefined ? {} : { secret: rules.secret }),
    read: (raw) => {
      const value = readText(raw, rules.secret)
      if (typeof value !== 'string') return value
      if (pattern !== undefined && !pattern.test(value)) return undefined
      const wrong = problem?.(value) ?? null
      return wrong === null ? (change?.(value) ?? value) : new Wrong(wrong)
    },
  })
}
