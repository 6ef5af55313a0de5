/**
 * What control publishes to the data threads: one immutable view, replaced whole.
 *
 * Stage, weight and latches are *not* in it: they travel in the routing words, so that a rollback
 * never waits for a message. A request reads one snapshot and keeps it to its end.
 */
import type { Backend, GatewayConfig } from './config.ts'

export interface Snapshot {
  readonly revision: number
  readonly config: GatewayConfig
  /** Route name → slot. A slot belongs to a name for as long as that name exists. */
  readonly slots: Readonly<Record<string, number>>
  /** Group → extra salt chosen by `rearm --resalt`; groups without one are absent. */
  readonly resalts: Readonly<Record<string, string>>
  readonly endpoints: Readonly<Record<Backend, readonly ResolvedEndpoint[]>>
}

/** An endpoint with its address: data threads connect to IP literals and socket paths only. */
export interface ResolvedEndpoint {
  /** Stable index of this address in the shared connection counters (0–255). */
  readonly id: number
  /** `host:port` for the Host header when the client sent none. */
  readonly authority: string
  readonly address: string
  readonly port: number
  readonly socketPath: string | null
  readonly tls: boolean
  /** Name for SNI and certificate check. */
  readonly serverName: string
}
