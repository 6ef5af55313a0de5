/**
 * Ready: requests sent here are served. Serving, config in force, control state looked at, data threads listening.
 *
 * v2 is no part of it, on purpose: a gateway whose v2 is dead serves all users from v1, and taking it out of
 * the load balancer for that would turn v2's outage into everybody's.
 */
export interface ReadinessParts {
  readonly draining: boolean
  readonly configInForce: boolean
  /** Data threads that acknowledged a snapshot, and how many there are meant to be. */
  readonly threads: { readonly acknowledged: number; readonly of: number }
  readonly listening: boolean
}

export interface Readiness {
  readonly ready: boolean
  readonly why: readonly string[]
}

export function readiness(parts: ReadinessParts): Readiness {
  const why = [
    parts.draining ? 'the gateway is draining' : null,
    parts.configInForce ? null : 'no valid config has been loaded',
    // One that listens serves; while others are replaced the port stays open.
    parts.threads.acknowledged > 0 ? null : `none of ${parts.threads.of} data threads works with a config yet`,
    parts.listening ? null : 'no data thread listens yet',
  ].filter((sentence) => sentence !== null)
  return { ready: why.length === 0, why }
}
