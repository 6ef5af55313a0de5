/**
 * Questions to another thread: an id out, an answer back, and an end when none comes.
 *
 * A thread that died takes its answers with it, so no question waits longer than its time; what is
 * returned then is the caller's `nothing`.
 */
export interface Asks<T> {
  /** `send` gets the question's id. Resolves with `nothing` when it cannot be sent or nobody answers in time. */
  ask(send: (id: number) => boolean, nothing: T): Promise<T>
  answer(id: number, value: T): void
  close(): void
}

const TIMEOUT_MS = 2_000

export function createAsks<T>(timeoutMs = TIMEOUT_MS): Asks<T> {
  const open = new Map<number, (value: T | undefined) => void>()
  let last = 0
  return {
    ask: (send, nothing) =>
      new Promise((resolve) => {
        const id = ++last
        const timer = setTimeout(() => settle(undefined), timeoutMs)
        const settle = (value: T | undefined): void => {
          clearTimeout(timer)
          open.delete(id)
          resolve(value === undefined ? nothing : value)
        }
        open.set(id, settle)
        if (!send(id)) settle(undefined)
      }),
    answer: (id, value) => open.get(id)?.(value),
    close: () => {
      for (const settle of open.values()) settle(undefined)
    },
  }
}
