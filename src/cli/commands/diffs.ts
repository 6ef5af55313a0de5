/** `banyan diffs [ROUTE]`: where v2 answers differently, by field. Exit 3 when a regression is among them. */
import type { Command } from 'commander'
import type { Finding } from '../../core/model/finding.ts'
import { EXIT_OK, EXIT_UNHEALTHY } from '../io.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson, usage } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { countText, formatTable, plain } from '../table.ts'
import type { Cell, Column } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const diffs = program
    .command('diffs [route] [id]')
    .description('differing fields with counts and states; exit code 3 when there is a regression')
    .option('--export', '(in a later version) write all findings to a file')
  adminOptions(diffs).action(async (route: string | undefined, id: string | undefined, options: { export?: boolean }, command: Command) => {
    if (options.export === true) return io.exit(usage(io, '--export comes with a later version; --json prints the findings'))
    if (id !== undefined) return io.exit(usage(io, acceptProblem(route)))
    await inSession(io, command, (session) => run(session, route), terminal)
  })
}

function acceptProblem(route: string | undefined): string {
  return route === 'accept'
    ? '`diffs accept` comes with a later version; until then list intended differences under compare.ignore in the config'
    : 'diffs takes one route at most'
}

async function run(session: Session, route: string | undefined): Promise<ExitCode> {
  const reply = await session.client.ask<{ findings: readonly Finding[] }>('GET', '/api/v1/diffs', {
    query: route === undefined ? [] : [['route', route]],
  })
  if (!reply.ok) return fail(session.io, reply)
  const { findings } = reply.body
  if (session.json) printJson(session.io, reply.body)
  else if (findings.length === 0) session.io.stderr('no differences found')
  else for (const line of formatTable(COLUMNS, findings.map(row), session.terminal.paint)) session.io.stdout(line)
  return findings.some(({ state }) => state === 'regression') ? EXIT_UNHEALTHY : EXIT_OK
}

const COLUMNS: readonly Column[] = [
  { title: 'ROUTE' },
  { title: 'ENDPOINT' },
  { title: 'PATH' },
  { title: 'KIND' },
  { title: 'STATE' },
  { title: 'COUNT', right: true },
  { title: 'COMPARED', right: true },
  { title: 'SHARE', right: true },
  { title: 'EXAMPLE' },
]

const STATE_STYLES: Readonly<Record<Finding['state'], Style>> = { learning: 'dim', noisy: 'dim', regression: 'red', resolved: 'green' }

function row(finding: Finding): Cell[] {
  const [low, high] = finding.share
  return [
    { text: plain(finding.route) },
    { text: plain(finding.endpoint) },
    { text: plain(finding.path) },
    { text: finding.kind },
    { text: finding.state, style: STATE_STYLES[finding.state] },
    { text: countText(finding.count) },
    { text: countText(finding.compared) },
    { text: `${(low * 100).toFixed(1)}-${(high * 100).toFixed(1)} %` },
    { text: plain(finding.examples[0] ?? '-') },
  ]
}
