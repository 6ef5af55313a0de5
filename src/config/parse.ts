/**
 * Text to configuration, or every problem of it at once.
 *
 * The stages: bytes → YAML with places → shape (each value by itself) → rules (values among each other) →
 * defaults and environment. A fault in one stage takes only what it touches out of the next.
 */
import { createHash } from 'node:crypto'
import type { GatewayConfig } from '../core/model/config.ts'
import { readDocument } from './document.ts'
import type { ConfigDocument } from './document.ts'
import { overridesOf } from './env.ts'
import { checkGateway } from './gateway-rules.ts'
import { issuesOf } from './issues.ts'
import type { Issue } from './issues.ts'
import { inOrder, pathText } from './problem.ts'
import type { ConfigProblem, Env } from './problem.ts'
import { resolve } from './resolve.ts'
import { checkRoutes } from './route-rules.ts'
import { createView, isWithin } from './rule.ts'
import type { Finding, RuleView } from './rule.ts'
import { gatewaySchema } from './schema.ts'
import { withoutFaults } from './sound.ts'
import type { Sound } from './sound.ts'
import { deepFreeze } from './tree.ts'

export type ParsedConfig =
  | { readonly ok: true; readonly config: GatewayConfig; readonly hash: string; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** `file`: the name problems are to give the text. Never throws, whatever the text is. */
export function parseConfig(source: string | Uint8Array, file: string, env: Env): ParsedConfig {
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source
  const overrides = overridesOf(env)
  const document = readDocument(bytes, file, env)
  if (!('tree' in document)) return { ok: false, problems: [...inOrder(document), ...overrides.problems] }
  const { sound, issues } = shapeOf(document)
  const config = sound === null ? null : resolve(sound, overrides)
  const view = sound === null || config === null ? null : checked(config, sound)
  const problem = ({ path, message }: Finding, atKey = false): ConfigProblem => ({
    file,
    ...(atKey ? document.placeOfKey(path) : document.place(path)),
    where: pathText(path),
    message,
  })
  const found = [
    ...document.problems,
    ...issues.map((issue) => problem(issue, issue.atKey)),
    ...(view?.problems ?? []).map((finding) => problem(finding)),
  ]
  if (config === null || found.length + overrides.problems.length > 0)
    return { ok: false, problems: [...inOrder(found), ...overrides.problems] }
  const warnings = inOrder([...document.warnings, ...(view?.warnings ?? []).map((finding) => problem(finding))])
  return { ok: true, config: deepFreeze(config), hash: hashOf(bytes, config), warnings }
}

function shapeOf(document: ConfigDocument): { readonly sound: Sound | null; readonly issues: readonly Issue[] } {
  const parsed = gatewaySchema.safeParse(document.tree)
  if (parsed.success && document.unknown.length === 0)
    return { sound: { tree: document.tree, settings: parsed.data, doubtful: [] }, issues: [] }
  // A variable that is not set left an empty text; that it is empty is not the operator's fault.
  const issues = parsed.success
    ? []
    : issuesOf(parsed.error, document.tree).filter(({ path }) => !document.unknown.some((unknown) => isWithin(path, unknown)))
  return { sound: withoutFaults(document.tree, issues, document.unknown), issues }
}

function checked(config: GatewayConfig, sound: Sound): Pick<RuleView, 'problems' | 'warnings'> {
  const view = createView(config, sound)
  checkGateway(view)
  checkRoutes(view)
  return { problems: view.problems.filter(({ path }) => view.isKnown(path)), warnings: view.warnings }
}

/**
 * The same for the same file on every replica, and another one when a variable changes a stage or a weight: a
 * config with the hash that was applied last is not applied again.
 */
function hashOf(bytes: Uint8Array, config: GatewayConfig): string {
  const migration = config.routes.map(({ name, group, stage, weight, ramp }) => [name, group, stage, weight, ramp.steps])
  return createHash('sha256').update(bytes).update('\0').update(JSON.stringify(migration)).digest('hex')
}
