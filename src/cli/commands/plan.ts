/** `banyan plan PATH`: what this config would change on the running gateway. Exit 2 when it is not valid. */
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { PlanBody, PlanRoute, PlanSide } from '../../core/model/plan.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson, usage } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { countText, formatTable, percentText, plain } from '../table.ts'
import type { Cell, Column } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'

/** The largest config that is read at all. */
const CONFIG_BYTES = 1024 * 1024

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const plan = program
    .command('plan <path>')
    .description('what this config would change on the running gateway, route by route; changes nothing')
  adminOptions(plan).action(async (path: string, _options: object, command: Command) => {
    const file = readConfig(resolve(io.cwd, path))
    if ('problem' in file) return io.exit(usage(io, file.problem))
    await inSession(io, command, (session) => run(session, file.text), terminal)
  })
}

/** A file, or a folder with a `gateway.yaml` in it. */
function readConfig(path: string): { readonly text: string } | { readonly problem: string } {
  try {
    const file = statSync(path).isDirectory() ? join(path, 'gateway.yaml') : path
    const { size } = statSync(file)
    if (size > CONFIG_BYTES) return { problem: `${file} is ${countText(size)} bytes: configs over 1 MiB are not read` }
    return { text: readFileSync(file, 'utf8') }
  } catch (error) {
    return { problem: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

async function run(session: Session, text: string): Promise<ExitCode> {
  const reply = await session.client.ask<PlanBody>('POST', '/api/v1/plan', { body: text })
  if (!reply.ok) return fail(session.io, reply)
  if (session.json) printJson(session.io, reply.body)
  else for (const line of lines(session, reply.body)) session.io.stdout(line)
  return 0
}

const COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'ROUTE' },
  { title: 'BEFORE' },
  { title: 'AFTER' },
  { title: 'USERS THAT MOVE', right: true },
  { title: 'BACK TO V1', right: true },
]

function lines(session: Session, body: PlanBody): string[] {
  const changed = body.routes.filter(({ change }) => change !== 'same')
  const same = body.routes.length - changed.length
  const table = changed.length === 0 ? ['no route changes'] : formatTable(COLUMNS, changed.map(row), session.terminal.paint)
  return [
    ...table,
    ...(same > 0 && changed.length > 0 ? [`${same} ${same === 1 ? 'route stays' : 'routes stay'} as they are`] : []),
    ...body.notes.map((note) => `note: ${plain(note)}`),
  ]
}

const MARKS: Readonly<Record<PlanRoute['change'], readonly [mark: string, style: Style]>> = {
  added: ['+', 'green'],
  removed: ['-', 'red'],
  changed: ['~', 'yellow'],
  same: ['', 'dim'],
}

function row(route: PlanRoute): Cell[] {
  const [text, style] = MARKS[route.change]
  return [
    { text, style },
    { text: plain(route.name), style: 'bold' },
    { text: side(route.before) },
    { text: side(route.after) },
    { text: percentText(route.moves) },
    { text: route.backToV1 === null ? '-' : `${countText(route.backToV1)}/s` },
  ]
}

function side(side: PlanSide | null): string {
  if (side === null) return '-'
  const { wanted, effective, heldBy } = side.weight
  const held = heldBy === 'none' || heldBy === 'stage' ? '' : `, in force ${percentText(effective)} (${heldBy})`
  return side.stage === 'canary' ? `canary ${percentText(wanted)}${held}` : `${side.stage}${held}`
}
