/** Waiting for what is to be told: a condition with a deadline, or a time in which things may happen. */
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 15

export interface Wait {
  readonly signal: AbortSignal
  readonly deadlineMs: number
}

/** Resolves with the condition's first value that is not null; says what it waited for when none came in time. */
export async function until<T>(what: string, condition: () => T | null | Promise<T | null>, { signal, deadlineMs }: Wait): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const value = await condition()
    if (value !== null) return value
    if (performance.now() > end) throw new Error(`waited ${deadlineMs / 1_000} s in vain for this: ${what}`)
    await delay(POLL_MS, undefined, { signal })
  }
}

/** Lets the traffic run. */
export function pass(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal })
}
