/**
 * Ledger banks: memory for the counts of 64 more routes, which only main can hand out to all threads.
 *
 * Asked once per bank however many wait for it; who waits is told false when none comes in time.
 */
export interface BanksOptions {
  /** Banks that exist at the start. */
  readonly count: number
  readonly ask: (bank: number) => void
  readonly onBank: (bank: number, memory: SharedArrayBuffer) => void
  readonly timeoutMs?: number | undefined
}

export interface Banks {
  count(): number
  need(bank: number): Promise<boolean>
  arrived(bank: number, memory: SharedArrayBuffer): void
  close(): void
}

const TIMEOUT_MS = 5_000

interface Asked {
  readonly came: Promise<boolean>
  readonly settle: (came: boolean) => void
}

export function createBanks(options: BanksOptions): Banks {
  const here = new Set(Array.from({ length: options.count }, (_, bank) => bank))
  const asked = new Map<number, Asked>()

  function ask(bank: number): Promise<boolean> {
    let settle: (came: boolean) => void = () => {}
    const came = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => settle(false), options.timeoutMs ?? TIMEOUT_MS)
      settle = (value) => {
        clearTimeout(timer)
        asked.delete(bank)
        resolve(value)
      }
    })
    asked.set(bank, { came, settle })
    options.ask(bank)
    return came
  }

  return {
    // Banks count without a gap: bank 3 is of no use to a slot of bank 2.
    count: () => {
      let count = 0
      while (here.has(count)) count++
      return count
    },
    need: (bank) => (here.has(bank) ? Promise.resolve(true) : (asked.get(bank)?.came ?? ask(bank))),
    arrived: (bank, memory) => {
      if (!here.has(bank)) options.onBank(bank, memory)
      here.add(bank)
      asked.get(bank)?.settle(true)
    },
    close: () => {
      for (const { settle } of asked.values()) settle(false)
    },
  }
}
