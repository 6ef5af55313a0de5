/**
 * The access log, off by default: one JSON line per sampled exchange, in a batch that never makes a
 * request wait. A full batch drops lines and counts them.
 */
export interface AccessEntry {
  readonly method: string
  readonly target: string
  readonly status: number
  readonly route: string
  readonly backend: string
  readonly decision: string
  readonly requestId: string
  readonly latencyMs: number
  readonly totalMs: number
}

const MAX_LINES = 2_000

export class AccessLog {
  #lines: string[] = []
  #dropped = 0
  #turn = 0

  /** Whether the next exchange is logged; `sample` in percent. Evenly spread, not random: no burst is lost. */
  wants(sample: number): boolean {
    if (sample <= 0) return false
    this.#turn += sample
    if (this.#turn < 100) return false
    this.#turn -= 100
    return true
  }

  write(entry: AccessEntry): void {
    // The query may carry secrets; it is not logged.
    const cut = entry.target.indexOf('?')
    const path = cut < 0 ? entry.target : entry.target.slice(0, cut)
    this.line({ level: 30, time: Date.now(), msg: 'access', ...entry, target: path })
  }

  line(fields: Readonly<Record<string, unknown>>): void {
    if (this.#lines.length >= MAX_LINES) this.#dropped++
    else this.#lines.push(JSON.stringify(fields))
  }

  /** Takes the batch; null when there is nothing to say. */
  take(): { lines: string[]; dropped: number } | null {
    if (this.#lines.length === 0 && this.#dropped === 0) return null
    const batch = { lines: this.#lines, dropped: this.#dropped }
    this.#lines = []
    this.#dropped = 0
    return batch
  }
}
