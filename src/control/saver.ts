/**
 * Saves applied commands in their order, at once when it can, later when it must.
 *
 * A lowering is in force before it is saved and must not be undone by a full disk, so what could not be
 * saved waits here and is tried again with growing pauses until it succeeds. Meanwhile the gateway is
 * degraded: a crash now would forget these commands. (Raises never wait here: they are refused instead.)
 */
import type { AuditEntry, ControlState } from '../core/model/control.ts'

export interface Saving {
  readonly state: ControlState
  readonly entry: Omit<AuditEntry, 'id'>
}

export interface SaverOptions {
  /** Throws when it cannot be saved. */
  readonly commit: (saving: Saving) => void
  /** Called when saving stops working and when all is saved again (null). */
  readonly onTrouble: (problem: string | null) => void
  readonly retry?: { readonly firstMs: number; readonly mostMs: number }
}

export interface Saver {
  /** Saves now, after whatever waits; throws when it cannot, and then this one is not kept. */
  saveNow(saving: Saving): void
  /** Saves now or later; false = later. */
  saveSoon(saving: Saving): boolean
  waiting(): number
  /** Why the last attempt failed; null when it did not. */
  problem(): string | null
  /** Tries a last time. False: something stays unsaved. */
  close(): boolean
}

const RETRY = { firstMs: 50, mostMs: 5_000 }
/** Each holds a whole state; the newest carry all that matters, only audit lines would be lost. */
const MOST_WAITING = 10_000

export function createSaver(options: SaverOptions): Saver {
  const { firstMs, mostMs } = options.retry ?? RETRY
  const waiting: Saving[] = []
  let timer: NodeJS.Timeout | undefined
  let pauseMs = firstMs
  let problem: string | null = null

  function trouble(now: string | null): void {
    const told = problem
    problem = now
    if ((told === null) !== (now === null)) options.onTrouble(now)
  }

  /** Saves all that waits, oldest first; throws at the first that cannot be. */
  function drain(): void {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      options.commit(first)
      waiting.shift()
    }
  }

  function attempt(): boolean {
    clearTimeout(timer)
    try {
      drain()
      pauseMs = firstMs
      trouble(null)
      return true
    } catch (error) {
      timer = setTimeout(attempt, pauseMs)
      pauseMs = Math.min(mostMs, pauseMs * 2)
      trouble(error instanceof Error ? error.message : String(error))
      return false
    }
  }

  return {
    saveNow: (saving) => {
      try {
        drain()
        options.commit(saving)
        trouble(null)
      } catch (error) {
        trouble(error instanceof Error ? error.message : String(error))
        throw error
      }
    },
    saveSoon: (saving) => {
      waiting.push(saving)
      if (waiting.length > MOST_WAITING) waiting.shift()
      return attempt()
    },
    waiting: () => waiting.length,
    problem: () => problem,
    close: () => {
      clearTimeout(timer)
      if (attempt()) return true
      clearTimeout(timer)
      return false
    },
  }
}
