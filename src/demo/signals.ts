/**
 * The ways a demo ends before its time: Ctrl-C, a closed terminal, a reader that went away, an error of its own.
 *
 * The first signal asks it to end and clean up; the second ends it at once, cleaning up all the same. One press of
 * Ctrl-C arrives twice (from the terminal, and from npm or the starter that passes it on).
 */
import { constants } from 'node:os'

const SAME_PRESS_MS = 250
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface End {
  /** Aborted when the demo is to end. */
  readonly signal: AbortSignal
  /** The exit code for that, as a shell expects it. */
  code(): number
}

/** `last`: what is to be done on every way out, at once and without waiting. */
export function obeyEnd(last: () => void): End {
  const controller = new AbortController()
  let code = 1
  let firstAt: number | null = null
  const end = (name: (typeof SIGNALS)[number]): void => {
    const now = performance.now()
    if (firstAt === null) {
      firstAt = now
      code = 128 + constants.signals[name]
      controller.abort()
    } else if (now - firstAt >= SAME_PRESS_MS) process.exit(code)
  }
  for (const name of SIGNALS) process.on(name, () => end(name))
  // `npm run demo | head`: nobody is left to tell it to.
  process.stdout.on('error', () => controller.abort())
  process.on('exit', last)
  process.on('uncaughtException', (error) => {
    process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exit(1)
  })
  return { signal: controller.signal, code: () => code }
}
