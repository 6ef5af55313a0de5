/**
 * What a scrape needs to know. Control's composition root builds a reading from the ledger's reader, the
 * control state and the threads' gauges; the collectors here only name and label it.
 */
import type { Backend, Stage } from '../core/model/config.ts'
import type { VerdictKind } from '../core/model/verdict.ts'
import type { GatewayTotals } from '../ledger/reader.ts'
import type { HistogramTotals, SlotTotals } from '../ledger/totals.ts'

export interface MetricsSource {
  read(): MetricsReading
}

export interface MetricsReading {
  readonly version: string
  readonly routes: readonly RouteReading[]
  /** Slot 0: what belongs to no route. */
  readonly gateway: GatewayTotals
  readonly backendUp: Readonly<Record<Backend, boolean>>
  /** Percent; null = the source says nothing. `lowest` is the one in force. */
  readonly ceiling: { readonly env: number | null; readonly file: number | null; readonly redis: number | null; readonly lowest: number }
  readonly killed: boolean
  readonly storeUp: boolean
  readonly inflight: number
  readonly judgeLagMs: number
  readonly configReloads: { readonly applied: number; readonly invalid: number }
  readonly lastReloadSuccessful: boolean
  readonly logDropped: number
  /** Alerts by receiver (`log`, `slack`, …); receivers that never got one may be absent. */
  readonly alerts: readonly { readonly receiver: string; readonly result: 'ok' | 'failed'; readonly count: number }[]
  readonly threads: readonly ThreadReading[]
}

export interface RouteReading {
  readonly name: string
  readonly stage: Stage
  /** Basis points. */
  readonly effectiveBps: number
  readonly wantedBps: number
  readonly tripped: boolean
  readonly verdict: VerdictKind
  readonly totals: SlotTotals
  /** By lane (index into LANES): last byte of the request to the answer's head. */
  readonly latency: (lane: number) => HistogramTotals
  /** Times this route was sent to v1, by cause. */
  readonly rollbacks: Readonly<Record<RollbackCause, number>>
}

/** `errors`: tripped by the judge; the others by a person, the kill switch or a ceiling at zero. */
export const ROLLBACK_CAUSES = ['errors', 'rollback', 'kill', 'ceiling'] as const
type RollbackCause = (typeof ROLLBACK_CAUSES)[number]

export interface ThreadReading {
  /** `data-0`, `compare`, … */
  readonly name: string
  readonly up: boolean
  readonly loopLagMs: number
  readonly clientConnections: number
  readonly heldBytes: number
}
