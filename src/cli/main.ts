/**
 * The program's commands: one file each, loaded when it is called.
 *
 * Only the command that was named is imported, so that `serve` does not load a HTTP client and `rollback`
 * not the gateway. Help, completion and a word that is no command need them all.
 */
import { Command, CommanderError } from 'commander'
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './io.ts'
import type { CliIo } from './io.ts'
import { VERSION } from './version.ts'

interface CommandFile {
  register(program: Command, io: CliIo): void
}

interface Entry {
  readonly names: readonly string[]
  readonly load: () => Promise<CommandFile>
}

/** In the order of `--help`; the first name is the file's, the others are aliases. */
export const COMMANDS: readonly Entry[] = [
  { names: ['init'], load: () => import('./commands/init.ts') },
  { names: ['serve'], load: () => import('./commands/serve.ts') },
  { names: ['check'], load: () => import('./commands/check.ts') },
  { names: ['plan'], load: () => import('./commands/plan.ts') },
  { names: ['status'], load: () => import('./commands/status.ts') },
  { names: ['top'], load: () => import('./commands/top.ts') },
  { names: ['weight', 'promote'], load: () => import('./commands/weight.ts') },
  { names: ['stage'], load: () => import('./commands/stage.ts') },
  { names: ['rollback', 'abort'], load: () => import('./commands/rollback.ts') },
  { names: ['rearm', 'retry'], load: () => import('./commands/rearm.ts') },
  { names: ['explain'], load: () => import('./commands/explain.ts') },
  { names: ['diffs'], load: () => import('./commands/diffs.ts') },
  { names: ['sample'], load: () => import('./commands/sample.ts') },
  { names: ['audit'], load: () => import('./commands/audit.ts') },
  { names: ['completion'], load: () => import('./commands/completion.ts') },
]

/** Commands that must know all the others. */
const NEED_ALL = ['completion']

/** Runs one command line (without node and script). How it ended is said through `io.exit`. */
export async function run(args: readonly string[], io: CliIo): Promise<void> {
  const program = createProgram(io)
  const entry = COMMANDS.find(({ names }) => names.includes(args[0] ?? ''))
  const wanted = entry === undefined || NEED_ALL.includes(entry.names[0] ?? '') ? COMMANDS : [entry]
  try {
    for (const file of await Promise.all(wanted.map(({ load }) => load()))) file.register(program, io)
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    const code = exitCodeOf(error, io)
    if (code !== EXIT_OK) io.exit(code)
  }
}

function createProgram(io: CliIo): Command {
  return new Command('banyan')
    .description('A strangler-fig gateway: splits, mirrors, compares, judges, and drops the rewrite to zero when the evidence says so.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout(withoutEnd(text)), writeErr: (text) => io.stderr(withoutEnd(text)) })
}

/** Commander has already said what is wrong with a command line; everything else is said here. */
function exitCodeOf(error: unknown, io: CliIo): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE
  io.stderr(`banyan: ${error instanceof Error ? error.message : String(error)}`)
  return EXIT_FAILED
}

/** Commander ends its texts with a line break; `io` writes lines. */
function withoutEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text
}
