/**
 * What is wrong with a configuration: a value, never an exception, and always all of it.
 *
 * A path is where a value stands in the document (`routes`, 0, `weight`); `where` is the same as operators write it.
 */
export type Path = readonly (string | number)[]

/** The environment as the process got it. */
export type Env = Readonly<Record<string, string | undefined>>

export interface ConfigProblem {
  /** The file as it was named to us, or `environment`. */
  readonly file: string
  /** From 1; null when the problem has no place in the text (a missing file, an environment variable). */
  readonly line: number | null
  readonly column: number | null
  readonly where: string
  /** What is wrong, and what would be right. */
  readonly message: string
}

/** `config/gateway.yaml:3:7: routes[0].weight: 150 is above 100; write …` */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}:${problem.column ?? 1}`
  return `${place}: ${problem.where}: ${problem.message}`
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/

/** `routes[0].match.header.x-tenant`; `config` for the document itself. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (PLAIN_KEY.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text === '' ? 'config' : text
}

/** In the order of the text; what has no place comes last. */
export function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort(
    (a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER) || (a.column ?? 0) - (b.column ?? 0),
  )
}
