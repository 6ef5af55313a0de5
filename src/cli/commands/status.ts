/** `banyan status`: what runs, at which weight, held by what, and what the judge says. Exit 3 when something is wrong. */
import type { Command } from 'commander'
import { parseDuration } from '../../core/units.ts'
import type { StatusBody } from '../../core/model/status.ts'
import { EXIT_OK, EXIT_UNHEALTHY } from '../io.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson, usage } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { formatStatus, isUnhealthy } from '../status-text.ts'
import type { Terminal } from '../terminal.ts'
import { watch } from '../watch.ts'
import type { WatchOptions } from '../watch.ts'

interface StatusOptions {
  readonly watch?: boolean
  readonly interval: string
  readonly times?: string
}

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const status = program
    .command('status')
    .description('routes, stages, weights, verdicts; exit code 3 when something is tripped or down')
    .option('-w, --watch', 'refresh until Ctrl-C')
  adminOptions(watchOptions(status)).action(async (options: StatusOptions, command: Command) => {
    const watched = readWatchOptions(options)
    if (typeof watched === 'string') return io.exit(usage(io, watched))
    const live = options.watch === true
    await inSession(io, command, (session) => watch(() => show(session, live), live ? watched : { ...watched, times: 1 }), terminal)
  })
}

export function watchOptions(command: Command): Command {
  return command
    .option('--interval <duration>', 'time between refreshes', '2s')
    .option('-n, --times <count>', 'stop after so many refreshes')
}

/** The options, or what is wrong with them. */
export function readWatchOptions(options: { readonly interval: string; readonly times?: string }): WatchOptions | string {
  const intervalMs = parseDuration(options.interval)
  if (intervalMs === null || intervalMs < 100 || intervalMs > 3_600_000)
    return `--interval is ${JSON.stringify(options.interval)}: it must be a duration from 100ms to 1h, like 2s`
  if (options.times !== undefined && !/^[1-9]\d{0,8}$/.test(options.times))
    return `--times is ${JSON.stringify(options.times)}: it must be a whole number from 1`
  return { intervalMs, times: options.times === undefined ? Number.POSITIVE_INFINITY : Number(options.times) }
}

async function show(session: Session, live: boolean): Promise<ExitCode> {
  const reply = await session.client.ask<StatusBody>('GET', '/api/v1/status')
  if (!reply.ok) return fail(session.io, reply)
  if (session.json) printJson(session.io, reply.body)
  else session.io.stdout((live ? session.terminal.clear : '') + formatStatus(reply.body, session.terminal.paint).join('\n'))
  return isUnhealthy(reply.body) ? EXIT_UNHEALTHY : EXIT_OK
}
