/**
 * Stops mirroring to a backend that does not answer: ten failures in a row close the way for a second,
 * doubling to thirty; then one mirror tries.
 */
const FAILURES = 10
const FIRST_MS = 1_000
const MAX_MS = 30_000

export class Breaker {
  #failures = 0
  #openUntil = 0
  #openMs = 0
  #trying = false

  allows(now: number): boolean {
    if (this.#failures < FAILURES) return true
    if (now < this.#openUntil) return false
    // One goes through; the next waits for what becomes of it.
    this.#trying = true
    this.#openUntil = now + Math.max(FIRST_MS, this.#openMs)
    return true
  }

  note(ok: boolean, now: number): void {
    if (ok) {
      this.#failures = 0
      this.#openMs = 0
      this.#trying = false
      return
    }
    this.#failures++
    // Mirrors under way when it opened tell nothing new; only a try that failed makes it wait longer.
    if (this.#failures !== FAILURES && !this.#trying) return
    this.#trying = false
    this.#openMs = this.#openMs === 0 ? FIRST_MS : Math.min(MAX_MS, this.#openMs * 2)
    this.#openUntil = now + this.#openMs
  }
}
