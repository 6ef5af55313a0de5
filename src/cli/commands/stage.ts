/** `banyan stage ROUTE STAGE`. */
import type { Command } from 'commander'
import { STAGES } from '../../core/model/routing.ts'
import { changeOptions, runChange } from '../change.ts'
import type { ChangeOptions } from '../change.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, inSession, usage } from '../session.ts'
import type { Terminal } from '../terminal.ts'

interface StageOptions extends ChangeOptions {
  readonly force?: boolean
}

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const stage = program
    .command('stage <route> <stage>')
    .description('move a route to another stage: off, shadow, canary or complete')
    .option('--force', 'to complete although the weight is below 100')
  changeOptions(adminOptions(stage)).action(async (route: string, name: string, options: StageOptions, command: Command) => {
    if (!STAGES.some((known) => known === name))
      return io.exit(usage(io, `the stage is ${JSON.stringify(name)}: it must be one of ${STAGES.join(', ')}`))
    const change = {
      method: 'PUT',
      path: `/api/v1/routes/${encodeURIComponent(route)}/stage`,
      body: { stage: name, ...(options.force === true ? { force: true } : {}) },
      what: `move ${route} to ${name}`,
    } as const
    await inSession(io, command, (session) => runChange(session, change, options), terminal)
  })
}
