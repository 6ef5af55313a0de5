/**
 * A snapshot made ready for one data thread: routes compiled, constant bytes prepared, pools at hand.
 *
 * An exchange takes the runtime that is current when it begins and keeps it to its end, so a reload never
 * changes the rules under a request.
 */
import type { Backend, GatewayConfig, TimeoutsConfig } from '../core/model/config.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { parseCidrs } from '../core/split/address.ts'
import type { TrustedProxies } from '../core/split/address.ts'
import type { CompiledRoutes } from '../core/split/match.ts'
import { compileRoutes } from '../core/split/match.ts'
import type { HeadLimits } from '../wire/head.ts'
import { headLimitsOf } from './limits.ts'

export interface Runtime {
  readonly snapshot: Snapshot
  readonly config: GatewayConfig
  readonly routes: CompiledRoutes
  readonly trusted: TrustedProxies
  readonly headLimits: HeadLimits
  readonly holdBytes: number
  /** Deadlines that hold before a route is known: those of the last route, the catch-all by custom. */
  readonly timeouts: TimeoutsConfig
  /** `X-Banyan-Hop: name CRLF`, and its value. */
  readonly hopLine: string
  readonly hopName: string
  /** Lower-case names. */
  readonly requestIdName: string
  readonly debugName: string
  /** `Name: v1 CRLF`, or empty when the header is off. */
  readonly backendLine: Readonly<Record<Backend, string>>
  readonly versionLine: Readonly<Record<Backend, string>>
  readonly backendName: string
  readonly versionName: string
  readonly authority: Readonly<Record<Backend, string>>
}

export function createRuntime(snapshot: Snapshot): Runtime {
  const { config } = snapshot
  const last = config.routes[config.routes.length - 1]
  if (last === undefined) throw new Error('a snapshot without routes')
  return {
    snapshot,
    config,
    routes: compileRoutes(config, { slots: snapshot.slots, resalts: snapshot.resalts }),
    trusted: parseCidrs(config.trustedProxies),
    headLimits: headLimitsOf(config.limits),
    holdBytes: config.limits.holdBytes,
    timeouts: last.timeouts,
    hopLine: `X-Banyan-Hop: ${config.name}\r\n`,
    hopName: config.name,
    requestIdName: config.requestId.header.toLowerCase(),
    debugName: config.debug.header.toLowerCase(),
    backendLine: linesOf(config.responseHeaders.backend),
    versionLine: linesOf(config.responseHeaders.version),
    backendName: (config.responseHeaders.backend ?? '').toLowerCase(),
    versionName: (config.responseHeaders.version ?? '').toLowerCase(),
    authority: { v1: authorityOf(snapshot, 'v1'), v2: authorityOf(snapshot, 'v2') },
  }
}

function linesOf(name: string | null): Readonly<Record<Backend, string>> {
  return name === null ? { v1: '', v2: '' } : { v1: `${name}: v1\r\n`, v2: `${name}: v2\r\n` }
}

/** For a 1.0 request without Host. */
function authorityOf(snapshot: Snapshot, backend: Backend): string {
  return snapshot.endpoints[backend][0]?.authority ?? 'localhost'
}
