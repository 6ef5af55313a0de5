/**
 * What a command may touch of the process: handed in, so that a test runs a command like any other function.
 *
 * Answers go to stdout, chatter and complaints to stderr. `exit` says how the process shall end; a command
 * returns after it. Nothing else of the process is a command's business.
 */
export interface CliIo {
  readonly stdout: (line: string) => void
  readonly stderr: (line: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly exit: (code: number) => void
}

export const EXIT_OK = 0
export const EXIT_FAILED = 1
/** Wrong usage, or a config that is not valid. */
export const EXIT_USAGE = 2
/** Unhealthy, tripped or differing. */
export const EXIT_UNHEALTHY = 3
