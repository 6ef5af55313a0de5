/**
 * Everything the threads say to one another. Requests never travel here: counts go through the ledger,
 * weights through the routing words. Each pair of threads has a port of its own, handed out by main at
 * every (re)start.
 */
import type { Finding, Sample } from './finding.ts'
import type { PairBatch } from './pair.ts'
import type { Snapshot } from './snapshot.ts'
import type { GatewayConfig, ListenConfig } from './config.ts'

/** Shared memory of the process; main allocates, everybody maps. */
export interface SharedMemory {
  /** Int32 × MAX_ROUTES: the routing words. Control writes, data threads read. */
  readonly words: SharedArrayBuffer
  /** Int32 × 256: open primary connections of the process per endpoint id. Data threads add and subtract. */
  readonly connections: SharedArrayBuffer
  /** Int32 × THREAD_CELLS per data thread, then compare, then control: see `ledger/gauges.ts`. */
  readonly gauges: SharedArrayBuffer
  /**
   * Int32 × CONTROL_NOTES_CELLS: what control must know again after its own death (which route name owns
   * which slot, which address which endpoint id, the last snapshot's revision). Only control reads or writes it.
   */
  readonly notes: SharedArrayBuffer
  /** Ledger banks by index, each SLOTS_PER_BANK slots for every region (data threads, then compare). */
  readonly banks: readonly SharedArrayBuffer[]
  /** Data threads; the compare thread writes region `threads`. */
  readonly threads: number
}

export interface ControlStart {
  readonly configPath: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly memory: SharedMemory
  /** Port of the data listeners when already known (a control thread restarted under load). */
  readonly dataPort: number | null
  readonly version: string
  /** What an earlier control thread of this process told main last; null at the first start. */
  readonly inForce: ConfigInForce | null
}

/**
 * The config in force. Main keeps it for control's successor: should the file be bad by then, the successor
 * must still know the routes it may have to roll back.
 */
export interface ConfigInForce {
  readonly config: GatewayConfig
  readonly hash: string
}

export interface DataStart {
  readonly index: number
  readonly memory: SharedMemory
  readonly listen: ListenConfig
}

export interface CompareStart {
  readonly memory: SharedMemory
  /** Folder of samples.db. */
  readonly storePath: string
}

export type PeerName = 'control' | 'compare' | `data-${number}`

/** main → any thread. `port` is a MessagePort in the transfer list. */
export type FromMain =
  | { readonly kind: 'peer'; readonly peer: PeerName; readonly port: unknown }
  | { readonly kind: 'bank'; readonly bank: number; readonly memory: SharedArrayBuffer }
  | { readonly kind: 'drain'; readonly delayMs: number; readonly graceMs: number }
  | { readonly kind: 'thread'; readonly thread: PeerName; readonly up: boolean; readonly why: string }
  | { readonly kind: 'data-port'; readonly port: number }
  /** To control and compare, once no data thread runs any more: write out what is pending, answer `drained`. */
  | { readonly kind: 'stop' }

/** any thread → main. */
export type ToMain =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'admin-listening'; readonly host: string; readonly port: number }
  | { readonly kind: 'need-bank'; readonly bank: number }
  /** For main to keep and to give to the next control thread. */
  | { readonly kind: 'config-in-force'; readonly inForce: ConfigInForce }
  | { readonly kind: 'drain-times'; readonly delayMs: number; readonly graceMs: number }
  | { readonly kind: 'drained' }
  | { readonly kind: 'unusable'; readonly why: string }
  | { readonly kind: 'refused-to-start'; readonly exitCode: number; readonly problems: readonly string[] }

export type ControlToData =
  { readonly kind: 'snapshot'; readonly snapshot: Snapshot } | { readonly kind: 'readiness'; readonly ready: boolean }

export type DataToControl =
  /** `oldest`: the oldest revision an exchange of this thread still holds. */
  | { readonly kind: 'ack'; readonly revision: number; readonly oldest: number }
  | { readonly kind: 'log'; readonly lines: readonly string[]; readonly dropped: number }

export type DataToCompare = { readonly kind: 'pairs'; readonly batch: PairBatch }
/** Flow control: bytes of batches the compare thread has finished with. */
export type CompareToData = { readonly kind: 'taken'; readonly bytes: number }

export type ControlToCompare =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'ask-findings'; readonly id: number; readonly route: string | null }
  | { readonly kind: 'ask-sample'; readonly id: number; readonly sample: string }

export type CompareToControl =
  | { readonly kind: 'findings'; readonly id: number; readonly findings: readonly Finding[] }
  | { readonly kind: 'sample'; readonly id: number; readonly sample: Sample | null }
  | { readonly kind: 'log'; readonly lines: readonly string[]; readonly dropped: number }
