/**
 * The control state as it is found at the start: from the store, from the words that outlived a predecessor,
 * or not at all.
 *
 * An unreadable store is no reason not to serve, and none to guess: v2 stays at 0, it is said, and the store
 * is asked again until it answers.
 */
import { initialState } from '../core/control/state.ts'
import type { SharedMemory } from '../core/model/messages.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import type { AlertSink, ControlLog } from './announce.ts'
import { createBoard } from './board.ts'
import type { Board } from './board.ts'
import { createHolder } from './holder.ts'
import type { Change, Holder } from './holder.ts'
import { lostLowerings } from './lost-lowerings.ts'
import { openNotes } from './notes.ts'
import type { Notes } from './notes.ts'
import { createSaver } from './saver.ts'
import type { Saver } from './saver.ts'
import type { ControlStore, Loaded } from './store.ts'
import { openWords } from './words.ts'

export interface OpenStateOptions {
  readonly memory: Pick<SharedMemory, 'words' | 'notes'>
  readonly store: Pick<ControlStore, 'load' | 'commit'>
  readonly log: ControlLog
  readonly alerts: AlertSink
  readonly now: () => number
  readonly monotonic: () => number
  readonly onChange: (change: Change) => void
  /** The state was unknown and is known now: the config must be applied to it. */
  readonly onRecovered: () => void
  readonly recoverMs?: number | undefined
}

export interface OpenState {
  readonly notes: Notes
  readonly board: Board
  readonly saver: Saver
  readonly holder: Holder
  close(): void
}

const RECOVER_MS = 5_000

export function openState(options: OpenStateOptions): OpenState {
  const { memory, store, alerts, now, monotonic, onChange } = options
  const notes = openNotes(memory.notes)
  const words = openWords(memory.words)
  const board = createBoard(words, now)
  const saver = createSaver({
    commit: ({ state, entry }) => void store.commit(state, entry),
    onTrouble: (problem) => (problem === null ? alerts.resolve(INCIDENT, 'the control state is saved again') : raise(alerts, problem)),
  })
  const loaded = store.load()
  const holder = createHolder({ state: loaded.state ?? initialState(), unknown: unknownIn(loaded), board, saver, now, monotonic, onChange })
  if (loaded.problem !== null) raise(alerts, loaded.problem.message)
  if (holder.unknown() === null) {
    const slotWord = (route: string): number | null => (notes.slots.find(route) < 0 ? null : words.read(notes.slots.find(route)))
    for (const command of lostLowerings(holder.state(), words.read(GATEWAY_SLOT), slotWord)) holder.submit(command)
  }
  const stop = holder.unknown() === null ? () => {} : tryToRecover(options, holder)
  return {
    notes,
    board,
    saver,
    holder,
    close: () => {
      stop()
      board.close()
      if (!saver.close()) options.log.error({}, `${saver.waiting()} commands could not be saved: ${saver.problem() ?? ''}`)
    },
  }
}

const INCIDENT = 'store'

function raise(alerts: AlertSink, problem: string): void {
  alerts.raise({ severity: 'critical', incident: INCIDENT, text: problem, route: null, evidence: null })
}

function unknownIn({ state, problem }: Loaded): string | null {
  return state === null && problem !== null ? problem.message : null
}

function tryToRecover({ store, alerts, log, onRecovered, recoverMs }: OpenStateOptions, holder: Holder): () => void {
  const timer = setInterval(() => {
    const { state } = store.load()
    // A file that vanished is no answer either: only a restart, a person's act, may begin from nothing.
    if (state === null) return
    clearInterval(timer)
    holder.recover(state)
    alerts.resolve(INCIDENT, 'the control state can be read again')
    log.warn({}, 'the control state can be read again; v2 is no longer held at 0 for want of it')
    onRecovered()
  }, recoverMs ?? RECOVER_MS)
  return () => clearInterval(timer)
}
