/** `banyan rearm ROUTE` ends a route's latch, `banyan rearm --global` the kill switch's. Both need a reason. */
import type { Command } from 'commander'
import { changeOptions, runChange } from '../change.ts'
import type { Change, ChangeOptions } from '../change.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, inSession, usage } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { parsePercent } from './weight.ts'

interface RearmOptions extends ChangeOptions {
  readonly to?: string
  readonly resalt?: boolean
  readonly force?: boolean
  readonly global?: boolean
}

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const rearm = program
    .command('rearm [route]')
    .alias('retry')
    .description("end a route's latch; it starts again at its first step, never above its weight before the trip")
    .option('--to <percent>', 'start at this weight instead')
    .option('--resalt', 'pick other users this time')
    .option('--force', 'although it tripped minutes ago, or for the third time in 7 days')
    .option('--global', 'end the global latch (kill switch) only')
  changeOptions(adminOptions(rearm)).action(async (route: string | undefined, options: RearmOptions, command: Command) => {
    const change = changeFor(route, options)
    if (typeof change === 'string') return io.exit(usage(io, change))
    await inSession(io, command, (session) => runChange(session, change, options), terminal)
  })
}

/** The change, or what is wrong with the arguments. */
function changeFor(route: string | undefined, options: RearmOptions): Change | string {
  const force = options.force === true ? { force: true } : {}
  if (options.global === true) {
    if (route !== undefined || options.to !== undefined || options.resalt === true)
      return '--global ends the global latch only: it takes no route, no --to and no --resalt'
    return { method: 'POST', path: '/api/v1/rearm', body: force, what: 'end the global latch' }
  }
  if (route === undefined) return 'name the route to rearm, or say --global for the kill switch'
  const to = options.to === undefined ? undefined : parsePercent(options.to)
  if (to === null) return `--to is ${JSON.stringify(options.to)}: it must be a percentage from 0 to 100 in steps of 0.01`
  const body = { ...(to === undefined ? {} : { to }), ...(options.resalt === true ? { resalt: true } : {}), ...force }
  return {
    method: 'POST',
    path: `/api/v1/routes/${encodeURIComponent(route)}/rearm`,
    body,
    what: `rearm ${route}${to === undefined ? '' : ` at ${to} %`}`,
  }
}
