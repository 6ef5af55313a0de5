/**
 * `banyan serve`: reads the config once, looks whether its addresses are free, and hands over to the
 * supervisor.
 *
 * What is wrong is said here, before any thread exists: an operator at a terminal gets sentences, not
 * the log of a program that starts and stops. From then on control reads the config itself.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problem.ts'
import type { GatewayConfig } from '../../core/model/config.ts'
import { addressProblem, usableHost } from '../../supervisor/address.ts'
import { dataThreads } from '../../supervisor/data-threads.ts'
import { createLog } from '../../supervisor/log.ts'
import { obeySignals } from '../../supervisor/signals.ts'
import { createSupervisor } from '../../supervisor/supervisor.ts'
import type { SupervisorOptions } from '../../supervisor/supervisor.ts'
import { EXIT_FAILED, EXIT_USAGE } from '../io.ts'
import type { CliIo } from '../io.ts'
import { readyLine } from '../ready-line.ts'
import { VERSION } from '../version.ts'

const DEFAULT_PATH = 'config'
/** What is left after the last thread ended may not keep the process: nothing of it matters. */
const LINGER_MS = 500

export function register(program: Command, io: CliIo): void {
  program
    .command('serve')
    .description('run the gateway')
    .option('--config <path>', `a YAML file, or a folder with gateway.yaml in it (env BANYAN_CONFIG, default ${DEFAULT_PATH}/)`)
    .action((options: { readonly config?: string }) => serve(io, options.config))
}

async function serve(io: CliIo, option: string | undefined): Promise<void> {
  const named = option ?? (io.env['BANYAN_CONFIG'] || DEFAULT_PATH)
  const path = resolve(io.cwd, named)
  const loaded = loadConfig(path, io.env)
  if (!loaded.ok) return refuse(io, loaded.problems.map(formatProblem), EXIT_USAGE)
  for (const warning of loaded.warnings) io.stderr(`banyan: warning: ${formatProblem(warning)}`)
  const problems = await addressProblems(loaded.config)
  if (problems.length > 0) return refuse(io, problems, EXIT_FAILED)
  await runGateway(io, path, loaded.config)
}

async function addressProblems({ listen, admin }: GatewayConfig): Promise<string[]> {
  const host = await usableHost(listen.host)
  const found = [
    await addressProblem({ key: 'listen', ...listen, host }),
    await addressProblem({ key: 'admin', host: admin.host, port: admin.port, socket: null }),
  ]
  return found.filter((problem) => problem !== null)
}

async function runGateway(io: CliIo, configPath: string, config: GatewayConfig): Promise<void> {
  const log = createLog(io.stdout, config.logLevel)
  const listen = { ...config.listen, host: await usableHost(config.listen.host) }
  const threads = dataThreads(listen, { platform: process.platform, parallelism: availableParallelism() })
  const supervisor = createSupervisor({
    modules: modules(),
    threads,
    listen,
    drain: config.drain,
    control: { configPath, env: { ...io.env }, version: VERSION },
    storePath: resolve(io.cwd, config.store.path),
    log,
  })
  const drained = Promise.withResolvers<void>()
  obeySignals({ drain: () => void supervisor.drain().then(drained.resolve, drained.reject), exit: (code) => process.exit(code), log })
  const outcome = await Promise.race([supervisor.start(), drained.promise])
  if (outcome === undefined) return
  if ('failed' in outcome) return refuse(io, outcome.problems, outcome.exitCode)
  log('info', 'ready', { port: outcome.port, socket: listen.socket, admin: outcome.admin, threads, version: VERSION })
  io.stderr(readyLine(config, listen, outcome, threads))
  await drained.promise
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

/** The threads' modules, as sources in a checkout and as what was built from them in the package. */
function modules(): SupervisorOptions['modules'] {
  const kind = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const module = (name: string): URL => new URL(`../../threads/${name}.${kind}`, import.meta.url)
  return { control: module('control'), data: module('data'), compare: module('compare') }
}

function refuse(io: CliIo, problems: readonly string[], code: number): void {
  for (const problem of problems) io.stderr(problem)
  io.stderr(`banyan: not started: ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}`)
  io.exit(code)
}
