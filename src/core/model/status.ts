/** The body of `GET /api/v1/status`: what scripts rely on (more fields may be added). */
import type { Backend, Stage } from './config.ts'
import type { HeldBy } from './control.ts'
import type { Verdict } from './verdict.ts'

export interface StatusBody {
  readonly version: string
  readonly revision: number
  /** True when something needed is missing and the gateway lives on its last good knowledge. */
  readonly degraded: boolean
  /** Why degraded: one sentence each; empty when not. */
  readonly problems: readonly string[]
  readonly killed: boolean
  readonly ceiling: CeilingStatus
  readonly store: { readonly kind: 'local' | 'redis'; readonly up: boolean }
  readonly backends: Readonly<Record<Backend, { readonly up: boolean; readonly why: string | null }>>
  readonly config: {
    readonly path: string
    readonly hash: string
    readonly loadedAt: string
    readonly lastError: readonly string[]
    /** What the last reload did not do, and why: sections that need a restart, refused commands. */
    readonly notes?: readonly string[]
  }
  readonly threads: { readonly data: number; readonly up: number; readonly compare: boolean }
  readonly routes: readonly RouteStatus[]
  readonly pods: readonly never[]
}

export interface CeilingStatus {
  /** The lowest of the sources; 100 when none says anything. */
  readonly percent: number
  readonly source: 'none' | 'env' | 'file' | 'redis'
  readonly env: number | null
  readonly file: number | null
  readonly redis: number | null
}

export interface RouteStatus {
  readonly name: string
  readonly group: string
  readonly stage: Stage
  /** Percent. */
  readonly weight: { readonly configured: number; readonly wanted: number; readonly effective: number; readonly heldBy: HeldBy }
  readonly tripped: { readonly at: string; readonly cause: string; readonly reason: string; readonly epoch: number } | null
  readonly verdict: Verdict
  readonly ramp: { readonly step: number; readonly of: number; readonly waitsFor: string } | null
  /** Percent of finished exchanges; null before the first. */
  readonly share: { readonly wanted: number; readonly actual: number | null; readonly keyless: number | null }
  readonly requests: Readonly<Record<Backend, number>>
  readonly failures: Readonly<Record<Backend, number>>
  readonly fallbacks: number
  readonly shadow: { readonly sent: number; readonly dropped: Readonly<Record<string, number>> }
  readonly comparisons: Readonly<Record<'match' | 'mismatch' | 'ignored' | 'incomparable', number>>
}
