/** `banyan check [PATH] [--online]`: every problem of a configuration, or a summary of it; online, its backends too. */
import { relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { configPath } from '../../config/env.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problem.ts'
import type { ConfigProblem } from '../../config/problem.ts'
import type { GatewayConfig } from '../../core/model/config.ts'
import type { CliIo } from '../io.ts'
import { EXIT_UNHEALTHY, EXIT_USAGE } from '../io.ts'
import { askBackends } from '../online.ts'
import type { OnlineAnswer } from '../online.ts'
import { printJson } from '../session.ts'
import { formatTable, percentText } from '../table.ts'

interface CheckOptions {
  readonly online?: boolean
  readonly json?: boolean
}

export function register(program: Command, io: CliIo): void {
  program
    .command('check [path]')
    .description('validate a configuration: every problem, with file, line and column, and what would be right')
    .option('--online', 'ask the backends too')
    .option('--json', 'print JSON')
    .action(async (path: string | undefined, options: CheckOptions) => check(configPath(path, io.env), options, io))
}

async function check(path: string, options: CheckOptions, io: CliIo): Promise<void> {
  const absolute = resolve(io.cwd, path)
  const loaded = loadConfig(path.endsWith('/') ? `${absolute}/` : absolute, io.env)
  const named = (problem: ConfigProblem): ConfigProblem => ({ ...problem, file: shownPath(problem.file, io.cwd) })
  if (!loaded.ok) {
    const problems = loaded.problems.map(named)
    if (options.json === true) printJson(io, { ok: false, problems, warnings: [] })
    for (const problem of problems) io.stderr(formatProblem(problem))
    io.stderr(problems.length === 1 ? '1 problem' : `${problems.length} problems`)
    return io.exit(EXIT_USAGE)
  }
  const warnings = loaded.warnings.map(named)
  const answers = options.online === true ? await askBackends(loaded.config) : []
  for (const warning of warnings) io.stderr(`warning: ${formatProblem(warning)}`)
  const unwell = answers.filter(({ problem }) => problem !== null)
  if (options.json === true)
    printJson(io, {
      ok: unwell.length === 0,
      problems: [],
      warnings,
      hash: loaded.hash,
      ceiling: loaded.ceiling,
      backends: answers,
      ...summary(loaded.config),
    })
  else for (const line of report(loaded.config, loaded.ceiling, answers)) io.stdout(line)
  for (const { where, problem } of unwell) io.stderr(`${where}: ${problem}`)
  if (unwell.length > 0) io.exit(EXIT_UNHEALTHY)
}

/** As one would type it from here; a path outside is shown whole. */
function shownPath(file: string, cwd: string): string {
  const short = relative(cwd, file)
  return file === 'environment' || short === '' || short.startsWith('..') ? file : short
}

function report(
  config: GatewayConfig,
  ceiling: { readonly env: number | null; readonly file: number | null },
  answers: readonly OnlineAnswer[],
): string[] {
  const { listen, admin, backends, routes, store } = config
  const where = listen.socket ?? `port ${listen.port}`
  const endpoints = (name: 'v1' | 'v2'): string => backends[name].endpoints.map(({ url }) => url).join(' ')
  const limit = Math.min(ceiling.env ?? 100, ceiling.file ?? 100)
  const state = store.kind === 'redis' ? `${store.path} (Redis is not available in this version)` : store.path
  const rows = routes.map((route) => [
    { text: route.name },
    { text: route.stage },
    { text: percentText(route.weight) },
    { text: matchText(route.match) },
  ])
  return [
    'ok',
    `data ${where}, admin ${admin.host} port ${admin.port}, state in ${state}`,
    `v1 ${endpoints('v1')}`,
    `v2 ${endpoints('v2')}${limit < 100 ? ` (ceiling ${percentText(limit)})` : ''}`,
    routes.length === 1 ? '1 route' : `${routes.length} routes`,
    ...formatTable(
      [{ title: 'ROUTE' }, { title: 'STAGE' }, { title: 'WEIGHT', right: true }, { title: 'MATCH' }],
      rows,
      (_style, text) => text,
    ),
    ...answers.filter(({ problem }) => problem === null).map(({ where: at, answer }) => `${at}: ${answer}`),
  ]
}

function matchText(match: GatewayConfig['routes'][number]['match']): string {
  const methods = match.methods.length === 0 ? '' : `${match.methods.join(',')} `
  const headers = Object.entries(match.header).map(([name, value]) => ` ${name}: ${value}`)
  return `${methods}${match.host ?? ''}${match.path}${headers.join(',')}`
}

function summary(config: GatewayConfig): object {
  const endpoints = (name: 'v1' | 'v2'): string[] => config.backends[name].endpoints.map(({ url }) => url)
  return {
    name: config.name,
    endpoints: { v1: endpoints('v1'), v2: endpoints('v2') },
    routes: config.routes.map(({ name, group, stage, weight, match }) => ({ name, group, stage, weight, match })),
  }
}
