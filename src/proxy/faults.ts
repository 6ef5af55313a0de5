/** Counts a thread's own errors; three within ten seconds are no accident. */
const WINDOW_MS = 10_000
const LIMIT = 3

export interface Faults {
  /** Notes one; true, once, when the thread should be replaced. */
  note(): boolean
}

export function createFaults(clock: () => number): Faults {
  let times: number[] = []
  let over = false
  return {
    note: () => {
      const now = clock()
      times = [...times.filter((time) => now - time < WINDOW_MS), now]
      if (over || times.length < LIMIT) return false
      over = true
      return true
    },
  }
}
