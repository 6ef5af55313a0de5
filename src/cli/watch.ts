/** Repeats a view until it is interrupted or has been shown often enough. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExitCode } from './session.ts'

export interface WatchOptions {
  readonly intervalMs: number
  /** Infinity = until Ctrl-C. */
  readonly times: number
}

/** Resolves with the code of the last view; Ctrl-C ends the wait, not the program. */
export async function watch(view: () => Promise<ExitCode>, { intervalMs, times }: WatchOptions): Promise<ExitCode> {
  const stopped = new AbortController()
  const stop = (): void => stopped.abort()
  process.once('SIGINT', stop)
  let code: ExitCode = 0
  try {
    for (let shown = 0; shown < times && !stopped.signal.aborted; shown++) {
      if (shown > 0) await sleep(intervalMs, undefined, { signal: stopped.signal }).catch(() => null)
      if (!stopped.signal.aborted) code = await view()
    }
  } finally {
    process.off('SIGINT', stop)
  }
  return code
}
