/** Waiting for conditions instead of sleeping. */

/** Resolves when the condition holds; past the deadline fails with what was waited for. */
export async function until(what: string | (() => string), condition: () => boolean, deadlineMs = 5_000): Promise<void> {
  const end = performance.now() + deadlineMs
  // A few turns of the loop first: most conditions hold within microseconds on loopback.
  for (let turn = 0; turn < 20; turn++) {
    if (condition()) return
    await turnOfLoop()
  }
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Resolves once `value` has not changed for `quietMs`; for quantities that must stop growing. */
export async function untilSteady(what: string, value: () => number, quietMs: number, deadlineMs = 15_000): Promise<number> {
  let last = value()
  let since = performance.now()
  await until(
    `${what} steady`,
    () => {
      const now = value()
      if (now !== last) {
        last = now
        since = performance.now()
      }
      return performance.now() - since >= quietMs
    },
    deadlineMs,
  )
  return last
}

export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
