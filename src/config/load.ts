/** The configuration at a path, with the ceiling beside it, or every problem of both. */
import type { GatewayConfig } from '../core/model/config.ts'
import type { Ceiling } from '../core/model/control.ts'
import { decodeText } from './decode.ts'
import { ceilingOfEnv, parseCeiling } from './env.ts'
import { readConfigFiles } from './files.ts'
import type { ConfigFiles, FileRead } from './files.ts'
import { parseConfig } from './parse.ts'
import type { ParsedConfig } from './parse.ts'
import type { ConfigProblem, Env } from './problem.ts'

/** What the environment and the file say about v2's share, percent; the lowest of all sources counts. */
export type ReadCeiling = Pick<Ceiling, 'env' | 'file'>

export type LoadResult = {
  /** Equal as long as the files are: `watchConfig` reports what differs from it. */
  readonly fingerprint: string
} & (
  | {
      readonly ok: true
      /** Frozen to the ground. */
      readonly config: GatewayConfig
      readonly ceiling: ReadCeiling
      readonly hash: string
      readonly warnings: readonly ConfigProblem[]
    }
  | {
      readonly ok: false
      readonly problems: readonly ConfigProblem[]
      /**
       * What the ceiling's own file says although the rest is not valid; null when there is no word of it. Good for
       * lowering only: who takes v2 down in an emergency must not be stopped by a typing error in another file.
       */
      readonly ceiling: ReadCeiling | null
    }
)

/** `path`: a YAML file or a directory. Never throws. */
export function loadConfig(path: string, env: Env): LoadResult {
  return interpret(readConfigFiles(path), env)
}

export function interpret(files: ConfigFiles, env: Env): LoadResult {
  const { fingerprint } = files
  const fromEnv = ceilingOfEnv(env)
  const fromFile = ceilingOfFile(files.ceiling)
  const ceilingProblems = [...fromEnv.problems, ...fromFile.problems]
  const ceiling = ceilingProblems.length > 0 ? null : { env: fromEnv.percent, file: fromFile.percent }
  const parsed = parsedFile(files.config, env)
  if (parsed.ok && ceiling !== null) return { ...parsed, ceiling, fingerprint }
  return {
    ok: false,
    problems: [...(parsed.ok ? [] : parsed.problems), ...ceilingProblems],
    ceiling: fromFile.percent === null ? null : ceiling,
    fingerprint,
  }
}

function parsedFile(read: FileRead, env: Env): ParsedConfig {
  if (read.kind === 'bytes') return parseConfig(read.bytes, read.name, env)
  return { ok: false, problems: [fileProblem(read.name, read.message)] }
}

function ceilingOfFile(read: FileRead | null): { readonly percent: number | null; readonly problems: readonly ConfigProblem[] } {
  if (read === null || read.kind === 'absent') return { percent: null, problems: [] }
  if (read.kind === 'unreadable') return { percent: null, problems: [fileProblem(read.name, read.message)] }
  const decoded = decodeText(read.bytes)
  const value = decoded.ok ? parseCeiling(decoded.text) : decoded.message
  if (typeof value === 'number') return { percent: value, problems: [] }
  return { percent: null, problems: [{ ...fileProblem(read.name, value), line: 1, column: 1 }] }
}

function fileProblem(file: string, message: string): ConfigProblem {
  return { file, line: null, column: null, where: 'file', message }
}
