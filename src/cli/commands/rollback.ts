/**
 * `banyan rollback ROUTE…` and `banyan rollback --all`: v2 to zero at once, latched.
 *
 * The command for the worst minute: no question, no reason needed, no look at the state first. Several routes
 * are all tried, whatever becomes of each.
 */
import type { Command } from 'commander'
import { runChange } from '../change.ts'
import type { Change } from '../change.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, inSession, usage } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'

interface RollbackOptions {
  readonly all?: boolean
  readonly reason?: string
  readonly dryRun?: boolean
}

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const rollback = program
    .command('rollback [routes...]')
    .alias('abort')
    .description('send routes back to v1 at once and hold them there until rearmed')
    .option('--all', 'the kill switch: everything to v1 until `banyan rearm --global`')
    .option('--reason <text>', 'why, for the audit log; not needed')
    .option('-y, --yes', 'accepted and without effect: lowering never asks')
    .option('--dry-run', 'say what would change, change nothing')
  adminOptions(rollback).action(async (routes: readonly string[], options: RollbackOptions, command: Command) => {
    const problem = problemOf(routes, options)
    if (problem !== null) return io.exit(usage(io, problem))
    await inSession(io, command, (session) => runAll(session, routes, options), terminal)
  })
}

function problemOf(routes: readonly string[], options: RollbackOptions): string | null {
  if (options.all === true && routes.length > 0) return 'name routes, or say --all for everything, not both'
  if (options.all !== true && routes.length === 0) return 'name the routes to roll back, or say --all for everything'
  return null
}

async function runAll(session: Session, routes: readonly string[], options: RollbackOptions): Promise<ExitCode> {
  const all: Change = { method: 'POST', path: '/api/v1/rollback', body: {}, what: 'roll everything back' }
  const each = routes.map((route): Change => ({
    method: 'POST',
    path: `/api/v1/routes/${encodeURIComponent(route)}/rollback`,
    body: {},
    what: `roll ${route} back`,
  }))
  let worst: ExitCode = 0
  for (const change of options.all === true ? [all] : each) {
    const code = await runChange(session, change, { ...options, yes: true })
    if (code !== 0) worst = code
  }
  return worst
}
