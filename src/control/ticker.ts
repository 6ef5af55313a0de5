/** Calls a task at an interval and knows how late it is: the loop's own lag is the judge's. */
export interface Ticker {
  /** Lateness of the last call, milliseconds. */
  lagMs(): number
  close(): void
}

export function createTicker(intervalMs: number, monotonic: () => number, task: () => void): Ticker {
  let due = monotonic() + intervalMs
  let lagMs = 0
  const timer = setInterval(() => {
    const now = monotonic()
    lagMs = Math.max(0, now - due)
    due = now + intervalMs
    task()
  }, intervalMs)
  return {
    // A thread that is stuck now is late already, whatever its last call said.
    lagMs: () => Math.max(lagMs, monotonic() - due),
    close: () => clearInterval(timer),
  }
}
