/** What all commands that speak to a running gateway share: their options, a client, and how they end. */
import type { Command } from 'commander'
import { createClient, DEFAULT_ADMIN } from './client.ts'
import type { AdminClient, Failure } from './client.ts'
import { EXIT_OK, EXIT_USAGE } from './io.ts'
import type { CliIo } from './io.ts'
import { createTerminal } from './terminal.ts'
import type { Terminal } from './terminal.ts'

export interface Session {
  readonly io: CliIo
  readonly terminal: Terminal
  readonly client: AdminClient
  /** `--json`: the API's own answer on stdout. */
  readonly json: boolean
}

/** 0 ok, 1 failed, 2 usage or invalid input, 3 unhealthy, tripped or differing. */
export type ExitCode = 0 | 1 | 2 | 3

/** Registers the options that every client command takes. */
export function adminOptions(command: Command): Command {
  return command
    .option('--admin <url>', `admin address of the gateway (env BANYAN_ADMIN, default ${DEFAULT_ADMIN})`)
    .option('--token <token>', 'admin token (env BANYAN_ADMIN_TOKEN, which other users of this machine cannot see in `ps`)')
    .option('--json', 'print JSON')
}

/** Runs one command against the gateway that its options or the environment name. */
export async function inSession(
  io: CliIo,
  command: Command,
  run: (session: Session) => Promise<ExitCode>,
  terminal: Terminal = createTerminal(io),
): Promise<void> {
  const options = command.optsWithGlobals<{ admin?: string; token?: string; json?: boolean }>()
  const client = createClient({
    admin: options.admin ?? notEmpty(io.env['BANYAN_ADMIN']) ?? DEFAULT_ADMIN,
    token: options.token ?? notEmpty(io.env['BANYAN_ADMIN_TOKEN']),
  })
  if ('ok' in client) return finish(io, fail(io, client))
  let code: ExitCode
  try {
    code = await run({ io, terminal, client, json: options.json === true })
  } finally {
    terminal.close()
    await client.close()
  }
  finish(io, code)
}

/** Says what went wrong and gives the exit code for it. */
export function fail(io: CliIo, failure: Failure): ExitCode {
  io.stderr(`banyan: ${failure.message}`)
  return failure.exitCode
}

export function usage(io: CliIo, message: string): ExitCode {
  io.stderr(`banyan: ${message}`)
  return EXIT_USAGE
}

export function printJson(io: CliIo, body: unknown): void {
  io.stdout(JSON.stringify(body, null, 2))
}

function finish(io: CliIo, code: ExitCode): void {
  if (code !== EXIT_OK) io.exit(code)
}

function notEmpty(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text
}
