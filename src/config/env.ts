/**
 * Environment variables that override the file, and the ceiling, which nothing overrides.
 *
 * An empty variable counts as unset: that is what an optional value in a pod's manifest becomes.
 */
import type { LogLevel } from '../core/model/config.ts'
import { isWholeBps } from '../core/units.ts'
import type { ConfigProblem, Env } from './problem.ts'
import { LOG_LEVELS, redisProblem } from './schema.ts'

/** Null = the environment says nothing. */
export interface Overrides {
  readonly port: number | null
  readonly adminPort: number | null
  readonly adminToken: string | null
  readonly redisUrl: string | null
  readonly logLevel: LogLevel | null
  readonly problems: readonly ConfigProblem[]
}

export function overridesOf(env: Env): Overrides {
  const problems: ConfigProblem[] = []
  const problem = (name: string, message: string): null => {
    problems.push({ file: 'environment', line: null, column: null, where: name, message })
    return null
  }
  const port = (name: string): number | null => {
    const text = set(env, name)
    if (text === null) return null
    return /^[0-9]{1,5}$/.test(text) && Number(text) < 65_536
      ? Number(text)
      : problem(name, `${JSON.stringify(text)} is not a port; set a number from 0 to 65535`)
  }
  const token = set(env, 'BANYAN_ADMIN_TOKEN')
  const redis = set(env, 'REDIS_URL')
  const level = set(env, 'LOG_LEVEL')
  const redisWrong = redis === null ? null : redisProblem(redis)
  return {
    port: port('PORT'),
    adminPort: port('ADMIN_PORT'),
    adminToken:
      token === null || /^[!-~]+$/.test(token)
        ? token
        : problem('BANYAN_ADMIN_TOKEN', 'a token goes into a header; set visible ASCII without blanks'),
    redisUrl: redisWrong === null ? redis : problem('REDIS_URL', redisWrong),
    logLevel:
      level === null
        ? null
        : (LOG_LEVELS.find((known) => known === level.toLowerCase()) ??
          problem('LOG_LEVEL', `${JSON.stringify(level)} is not a log level; set one of ${LOG_LEVELS.join(', ')}`)),
    problems,
  }
}

/** The names of the ceiling in the environment; with both set the lower one counts. */
const CEILINGS = ['V2_TRAFFIC_PERCENTAGE', 'FEATURE_V2_TRAFFIC_PERCENTAGE']

export function ceilingOfEnv(env: Env): { readonly percent: number | null; readonly problems: readonly ConfigProblem[] } {
  let percent: number | null = null
  const problems: ConfigProblem[] = []
  for (const name of CEILINGS) {
    const text = set(env, name)
    if (text === null) continue
    const value = parseCeiling(text)
    if (typeof value === 'number') percent = Math.min(percent ?? 100, value)
    else problems.push({ file: 'environment', line: null, column: null, where: name, message: value })
  }
  return { percent, problems }
}

/** A plain percent number, or what is wrong with it. */
export function parseCeiling(text: string): number | string {
  const trimmed = text.trim()
  const write = 'write a plain percent number from 0 to 100 in steps of 0.01, such as 100, 5 or 0'
  if (trimmed === '') return `is empty; ${write}`
  const quoted = JSON.stringify(trimmed.slice(0, 40))
  const value = Number(trimmed)
  if (!/^[0-9]+(?:\.[0-9]+)?$/.test(trimmed)) return `${quoted} is not a percentage; ${write}`
  if (value > 100) return `${quoted} is above 100; ${write}`
  return isWholeBps(value) ? value : `${quoted} is finer than 0.01; ${write}`
}

const DEFAULT_CONFIG_PATH = 'config/'

/** The option given, else BANYAN_CONFIG, else `config/`. */
export function configPath(option: string | undefined, env: Env): string {
  return option ?? set(env, 'BANYAN_CONFIG') ?? DEFAULT_CONFIG_PATH
}

function set(env: Env, name: string): string | null {
  const text = env[name]
  return text === undefined || text.trim() === '' ? null : text.trim()
}
