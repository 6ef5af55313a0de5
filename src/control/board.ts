/**
 * From control state to the routing words, for the routes now in the snapshot.
 *
 * The only place that writes words of routes. While the state is unknown (the store cannot be read) every
 * word is bound to zero, whatever the config asks for: a latch nobody can see may be set.
 */
import { gatewayWordOf, nextWordChange, wordOf } from '../core/control/effective.ts'
import type { ControlState } from '../core/model/control.ts'
import { CEILING_ZERO, GATEWAY_SLOT, WEIGHT_MASK } from '../core/model/routing.ts'
import { isLaxer, RETIRED } from './words.ts'
import type { Words } from './words.ts'

interface BoardEntry {
  readonly slot: number
  readonly group: string
}

export interface Board {
  /** The routes in the snapshot from now on, and the slots that are in none any more. */
  use(entries: readonly BoardEntry[], retired: readonly number[], state: ControlState): void
  /** Writes what has changed; all of it before returning. */
  write(state: ControlState): void
  /** Whether writing this state would let somebody have v2 (or a mirror) who has not now. */
  wouldLoosen(state: ControlState): boolean
  /** Sets or lifts the bound of an unknown state; takes effect with the next write. */
  bound(unknown: boolean): void
  close(): void
}

/** setTimeout's own limit is 2^31 ms; looking again earlier costs nothing. */
const LONGEST_WAIT_MS = 60_000

export function createBoard(words: Words, now: () => number): Board {
  let entries: readonly BoardEntry[] = []
  let unknown = false
  /** What the words say now; null = some of them may say something else. */
  let written: ControlState | null = null
  let timer: NodeJS.Timeout | undefined

  const bounded = (word: number): number => (unknown ? (word & ~WEIGHT_MASK) | CEILING_ZERO : word)

  /** The words that may differ from those written, the gateway's first: all routes obey a kill with that one store. */
  function changedWords(state: ControlState): readonly (readonly [slot: number, word: number])[] {
    const at = now()
    const before = written
    const all = before === null || before.killed !== state.killed || before.ceiling !== state.ceiling
    // A thousand routes are a millisecond; one command changes one group.
    const changed = all ? entries : entries.filter(({ group }) => before.groups[group] !== state.groups[group])
    const routes = changed.map(({ slot, group }) => [slot, bounded(wordOf(state, group, { live: true, now: at }))] as const)
    return [[GATEWAY_SLOT, bounded(gatewayWordOf(state, at))], ...routes]
  }

  function write(state: ControlState): void {
    for (const [slot, word] of changedWords(state)) if (words.read(slot) !== word) words.write(slot, word)
    written = state
    clearTimeout(timer)
    const at = now()
    const next = nextWordChange(state, at)
    // Words change by time alone too: mirrors come back some minutes after a trip.
    if (next !== null) timer = setTimeout(() => writeAll(state), Math.min(LONGEST_WAIT_MS, Math.max(1, next - at)))
  }

  function writeAll(state: ControlState): void {
    written = null
    write(state)
  }

  return {
    use: (wanted, retired, state) => {
      entries = wanted
      writeAll(state)
      for (const slot of retired) words.write(slot, RETIRED)
    },
    write,
    wouldLoosen: (state) => changedWords(state).some(([slot, word]) => isLaxer(word, words.read(slot))),
    bound: (now) => {
      unknown = now
      written = null
    },
    close: () => clearTimeout(timer),
  }
}
