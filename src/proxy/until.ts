/** Waiting for a condition without a promise per request: only ends of life wait here. */
/** Resolves when the condition holds, or after `ms`. */
export function until(condition: () => boolean, ms: number): Promise<void> {
  const end = performance.now() + ms
  return new Promise((resolve) => {
    const look = (): void => {
      if (condition() || performance.now() >= end) resolve()
      else setTimeout(look, Math.min(50, Math.max(1, end - performance.now())))
    }
    setImmediate(look)
  })
}
