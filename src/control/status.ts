/** The body of `GET status`, put together from what each part knows about itself. */
import { ceilingOf } from '../core/control/effective.ts'
import type { Backend } from '../core/model/config.ts'
import type { ControlState } from '../core/model/control.ts'
import type { RouteStatus, StatusBody } from '../core/model/status.ts'
import type { ProbeStatus } from './probes.ts'
import type { ReloadStatus } from './reload.ts'

export interface StatusParts {
  readonly version: string
  readonly configPath: string
  readonly state: ControlState
  /** Why the state is not known, or null. */
  readonly unknown: string | null
  readonly store: { readonly kind: 'local' | 'redis'; readonly up: boolean; readonly problem: string | null; readonly unsaved: number }
  readonly probes: Readonly<Record<Backend, ProbeStatus>>
  readonly reload: ReloadStatus
  /** Names that do not resolve. */
  readonly resolver: readonly string[]
  readonly threads: { readonly data: number; readonly up: number; readonly compare: boolean }
  readonly routes: readonly RouteStatus[]
}

export function statusBody(parts: StatusParts): StatusBody {
  const { state, store, reload, threads, probes } = parts
  const problems = problemsOf(parts)
  return {
    version: parts.version,
    revision: state.revision,
    degraded: problems.length > 0,
    problems,
    killed: state.killed !== null,
    ceiling: ceilingOf(state),
    store: { kind: store.kind, up: store.up },
    backends: { v1: backendStatus(probes.v1), v2: backendStatus(probes.v2) },
    config: { path: parts.configPath, hash: reload.hash, loadedAt: reload.loadedAt, lastError: reload.lastError, notes: reload.notes },
    threads,
    routes: parts.routes,
    pods: [],
  }
}

function backendStatus({ up, why }: ProbeStatus): StatusBody['backends'][Backend] {
  return { up, why }
}

/** What is needed and missing, one sentence each. A dead v2 is no problem of the gateway's. */
function problemsOf({ unknown, store, reload, resolver, threads }: StatusParts): readonly string[] {
  const newest = reload.lastError.length
  return [
    unknown === null ? null : `the control state is unknown, v2 stays at 0: ${unknown}`,
    store.unsaved > 0 ? `${store.unsaved} commands are in force but not saved, a restart would forget them: ${store.problem ?? ''}` : null,
    store.unsaved === 0 && store.problem !== null ? `the store cannot save, so nothing can be raised: ${store.problem}` : null,
    newest > 0 ? `the newest config is not in force (${newest} problems), the last good one is` : null,
    reload.unpublished,
    ...resolver,
    threads.up < threads.data ? `${threads.up} of ${threads.data} data threads are up` : null,
    threads.compare ? null : 'the compare thread is down: answers are mirrored but not compared',
  ].filter((problem) => problem !== null)
}
