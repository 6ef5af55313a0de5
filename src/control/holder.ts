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

interface Submitted {
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
  /** The state could be read after all. What was lowered meanwhile is lowered in it too, before any word is written. */
  recover(stored: ControlState): void
}

export function createHolder(options: HolderOptions): Holder {
  return new StateHolder(options)
}

class StateHolder implements Holder {
  readonly #options: HolderOptions
  /** Obeyed while the state was unknown. */
  readonly #meanwhile: Command[] = []
  #state: ControlState
  #unknown: string | null

  constructor(options: HolderOptions) {
    this.#options = options
    this.#state = options.state
    this.#unknown = options.unknown
    options.board.bound(options.unknown !== null)
  }

  state(): ControlState {
    return this.#state
  }

  unknown(): string | null {
    return this.#unknown
  }

  lowers(command: Command): boolean {
    const applied = apply(this.#state, command, this.#options.now())
    return !isRefusal(applied) && !this.#raises(applied)
  }

  submit(command: Command, { dryRun } = { dryRun: false }): Submitted | Refusal {
    const { monotonic, now, onChange } = this.#options
    const start = monotonic()
    const before = this.#state
    const applied = apply(before, command, now())
    if (isRefusal(applied)) return applied
    const { entry, state: after } = applied
    if (dryRun) return this.#unknown !== null && applied.raised ? refuseUnknown(this.#unknown) : { entry, saved: true }
    const carried = this.#carryOut(command, applied)
    if (isRefusal(carried)) return carried
    const { saved, writtenAt } = carried
    onChange({ command, before, after, entry, saved, tookMs: writtenAt - start })
    return { entry, saved }
  }

  recover(stored: ControlState): void {
    this.#unknown = null
    this.#state = stored
    for (const command of this.#meanwhile.splice(0)) {
      const applied = apply(this.#state, command, this.#options.now())
      if (isRefusal(applied) || applied.raised) continue
      this.#state = applied.state
      this.#options.saver.saveSoon(applied)
    }
    this.#options.board.bound(false)
    this.#options.board.write(this.#state)
  }

  #raises(applied: Applied): boolean {
    return applied.raised || this.#options.board.wouldLoosen(applied.state)
  }

  #carryOut(command: Command, applied: Applied): Carried | Refusal {
    const { saver } = this.#options
    const raises = this.#raises(applied)
    if (this.#unknown !== null) {
      // A config must be known even then, if only to have its routes at v1; the words stay bound to zero.
      if (raises && command.kind !== 'configure') return refuseUnknown(this.#unknown)
      if (command.kind !== 'configure') this.#meanwhile.push(command)
      return { writtenAt: this.#take(applied), saved: false }
    }
    if (!raises) {
      const writtenAt = this.#take(applied)
      return { writtenAt, saved: saver.saveSoon(applied) }
    }
    try {
      saver.saveNow(applied)
    } catch (error) {
      return refuseUnsaved(error)
    }
    return { writtenAt: this.#take(applied), saved: true }
  }

  #take({ state }: Applied): number {
    this.#state = state
    this.#options.board.write(state)
    return this.#options.monotonic()
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
