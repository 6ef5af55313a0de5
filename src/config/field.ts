/**
 * One setting's value: how it is read, what is said when it is wrong, and what an editor is told about it.
 *
 * Every reader is total: any value YAML can hold becomes the wanted type or a sentence that says what would be
 * right. Numbers and switches may come as text, because `${NAME}` always yields text.
 */
import { z } from 'zod'

/** What is wrong with a value. */
export class Wrong {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

export interface FieldSpec<T> {
  /** For editors: what the setting does. */
  readonly doc: string
  /** What the value must be, after "is not": `a duration`. */
  readonly what: string
  /** What would be right, after "write": `a number with a unit, such as 30s`. */
  readonly write: string
  /** JSON Schema of the value as written. */
  readonly json: Readonly<Record<string, unknown>>
  /** The value must never be shown. */
  readonly secret?: boolean
  /** undefined: the value is not `what`. Wrong: it is, but something else is the matter. */
  readonly read: (raw: unknown) => T | Wrong | undefined
}

/** Any value may be a substitution, whatever its type will be. */
const SUBSTITUTION = { type: 'string', pattern: '\\$\\{' }

export function field<T>(spec: FieldSpec<T>) {
  const isPlainText = spec.json['type'] === 'string' && spec.json['pattern'] === undefined && spec.json['enum'] === undefined
  const json = isPlainText ? spec.json : { anyOf: [spec.json, SUBSTITUTION] }
  return z
    .unknown()
    .meta({ ...json, description: spec.doc })
    .transform((raw, context): T => {
      const value = readOne(spec, raw)
      if (!(value instanceof Wrong)) return value
      context.issues.push({ code: 'custom', message: value.message, input: raw })
      return z.NEVER
    })
}

function readOne<T>(spec: FieldSpec<T>, raw: unknown): T | Wrong {
  if (raw === undefined) return new Wrong(`is missing; write ${spec.write}`)
  if (raw === null) return new Wrong(`has no value; write ${spec.write}`)
  const value = spec.read(raw)
  if (value !== undefined) return value
  return new Wrong(`${spec.secret === true ? 'the value' : shown(raw)} is not ${spec.what}; write ${spec.write}`)
}

const SHOWN_LENGTH = 60

/** A value as a sentence can hold it. */
export function shown(raw: unknown): string {
  if (Array.isArray(raw)) return 'a list'
  if (raw === null || raw === undefined) return 'nothing'
  if (typeof raw === 'object') return 'a map'
  const text = typeof raw === 'string' ? JSON.stringify(raw) : `${raw as string | number | boolean}`
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…"` : text
}

export function readNumber(raw: unknown): number | undefined {
  const value = typeof raw === 'string' && /^-?[0-9]+(?:\.[0-9]+)?$/.test(raw) ? Number(raw) : raw
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function readBoolean(raw: unknown): boolean | undefined {
  if (raw === true || raw === 'true') return true
  return raw === false || raw === 'false' ? false : undefined
}

/** Text as written: a number without quotes may have lost its zeros (`007`), so it is not taken. */
export function readText(raw: unknown, isSecret = false): string | Wrong | undefined {
  if (typeof raw === 'number' || typeof raw === 'boolean')
    return new Wrong(isSecret ? 'the value is not a text; put it in quotes' : `${raw} is not a text; put it in quotes: "${raw}"`)
  if (typeof raw !== 'string') return undefined
  return raw === '' ? new Wrong('is an empty text; write a value, or remove the line') : raw
}
