/** `banyan explain ROUTE`: which backend a request would get, and which rule says so. */
import type { Command } from 'commander'
import { bpsToPercent } from '../../core/units.ts'
import type { Explanation } from '../../core/split/explain.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson, usage } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { percentText, plain } from '../table.ts'
import type { Paint, Terminal } from '../terminal.ts'

interface ExplainOptions {
  readonly header: readonly string[]
  readonly cookie: readonly string[]
  readonly path?: string
  readonly method?: string
  readonly host?: string
  readonly client?: string
  readonly at?: string
}

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]
  const explain = program
    .command('explain [route]')
    .description('which backend a request gets, which rule decided, its bucket and threshold')
    .option('--header <line>', "a header of the request, 'name: value' (repeat for more)", collect, [])
    .option('--cookie <pair>', 'a cookie of the request, name=value (repeat for more)', collect, [])
    .option('--path <path>', 'path and query; without ROUTE the first route that matches it is taken')
    .option('--method <method>', 'default GET')
    .option('--host <host>', 'host the request is sent to')
    .option('--client <address>', "the client's IP address")
    .option('--at <time>', '(in a later version) explain a decision of the past')
  adminOptions(explain).action(async (route: string | undefined, options: ExplainOptions, command: Command) => {
    if (options.at !== undefined)
      return io.exit(usage(io, 'explaining the past (--at) comes with a later version; without it the present is explained'))
    if (route === undefined && options.path === undefined) return io.exit(usage(io, 'name the route, or give the --path to match'))
    await inSession(io, command, (session) => run(session, route, options), terminal)
  })
}

async function run(session: Session, route: string | undefined, options: ExplainOptions): Promise<ExitCode> {
  const given = Object.entries({ route, path: options.path, method: options.method, host: options.host, client: options.client })
  const query: (readonly [string, string])[] = [
    ...given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    ...options.header.map((line) => ['header', line] as const),
    ...options.cookie.map((pair) => ['cookie', pair] as const),
  ]
  const reply = await session.client.ask<Explanation>('GET', '/api/v1/explain', { query })
  if (!reply.ok) return fail(session.io, reply)
  if (session.json) printJson(session.io, reply.body)
  else for (const line of lines(reply.body, session.terminal.paint)) session.io.stdout(line)
  return 0
}

function lines(body: Explanation, paint: Paint): string[] {
  const { backend, rule, stickyKey, bucket, below } = body
  const where = bucket === null ? '' : `, bucket ${bucket}`
  return [
    `${paint('bold', backend)}  rule ${rule}  route ${plain(body.route)}  stage ${body.stage}`,
    plain(body.reason),
    stickyKey === null ? 'no sticky key in this request' : `sticky key from ${plain(stickyKey.from)}${where}`,
    `v2 gets buckets below ${below} of 10000 (${percentText(bpsToPercent(below))})`,
  ]
}
