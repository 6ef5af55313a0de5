/**
 * What may stand in bodies and queries. Unknown fields are refused, not skipped: a misspelt `to` in a
 * rearm would otherwise do something else than what was asked, without a word.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { isWholeBps } from '../core/units.ts'
import { problem } from './problem.ts'
import type { AdminErrorCode, Problem } from './problem.ts'

/** RFC 9110 5.6.2: what methods and header names are made of. */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const WHAT = {
  percent: 'a number from 0 to 100 in steps of 0.01, like 5 or 0.25',
  stage: 'one of "off", "shadow", "canary", "complete"',
  reason: 'a text of at most 500 characters on one line',
  flag: 'true or false',
  since: 'a duration like 24h, or a time like 2026-01-31T12:00:00Z',
  limit: 'a whole number from 1 to 9999',
  target: 'a path that starts with "/" and has no spaces and no "#", like /api/orders/7?full=1',
  method: 'an HTTP method, like GET',
  host: 'a host name, like api.example.com',
  client: 'an IP address',
} as const

// No control bytes: a reason is printed in terminals and logs.
const reason = z
  .string({ error: WHAT.reason })
  .max(500, { error: WHAT.reason })
  .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/u, { error: WHAT.reason })
const percent = z
  .number({ error: WHAT.percent })
  .refine((value) => value >= 0 && value <= 100 && isWholeBps(value), { error: WHAT.percent })
const flag = z.boolean({ error: WHAT.flag })

export const WEIGHT_BODY = z.strictObject({ percent, reason: reason.optional() })
export const STAGE_BODY = z.strictObject({
  stage: z.enum(['off', 'shadow', 'canary', 'complete'], { error: WHAT.stage }),
  reason: reason.optional(),
  force: flag.optional(),
})
export const ROLLBACK_BODY = z.strictObject({ reason: reason.optional() })
export const REARM_BODY = z.strictObject({
  reason: reason.optional(),
  to: percent.optional(),
  resalt: flag.optional(),
  force: flag.optional(),
})
export const REARM_GLOBAL_BODY = z.strictObject({ reason: reason.optional(), force: flag.optional() })

/** `?dryRun=true`: answer as if, change nothing. */
export const DRY_RUN_QUERY = z.strictObject({ dryRun: z.enum(['true', 'false'], { error: WHAT.flag }).optional() })
export const NO_QUERY = z.strictObject({})
const name = z.string({ error: 'a name, given once' })
export const DIFFS_QUERY = z.strictObject({ route: name.optional() })
export const AUDIT_QUERY = z.strictObject({
  since: z.string({ error: WHAT.since }).optional(),
  limit: z
    .string({ error: WHAT.limit })
    .regex(/^[1-9]\d{0,3}$/, { error: WHAT.limit })
    .optional(),
})
const target = z.string({ error: WHAT.target }).regex(/^\/[^\u0000-\u0020#\u007f]*$/u, { error: WHAT.target })
export const EXPLAIN_QUERY = z.strictObject({
  route: name.optional(),
  path: target.optional(),
  method: z.string({ error: WHAT.method }).regex(TOKEN, { error: WHAT.method }).optional(),
  host: z
    .string({ error: WHAT.host })
    .regex(/^[A-Za-z0-9._:[\]-]+$/, { error: WHAT.host })
    .optional(),
  client: z
    .string({ error: WHAT.client })
    .refine((text) => isIP(text) !== 0, { error: WHAT.client })
    .optional(),
  header: z.array(z.string()).default([]),
  cookie: z.array(z.string()).default([]),
})

/** Checked values, or one problem that names everything that is wrong with the body. */
export function readJson<S extends z.ZodObject>(schema: S, text: string): z.output<S> | Problem {
  let value: unknown
  try {
    value = text.trim() === '' ? {} : JSON.parse(text)
  } catch (error) {
    return problem('body-invalid', `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return check(schema, value, 'body-invalid', 'field')
}

/** Query parameters: each at most once, except those whose schema is an array. */
export function readQuery<S extends z.ZodObject>(schema: S, query: URLSearchParams): z.output<S> | Problem {
  const value: Record<string, unknown> = {}
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name)
    const many = schema.shape[name] instanceof z.ZodArray || schema.shape[name] instanceof z.ZodDefault
    value[name] = many || values.length > 1 ? values : values[0]
  }
  return check(schema, value, 'query-invalid', 'parameter')
}

function check<S extends z.ZodObject>(schema: S, value: unknown, code: AdminErrorCode, noun: string): z.output<S> | Problem {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const known = Object.keys(schema.shape)
  const problems = result.error.issues.flatMap((issue) => sentences(issue, value, known, noun))
  return problem(code, problems.join('; '), { extra: { problems } })
}

function sentences(issue: z.core.$ZodIssue, value: unknown, known: readonly string[], noun: string): string[] {
  const names = known.length === 0 ? `no ${noun}s at all` : known.join(', ')
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `unknown ${noun} ${quoted(key)}: this takes ${names}`)
  const [name] = issue.path
  if (name === undefined) return [`a JSON object with ${names} is needed`]
  const given = Object.getOwnPropertyDescriptor(value, name)?.value as unknown
  return [
    given === undefined
      ? `${String(name)} is missing: it must be ${issue.message}`
      : `${String(name)} is ${quoted(given)}: it must be ${issue.message}`,
  ]
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
