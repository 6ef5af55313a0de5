/**
 * One timer wheel per thread for every deadline of every connection.
 *
 * Activity only writes a deadline; the tick looks at the entries filed for it and files those anew whose
 * deadline has moved on. So extending a deadline, the thing done per request, costs one store. The
 * wheel's own lateness is the thread's event-loop lag.
 */
const TICK_MS = 100
/** 102 s a turn; later deadlines wait for more turns. */
const SLOTS = 1_024

export interface Timed {
  /** Milliseconds on the wheel's clock when it is due; 0 = none. */
  deadline: number
  onDeadline(now: number): void
  /** `onDeadline` threw: let go of everything, without throwing again. Without it the wheel's owner is told. */
  onCrash?(error: unknown): void
}

/** A place on the wheel; embed one in what has a deadline. */
export class WheelEntry {
  prev: WheelEntry | null = null
  next: WheelEntry | null = null
  /** Tick it is filed for; −1 = not filed. */
  tick = -1
  readonly owner: Timed

  constructor(owner: Timed) {
    this.owner = owner
  }
}

export class Wheel {
  /** The time of the last tick: good enough for deadlines, and free to read. */
  now: number
  /** Lateness of the last tick, milliseconds. */
  lagMs = 0
  readonly #clock: () => number
  readonly #onError: (error: unknown) => void
  readonly #slots: (WheelEntry | null)[] = Array.from({ length: SLOTS }, () => null)
  #tick: number
  #timer: NodeJS.Timeout | null = null
  #lastTick: number
  #busy = false
  /** Next entry of the slot being visited: what an entry's deadline unlinks must not break the walk. */
  #cursor: WheelEntry | null = null

  /** `onError`: what a deadline's owner throws; the wheel itself goes on turning. */
  constructor(clock: () => number = () => performance.now(), onError: (error: unknown) => void = rethrow) {
    this.#clock = clock
    this.#onError = onError
    this.now = clock()
    this.#lastTick = this.now
    this.#tick = Math.floor(this.now / TICK_MS)
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      // After a stall what came meanwhile is read first: an answer that is here must not miss its deadline.
      if (this.#clock() - this.#lastTick < 2 * TICK_MS) this.turn()
      else setImmediate(() => this.turn())
    }, TICK_MS)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** Sets the entry's deadline; refiles only when it comes earlier than filed. */
  arm(entry: WheelEntry, deadline: number): void {
    entry.owner.deadline = deadline
    const tick = Math.floor(deadline / TICK_MS) + 1
    if (entry.tick !== -1 && entry.tick <= tick) return
    if (entry.tick !== -1) this.#unlink(entry)
    this.#file(entry, tick)
  }

  /** Takes the deadline away; the entry stays filed until its tick (cheaper than unlinking). */
  disarm(entry: WheelEntry): void {
    entry.owner.deadline = 0
  }

  /** Unlinks the entry for good. */
  remove(entry: WheelEntry): void {
    entry.owner.deadline = 0
    if (entry.tick !== -1) this.#unlink(entry)
  }

  #file(entry: WheelEntry, tick: number): void {
    // Never into a slot the hand has passed, nor (while it turns) into the one it stands on.
    const at = Math.max(tick, this.#tick + (this.#busy ? 1 : 0))
    const slot = at % SLOTS
    entry.tick = at
    entry.prev = null
    const head = this.#slots[slot] ?? null
    entry.next = head
    if (head !== null) head.prev = entry
    this.#slots[slot] = entry
  }

  #unlink(entry: WheelEntry): void {
    if (entry === this.#cursor) this.#cursor = entry.next
    else if (entry.prev === null) this.#slots[entry.tick % SLOTS] = entry.next
    else entry.prev.next = entry.next
    if (entry.next !== null) entry.next.prev = entry.prev
    entry.prev = null
    entry.next = null
    entry.tick = -1
  }

  /** Moves the hand to the present; called by the timer, or by a test with its own clock. */
  turn(): void {
    const now = this.#clock()
    this.lagMs = Math.max(0, now - this.#lastTick - TICK_MS)
    this.#lastTick = now
    this.now = now
    const target = Math.floor(now / TICK_MS)
    // After a long stall one turn visits every slot; more would visit them twice.
    if (target - this.#tick > SLOTS) this.#tick = target - SLOTS
    this.#busy = true
    while (this.#tick <= target) {
      this.#visit(this.#tick, now)
      this.#tick++
    }
    this.#busy = false
  }

  #visit(tick: number, now: number): void {
    this.#cursor = this.#slots[tick % SLOTS] ?? null
    this.#slots[tick % SLOTS] = null
    while (this.#cursor !== null) {
      const entry: WheelEntry = this.#cursor
      this.#cursor = entry.next
      if (this.#cursor !== null) this.#cursor.prev = null
      const filed = entry.tick
      entry.next = null
      entry.tick = -1
      const { owner } = entry
      if (filed > tick) this.#file(entry, filed)
      else if (owner.deadline > now) this.#file(entry, Math.floor(owner.deadline / TICK_MS) + 1)
      else if (owner.deadline > 0) {
        owner.deadline = 0
        this.#fire(owner, now)
      }
    }
  }

  #fire(owner: Timed, now: number): void {
    try {
      owner.onDeadline(now)
    } catch (error) {
      if (owner.onCrash === undefined) this.#onError(error)
      else owner.onCrash(error)
    }
  }
}

function rethrow(error: unknown): never {
  throw error
}
