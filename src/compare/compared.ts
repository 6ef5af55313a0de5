/**
 * How many comparisons of a route there were since its findings began: what a finding's share is a share of.
 *
 * Equal answers never travel, so most comparisons are counted by the data threads; the ledger adds up
 * all of them. It goes on over a restart of this thread and over a slot's owners, the findings do not,
 * hence the base.
 */
import type { Snapshot } from '../core/model/snapshot.ts'

interface Base {
  readonly slot: number
  readonly count: number
}

export class Compared {
  /** Comparisons counted in a slot by all threads, ever. */
  readonly #countOf: (slot: number) => number
  #bases = new Map<string, Base>()

  constructor(countOf: (slot: number) => number) {
    this.#countOf = countOf
  }

  configure({ config, slots }: Snapshot): void {
    const before = this.#bases
    this.#bases = new Map()
    for (const { name } of config.routes) {
      const slot = slots[name]
      if (slot === undefined) continue
      const known = before.get(name)
      this.#bases.set(name, known?.slot === slot ? known : { slot, count: this.#countOf(slot) })
    }
  }

  on(route: string): number {
    const base = this.#bases.get(route)
    return base === undefined ? 0 : Math.max(0, this.#countOf(base.slot) - base.count)
  }
}
