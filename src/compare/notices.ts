/**
 * Log lines of the compare thread: what happens often is said once, then at most once a minute with its count.
 *
 * JSON in the shape of pino's; control is the only writer of the log.
 */
const QUIET_MS = 60_000
/** Distinct things to speak about; routes times reasons stay far below. */
const MAX_TOPICS = 5_000

interface Topic {
  spokenAt: number
  times: number
}

export class Notices {
  readonly #topics = new Map<string, Topic>()
  readonly #now: () => number
  readonly #write: (line: string) => void

  /** `now`: wall clock, ms. */
  constructor(now: () => number, write: (line: string) => void) {
    this.#now = now
    this.#write = write
  }

  /** `fields` must be the same for the same topic and hold nothing of a request's. */
  warn(message: string, fields: Readonly<Record<string, string | number>>): void {
    const now = this.#now()
    const id = `${message} ${JSON.stringify(fields)}`
    const topic = this.#topics.get(id) ?? this.#begin(id)
    topic.times++
    // A clock set back must not silence a topic for as long.
    if (Math.abs(now - topic.spokenAt) < QUIET_MS) return
    const { times } = topic
    topic.spokenAt = now
    topic.times = 0
    this.#write(JSON.stringify({ level: 40, time: now, pid: process.pid, thread: 'compare', ...fields, times, msg: message }))
  }

  #begin(id: string): Topic {
    if (this.#topics.size >= MAX_TOPICS) this.#topics.clear()
    const topic: Topic = { spokenAt: Number.NEGATIVE_INFINITY, times: 0 }
    this.#topics.set(id, topic)
    return topic
  }
}
