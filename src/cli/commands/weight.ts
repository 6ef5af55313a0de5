/** `banyan weight ROUTE PERCENT`, and `promote`, which will work the ramp. */
import type { Command } from 'commander'
import { isWholeBps } from '../../core/units.ts'
import { changeOptions, runChange } from '../change.ts'
import type { ChangeOptions } from '../change.ts'
import { EXIT_FAILED } from '../io.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, inSession, usage } from '../session.ts'
import type { ExitCode } from '../session.ts'
import type { Terminal } from '../terminal.ts'

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const weight = program.command('weight <route> <percent>').description("set v2's share of a route in the canary stage")
  changeOptions(adminOptions(weight)).action(async (route: string, text: string, options: ChangeOptions, command: Command) => {
    const percent = parsePercent(text)
    if (percent === null)
      return io.exit(
        usage(io, `the weight is ${JSON.stringify(text)}: it must be a percentage from 0 to 100 in steps of 0.01, like 5 or 0.25`),
      )
    const change = {
      method: 'PUT',
      path: `/api/v1/routes/${encodeURIComponent(route)}/weight`,
      body: { percent },
      what: `raise ${route} to ${percent} %`,
    } as const
    await inSession(io, command, (session) => runChange(session, change, options), terminal)
  })
  adminOptions(program.command('promote <route>').description('(with ramps, in a later version) move a route on to its next step')).action(
    () => io.exit(promote(io)),
  )
}

/** Accepts `5`, `5%` and `0.25`; null for anything else. */
export function parsePercent(text: string): number | null {
  const digits = /^(\d{1,3}(?:\.\d{1,6})?)\s*%?$/.exec(text.trim())?.[1]
  const percent = Number(digits ?? Number.NaN)
  return percent <= 100 && isWholeBps(percent) ? percent : null
}

function promote(io: CliIo): ExitCode {
  io.stderr('banyan: ramps come with a later version; until then raise the weight by hand: banyan weight ROUTE PERCENT --reason "why"')
  return EXIT_FAILED
}
