/**
 * The schema library's issues in the operator's words.
 *
 * Values word their own faults (`field.ts`); what is left are faults of the structure: a key nobody knows, a
 * list where a map belongs, something required that is not there.
 */
import type { z } from 'zod'
import { shown } from './field.ts'
import { keysAt } from './json-schema.ts'
import type { Path } from './problem.ts'
import { unknownKey } from './suggest.ts'
import { valueAt } from './tree.ts'
import type { Tree } from './tree.ts'

/** A fault of the value (or the key) at a path. */
export interface Issue {
  readonly path: Path
  readonly message: string
  /** The key is at fault, not what it holds. */
  readonly atKey: boolean
}

const EXAMPLES: Readonly<Record<string, string>> = {
  backends: '{ v1: { endpoints: [http://legacy:8000] }, v2: { endpoints: [http://rewrite:8000] } }',
  v1: '{ endpoints: [http://legacy:8000] }',
  v2: '{ endpoints: [http://rewrite:8000] }',
  endpoints: '[http://host:8000]',
  routes: '[{ name: rest, match: { path: /** } }]',
  values: '[alice]',
  detect: '[header, accept, path]',
  steps: '[1, 5, 25, 50, 100]',
}

export function issuesOf(error: z.ZodError, tree: Tree): Issue[] {
  return error.issues.flatMap((issue): Issue[] => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(path, key), atKey: true }))
    return [{ path, message: messageOf(issue, path, valueAt(tree, path)), atKey: false }]
  })
}

function messageOf(issue: z.core.$ZodIssue, path: Path, value: unknown): string {
  if (issue.code === 'custom') return issue.message
  const example = EXAMPLES[String(path.at(-1))]
  if (issue.code === 'too_small') return `is empty; write at least one${example === undefined ? '' : `: ${example}`}`
  if (value === undefined) return `is missing; write ${example ?? 'it'}`
  const wantsList = issue.code === 'invalid_type' && issue.expected === 'array'
  const keys = keysAt(path)
  if (wantsList)
    return value === null
      ? `has no value; write ${example ?? '[]'}, or remove the line`
      : `${shown(value)} is not a list; write ${listOf(value, example)}`
  const write = example ?? (keys === null ? 'name: value pairs under it' : `keys under it: ${keys.join(', ')}`)
  return value === null ? `has no value; write ${write}, or remove the line` : `${shown(value)} is not a map; write ${write}`
}

function listOf(value: unknown, example: string | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? `[${value}]` : (example ?? 'a list: [ … ]')
}
