/** `banyan sample ID`: one redacted pair of answers, side by side in time, differences first. */
import type { Command } from 'commander'
import type { Difference, Sample } from '../../core/model/finding.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { formatTable, plain } from '../table.ts'
import type { Cell, Column } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const sample = program.command('sample <id>').description('one redacted pair of differing answers; `banyan diffs` lists the ids')
  adminOptions(sample).action((id: string, _options: object, command: Command) =>
    inSession(io, command, (session) => run(session, id), terminal),
  )
}

async function run(session: Session, id: string): Promise<ExitCode> {
  const reply = await session.client.ask<Sample>('GET', `/api/v1/samples/${encodeURIComponent(id)}`)
  if (!reply.ok) return fail(session.io, reply)
  if (session.json) printJson(session.io, reply.body)
  else for (const line of lines(session, reply.body)) session.io.stdout(line)
  return 0
}

const COLUMNS: readonly Column[] = [{ title: 'PATH' }, { title: 'KIND' }, { title: 'V1' }, { title: 'V2' }]

function lines(session: Session, sample: Sample): string[] {
  const { paint } = session.terminal
  const row = ({ path, kind, v1, v2 }: Difference): Cell[] => [
    { text: plain(path) },
    { text: kind },
    { text: plain(v1 ?? '(absent)') },
    { text: plain(v2 ?? '(absent)') },
  ]
  const answer = (name: 'v1' | 'v2'): string[] => {
    const { status, headers, body } = sample[name]
    const heads = Object.entries(headers).map(([header, value]) => paint('dim', `${plain(header)}: ${plain(value)}`))
    return ['', paint('bold', `${name}  ${status}`), ...heads, ...body.split('\n').map(plain)]
  }
  return [
    `${paint('bold', `${plain(sample.method)} ${plain(sample.target)}`)}  route ${plain(sample.route)}  at ${plain(sample.at)}  request ${plain(sample.requestId)}`,
    '',
    ...formatTable(COLUMNS, sample.differences.map(row), paint),
    ...answer('v1'),
    ...answer('v2'),
  ]
}
