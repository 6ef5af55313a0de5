/**
 * Which names this admin port goes by, and which web pages may speak to it.
 *
 * A browser on an operator's machine can reach a loopback port on behalf of any page: by a form or fetch
 * from another origin, or by a name the page's owner points at 127.0.0.1 (DNS rebinding). The first is
 * told by Origin, the second by Host. Both are checked, also with a token: the cost is nothing.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { problem } from './problem.ts'
import type { Problem } from './problem.ts'

export function isLoopback(address: string): boolean {
  const plain = withoutMapping(address.toLowerCase())
  return plain === 'localhost' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}

export interface KnownHosts {
  /** Hosts allowed besides loopback names: the bind address, and names from the config. */
  readonly names: ReadonlySet<string>
}

export function createKnownHosts(bindHost: string, configured: readonly string[]): KnownHosts {
  return { names: new Set([bindHost, ...configured].map((name) => nameOf(name) ?? name.toLowerCase())) }
}

/** `localAddress`: the address this connection came in on; bound to a wildcard, that is the bind address. */
export function checkHost(known: KnownHosts, host: string | undefined, localAddress: string | undefined): Problem | null {
  const name = host === undefined ? null : nameOf(host)
  if (name !== null) {
    if (isLoopback(name) || known.names.has(name)) return null
    if (localAddress !== undefined && name === withoutMapping(localAddress)) return null
  }
  return problem(
    'host-unknown',
    `the Host header names ${JSON.stringify(host ?? '')}, which this gateway does not go by: ` +
      `use a loopback name, the address it listens on, or a name it was configured with (${[...known.names].join(', ')})`,
  )
}

/** `origin` and `site`: the headers Origin and Sec-Fetch-Site; scripts send neither. */
export function checkOrigin(host: string | undefined, origin: string | undefined, site: string | undefined): Problem | null {
  const sameOrigin =
    origin === undefined || (host !== undefined && /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase())
  const sameSite = site === undefined || site === 'same-origin' || site === 'none'
  if (sameOrigin && sameSite) return null
  return problem(
    'origin-refused',
    'a page of another origin may not change this gateway: only its own pages, or requests without an Origin header',
  )
}

/** Host part of an authority without port and brackets, lower-case; null when it is no authority. */
function nameOf(authority: string): string | null {
  const text = authority.toLowerCase()
  if (isIPv6(text)) return withoutMapping(text)
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(text)
  const name = match?.[1] ?? match?.[2] ?? null
  return name === null ? null : withoutMapping(name)
}

function withoutMapping(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  return mapped?.[1] ?? address
}
