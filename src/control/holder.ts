/**
 * The one place that has the control state. Every change is a command through `submit`.
 *
 * Safety is asymmetric, and here is where: a command that loosens nothing is in force (all words written)
 * before the disk hears of it; a command that lets somebody have v2 who has not now is saved first, and
 * refused when it cannot be. "Loosens" is asked of the words themselves, not of the command's name.
 */
import { apply } from '../core/control/apply.ts'
import type { Applied } from '../core/control/apply.ts'
import { isRefusal } from '../core/control/state.ts'
import type { AuditEntry, Command, ControlState, Refusal } from '../core/model/control.ts'
import type { Board } from './board.ts'
import type { Saver } from './saver.ts'

export interface HolderOptions {
  readonly state: ControlState
  /** Why the stored state could not be read; null when it is known. */
  readonly unknown: string | null
  readonly board: Board
  readonly saver: Saver
  readonly now: () => number
  /** Milliseconds of a clock that never goes back. */
  readonly monotonic: () => number
  readonly onChange: (change: Change) => void
}

/** A command that went through. */
export interface Change {
  readonly command: Command
  readonly before: ControlState
  readonly after: ControlState
  readonly entry: Omit<AuditEntry, 'id'>
  readonly saved: boolean
  /** From the call to the last routing word. */
  readonly tookMs: number
}

export interface Submitted {
  readonly entry: Omit<AuditEntry, 'id'>
  readonly saved: boolean
}

export interface Holder {
  state(): ControlState
  /** Why the state is not known, or null. */
  unknown(): string | null
  /** Whether the command would pass and loosen nothing, now. */
  lowers(command: Command): boolean
  submit(command: Command, options?: { readonly dryRun: boolean }): Submitted | Refusal
}

export function createHolder(options: HolderOptions): Holder {
  const { board, saver, unknown, monotonic } = options
  let state = options.state
  board.bound(unknown !== null)

  /** Everything that `submit` may do with a command that is not refused; tells whether it is saved. */
  function carryOut(command: Command, applied: Applied): Carried | Refusal {
    const { state: next, entry } = applied
    const raises = applied.raised || board.wouldLoosen(next)
    if (unknown !== null) {
      // A config must be known even then, if only to have its routes at v1; the words stay bound to zero.
      if (raises && command.kind !== 'configure') return refuseUnknown(unknown)
      return { writtenAt: take(next), saved: false }
    }
    if (!raises) {
      const writtenAt = take(next)
      return { writtenAt, saved: saver.saveSoon({ state: next, entry }) }
    }
    try {
      saver.saveNow({ state: next, entry })
    } catch (error) {
      return refuseUnsaved(error)
    }
    return { writtenAt: take(next), saved: true }
  }

  function take(next: ControlState): number {
    state = next
    board.write(next)
    return monotonic()
  }

  return {
    state: () => state,
    unknown: () => unknown,
    lowers: (command) => {
      const applied = apply(state, command, options.now())
      return !isRefusal(applied) && !applied.raised && !board.wouldLoosen(applied.state)
    },
    submit: (command, { dryRun } = { dryRun: false }) => {
      const start = monotonic()
      const before = state
      const applied = apply(state, command, options.now())
      if (isRefusal(applied)) return applied
      const { entry } = applied
      if (dryRun) return unknown !== null && applied.raised ? refuseUnknown(unknown) : { entry, saved: true }
      const carried = carryOut(command, applied)
      if (isRefusal(carried)) return carried
      const { saved, writtenAt } = carried
      options.onChange({ command, before, after: applied.state, entry, saved, tookMs: writtenAt - start })
      return { entry, saved }
    },
  }
}

interface Carried {
  readonly saved: boolean
  /** When the last routing word was written. */
  readonly writtenAt: number
}

function refuseUnknown(why: string): Refusal {
  return {
    refused: true,
    code: 'state-unknown',
    status: 503,
    message: `the control state cannot be read (${why}): v2 stays at 0 and nothing can be raised; move the file away or repair it, then restart`,
  }
}

function refuseUnsaved(error: unknown): Refusal {
  const why = error instanceof Error ? error.message : String(error)
  return {
    refused: true,
    code: 'not-saved',
    status: 503,
    message: `nothing was changed: a raise must be saved first, and that failed (${why}); free the disk or repair the store, then try again`,
  }
}
