/**
 * Notices threads whose heartbeat stands still.
 *
 * It only tells. A thread that hangs may hold a debugger, a huge regular expression or a paused machine;
 * killing it would cut its clients, and the kernel gives new connections to the other listeners anyway.
 */
import type { PeerName } from '../core/model/messages.ts'

const STUCK_MS = 10_000

interface StuckChange {
  readonly thread: PeerName
  readonly stuck: boolean
  readonly stillMs: number
}

export interface StuckWatch {
  /** What changed since the last look. `heartbeat`: the thread's number now, null while it is down. */
  look(now: number, heartbeat: (thread: PeerName) => number | null): StuckChange[]
}

interface Seen {
  beat: number
  movedAt: number
  stuck: boolean
}

export function createStuckWatch(threads: readonly PeerName[]): StuckWatch {
  const seen = new Map<PeerName, Seen>()
  return {
    look(now, heartbeat) {
      return threads.flatMap((thread) => {
        const beat = heartbeat(thread)
        // Zero: it has not begun to beat. A thread that never does is not watched.
        if (beat !== null && beat !== 0) return lookAt(seen, thread, beat, now)
        seen.delete(thread)
        return []
      })
    },
  }
}

function lookAt(seen: Map<PeerName, Seen>, thread: PeerName, beat: number, now: number): StuckChange[] {
  const last = seen.get(thread)
  if (last === undefined) {
    seen.set(thread, { beat, movedAt: now, stuck: false })
    return []
  }
  const stillMs = now - last.movedAt
  if (last.beat !== beat) {
    const wasStuck = last.stuck
    seen.set(thread, { beat, movedAt: now, stuck: false })
    return wasStuck ? [{ thread, stuck: false, stillMs }] : []
  }
  if (last.stuck || stillMs <= STUCK_MS) return []
  last.stuck = true
  return [{ thread, stuck: true, stillMs }]
}
