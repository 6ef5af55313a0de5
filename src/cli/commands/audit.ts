/** `banyan audit`: who changed what, when, why; newest last, where the eye ends up. */
import type { Command } from 'commander'
import type { AuditEntry } from '../../core/model/control.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { formatTable, plain } from '../table.ts'
import type { Cell, Column } from '../table.ts'
import type { Terminal } from '../terminal.ts'

interface AuditOptions {
  readonly since?: string
  readonly limit?: string
}

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const audit = program
    .command('audit')
    .description('who changed what, when, why')
    .option('--since <time>', 'a duration back from now like 24h, or a time like 2026-01-31T12:00:00Z')
    .option('--limit <count>', 'newest entries at most (default 100)')
  adminOptions(audit).action((options: AuditOptions, command: Command) =>
    inSession(io, command, (session) => run(session, options), terminal),
  )
}

const COLUMNS: readonly Column[] = [
  { title: 'AT' },
  { title: 'REV', right: true },
  { title: 'ACTOR' },
  { title: 'WHAT' },
  { title: 'ROUTE' },
  { title: 'BEFORE' },
  { title: 'AFTER' },
  { title: 'REASON' },
]

async function run(session: Session, options: AuditOptions): Promise<ExitCode> {
  const query = Object.entries({ since: options.since, limit: options.limit }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const reply = await session.client.ask<{ entries: readonly AuditEntry[] }>('GET', '/api/v1/audit', { query })
  if (!reply.ok) return fail(session.io, reply)
  const { entries } = reply.body
  if (session.json) printJson(session.io, reply.body)
  else if (entries.length === 0) session.io.stderr('nothing has been changed')
  else for (const line of formatTable(COLUMNS, entries.map(row).reverse(), session.terminal.paint)) session.io.stdout(line)
  return 0
}

function row(entry: AuditEntry): Cell[] {
  const { at, revision, actor, kind, subject, before, after, reason } = entry
  return [at, String(revision), actor, kind, subject, before, after, reason].map((text) => ({ text: plain(text) }))
}
