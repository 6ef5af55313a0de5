/** Waiting for a condition instead of for a time. */

const POLL_MS = 5

/**
 * Resolves with the first value that is neither false, null nor undefined; a condition that throws does
 * not hold yet. Past the deadline it fails and says what was waited for, and the last error.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (holds(value)) return value
    } catch (error) {
      last = error
    }
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function holds<T>(value: T): value is Exclude<T, false | null | undefined> {
  return value !== false && value !== null && value !== undefined
}
