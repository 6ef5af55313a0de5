/**
 * Publishes snapshots: routes get slots, slots get memory and words, and only then the threads hear of them.
 *
 * A new route's word stands before any thread can look at it; a route that is gone loses LIVE in the same
 * moment. What must exist first (a ledger bank for its slots) is asked of main and waited for; meanwhile
 * the threads go on with the snapshot they have.
 */
import type { GatewayConfig } from '../core/model/config.ts'
import type { ControlState } from '../core/model/control.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import type { Board } from './board.ts'
import type { Notes } from './notes.ts'
import type { Peers } from './peers.ts'
import type { Endpoints } from './resolver.ts'
import { routesInForce } from './routes-in-force.ts'
import type { RoutesInForce } from './routes-in-force.ts'
import { createSlotTable, MAX_NAMED_ROUTES } from './slots.ts'
import type { SlotPlan } from './slots.ts'

export interface PublisherOptions {
  readonly notes: Notes
  readonly board: Board
  readonly peers: Pick<Peers, 'publish' | 'acks'>
  /** Ledger banks that exist. */
  readonly banks: () => number
  /** Asks main for a bank; false when none came. */
  readonly needBank: (bank: number) => Promise<boolean>
  /** These slots count for another route now: what was counted before is not its. */
  readonly onReused: (slots: readonly number[]) => void
  readonly onPublished: (published: Published) => void
}

export interface Published {
  readonly snapshot: Snapshot
  readonly inForce: RoutesInForce
}

export interface PublisherInput {
  readonly config: GatewayConfig
  readonly state: ControlState
  readonly endpoints: Endpoints
}

export interface Publisher {
  /**
   * Publishes what `input` says when everything is there: at once when no bank is missing. Resolves with the
   * problem that kept it from publishing; `acknowledged` tries again then.
   */
  publish(input: () => PublisherInput): Promise<string | null>
  /** A data thread acknowledged something: slots may be free again. */
  acknowledged(): void
  current(): Published | null
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { notes, board, peers } = options
  const slots = createSlotTable(notes.slots)
  let current: Published | null = null
  let waitsForSlots: (() => PublisherInput) | null = null

  function release(plan: SlotPlan, inForce: RoutesInForce, { config, state, endpoints }: PublisherInput): void {
    if (plan.added.length > 0) options.onReused(plan.added)
    const entries = inForce.routes.map(({ name, group }) => ({ slot: plan.slots[name] ?? 0, group }))
    board.use(entries, plan.retired, state)
    const snapshot: Snapshot = {
      revision: notes.nextRevision(),
      config: { ...config, routes: inForce.routes },
      slots: plan.slots,
      resalts: inForce.resalts,
      endpoints,
    }
    peers.publish(snapshot)
    slots.published(plan, snapshot.revision)
    current = { snapshot, inForce }
    options.onPublished(current)
  }

  async function publish(input: () => PublisherInput): Promise<string | null> {
    // Asked anew after each wait: a rollback or a reload may have come meanwhile.
    for (;;) {
      const now = input()
      const inForce = routesInForce(now.config, now.state)
      const names = inForce.routes.map(({ name }) => name)
      const plan = slots.plan(names, options.banks())
      waitsForSlots = plan === null ? input : null
      if (plan === null) return tooMany(names.length)
      const missing = Math.max(0, plan.banks - options.banks())
      if (missing === 0) {
        release(plan, inForce, now)
        return null
      }
      const bank = options.banks()
      if (!(await options.needBank(bank))) return `no memory for the counts of ${names.length} routes (bank ${bank} did not come)`
    }
  }

  return {
    publish,
    acknowledged: () => {
      slots.reclaim(peers.acks())
      if (waitsForSlots !== null) void publish(waitsForSlots)
    },
    current: () => current,
  }
}

function tooMany(names: number): string {
  if (names > MAX_NAMED_ROUTES) return `${names} routes and tombstones are more than the ${MAX_NAMED_ROUTES} a gateway can hold`
  return `${names} routes do not fit beside those removed a moment ago; they follow when the last requests of these have ended`
}
