/**
 * The end of the gateway: nothing in flight is cut that would end in time.
 *
 * Both times count from the signal. Readiness falls at once; listeners stay open for `delayMs`, because
 * load balancers send new requests until they have looked again; what still runs at `graceMs` is cut.
 * The threads do that themselves; here it is only waited for, never longer than the grace.
 */
import { isData } from './switchboard.ts'
import type { Log } from './log.ts'
import type { SupervisedThread } from './thread.ts'

/** Control and compare have written all but the last lines before; this is for those. */
const WRITE_OUT_MS = 1_000

export interface DrainTimes {
  readonly delayMs: number
  readonly graceMs: number
}

export interface Drain {
  /** A reload changed the times; ignored once the drain runs. */
  setTimes(times: DrainTimes): void
  /** Resolves when every thread is gone. A second call waits for the first. */
  run(): Promise<void>
  /** This thread has nothing left to do, or is dead. */
  drained(thread: SupervisedThread): void
}

export function createDrain(threads: readonly SupervisedThread[], initial: DrainTimes, log: Log): Drain {
  let times = initial
  let running: Promise<void> | null = null
  const waiting = new Set<SupervisedThread>()
  let onDrained = (): void => undefined

  /** Waits until none of these is left, at most so long; tells who is. */
  async function finish(group: readonly SupervisedThread[], withinMs: number): Promise<readonly string[]> {
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const thread of group) if (thread.running) waiting.add(thread)
    onDrained = () => {
      if (waiting.size === 0) resolve()
    }
    const timer = setTimeout(resolve, withinMs)
    onDrained()
    await promise
    clearTimeout(timer)
    const left = [...waiting].map(({ name }) => name)
    waiting.clear()
    return left
  }

  async function run(): Promise<void> {
    const { delayMs, graceMs } = times
    const data = threads.filter(({ name }) => isData(name))
    const rest = threads.filter(({ name }) => !isData(name))
    log('info', 'draining', { delayMs, graceMs })
    for (const thread of threads) {
      thread.retire()
      thread.post({ kind: 'drain', delayMs, graceMs })
    }
    const cut = await finish(data, Math.max(delayMs, graceMs))
    await Promise.all(data.map((thread) => thread.stop()))
    for (const thread of rest) thread.post({ kind: 'stop' })
    await finish(rest, WRITE_OUT_MS)
    await Promise.all(rest.map((thread) => thread.stop()))
    log(cut.length === 0 ? 'info' : 'warn', cut.length === 0 ? 'drained' : 'the grace is over', { cut })
  }

  return {
    setTimes: (changed) => void (times = { delayMs: changed.delayMs, graceMs: changed.graceMs }),
    run: () => (running ??= run()),
    drained: (thread) => {
      if (waiting.delete(thread)) onDrained()
    },
  }
}
