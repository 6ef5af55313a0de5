/** What control knows of the two backends from outside: where they are, and whether they answer their probes. */
import type { Backend, GatewayConfig } from '../core/model/config.ts'
import type { Owners } from './notes.ts'
import { createProbes } from './probes.ts'
import type { ProbeStatus } from './probes.ts'
import { createResolver } from './resolver.ts'
import type { Endpoints } from './resolver.ts'

export interface Backends {
  /** Looks up and probes these from now on. Resolves when the addresses are known, or time is up. */
  use(backends: GatewayConfig['backends']): Promise<Endpoints>
  endpoints(): Endpoints
  probe(backend: Backend): ProbeStatus
  /** Names without an address. */
  unresolved(): readonly string[]
  /** Why v1 is thought to be dead, or null; `lastGoodMs`: since it last answered a request well. */
  v1Down(lastGoodMs: number): string | null
  close(): Promise<void>
}

export interface BackendsOptions {
  readonly ids: Owners
  readonly now: () => number
  readonly onChange: (endpoints: Endpoints) => void
  readonly resolveMs?: number | undefined
}

/** A probe may fail for its own reasons: it takes three in a row, and no good answer to any request. */
const PROBES_FAILED = 3
const NO_GOOD_MS = 10_000

export function createBackends({ ids, now, onChange, resolveMs }: BackendsOptions): Backends {
  const resolver = createResolver({ ids, now, onChange, intervalMs: resolveMs })
  const probes = createProbes(now)
  return {
    use: (backends) => {
      probes.use(backends)
      return resolver.use(backends)
    },
    endpoints: () => resolver.current(),
    probe: (backend) => probes.status(backend),
    unresolved: () => resolver.problems(),
    v1Down: (lastGoodMs) => {
      const { failuresInARow, why } = probes.status('v1')
      return failuresInARow >= PROBES_FAILED && lastGoodMs >= NO_GOOD_MS ? why : null
    },
    close: () => {
      resolver.close()
      return probes.close()
    },
  }
}
