/**
 * SIGTERM and SIGINT drain the gateway; a second one ends it at once; SIGHUP does nothing.
 *
 * One press of Ctrl-C often arrives twice: from the terminal, and again from npm or the wrapper that
 * started us and passes signals on. What follows within a quarter of a second is the same press.
 */
import { constants } from 'node:os'
import type { Log } from './log.ts'

const SAME_PRESS_MS = 250

export interface SignalTargets {
  readonly drain: () => void
  readonly exit: (code: number) => void
  readonly log: Log
}

export function obeySignals({ drain, exit, log }: SignalTargets): void {
  let firstAt: number | null = null
  const end = (signal: 'SIGTERM' | 'SIGINT'): void => {
    const now = performance.now()
    if (firstAt === null) {
      firstAt = now
      log('info', `${signal}: draining; once more ends at once`, { signal })
      drain()
    } else if (now - firstAt >= SAME_PRESS_MS) {
      log('warn', `${signal} again: ending without finishing what is in flight`, { signal })
      exit(128 + constants.signals[signal])
    }
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  process.on('SIGHUP', () => log('info', 'SIGHUP: nothing to do, a changed config is noticed by itself', { signal: 'SIGHUP' }))
}
