/**
 * Works the backlog off without making anybody wait: a few milliseconds of pairs, then the event loop's turn.
 *
 * Questions and new batches arrive as messages, which are only read between turns.
 */
import type { Backlog, Task } from './backlog.ts'

/** Long enough that the turn itself costs nothing, short enough for an answer that feels immediate. */
const TURN_MS = 4

export interface Loop {
  /** There may be something to do. */
  wake(): void
  /** Takes no further task. */
  stop(): void
}

/** `done`: called with a sender and the bytes it gets back. `work` must not throw. */
export function createLoop<Sender>(
  backlog: Backlog<Sender>,
  work: (task: Task<Sender>) => void,
  done: (sender: Sender, bytes: number) => void,
): Loop {
  const state = { scheduled: false, stopped: false }

  function turn(): void {
    state.scheduled = false
    const until = performance.now() + TURN_MS
    do {
      const task = state.stopped ? null : backlog.take()
      if (task === null) return
      work(task)
      const bytes = backlog.release(task)
      if (bytes > 0) done(task.sender, bytes)
    } while (performance.now() < until)
    wake()
  }

  function wake(): void {
    if (state.scheduled || state.stopped) return
    state.scheduled = true
    setImmediate(turn)
  }

  return { wake, stop: () => void (state.stopped = true) }
}
