/** Runs a command of the client as the program would, against a real admin server. */
import { Command, CommanderError } from 'commander'
import { register as audit } from '../../src/cli/commands/audit.ts'
import { register as completion } from '../../src/cli/commands/completion.ts'
import { register as diffs } from '../../src/cli/commands/diffs.ts'
import { register as explain } from '../../src/cli/commands/explain.ts'
import { register as plan } from '../../src/cli/commands/plan.ts'
import { register as rearm } from '../../src/cli/commands/rearm.ts'
import { register as rollback } from '../../src/cli/commands/rollback.ts'
import { register as sample } from '../../src/cli/commands/sample.ts'
import { register as stage } from '../../src/cli/commands/stage.ts'
import { register as status } from '../../src/cli/commands/status.ts'
import { register as top } from '../../src/cli/commands/top.ts'
import { register as weight } from '../../src/cli/commands/weight.ts'
import type { CliIo } from '../../src/cli/io.ts'
import type { Terminal } from '../../src/cli/terminal.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly terminal?: Terminal
}

/** Somebody at a terminal who gives these answers in turn, and what was asked. */
export function person(...answers: readonly (string | null)[]): Terminal & { readonly asked: string[] } {
  const asked: string[] = []
  const left = [...answers]
  return {
    interactive: true,
    paint: (_style, text) => text,
    clear: '',
    close: () => undefined,
    asked,
    ask: (question) => {
      asked.push(question)
      return Promise.resolve(left.shift() ?? null)
    },
  }
}

/** No terminal at all: a script. */
export const SCRIPT: Terminal = {
  interactive: false,
  paint: (_style, text) => text,
  clear: '',
  close: () => undefined,
  ask: () => Promise.reject(new Error('asked a script')),
}

export async function run(args: readonly string[], { env = {}, cwd = '/', terminal = SCRIPT }: RunOptions = {}): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  let code = 0
  const io: CliIo = { stdout: (line) => out.push(line), stderr: (line) => err.push(line), env, cwd, exit: (wanted) => (code = wanted) }
  try {
    await createProgram(io, terminal).parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    code = 2
    err.push(error.message)
  }
  return { code, out: out.join('\n'), err: err.join('\n') }
}

function createProgram(io: CliIo, terminal: Terminal): Command {
  const program = new Command('banyan').exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  for (const register of [status, top, weight, stage, rollback, rearm, explain, diffs, sample, audit, plan]) register(program, io, terminal)
  completion(program, io)
  return program
}
