/**
 * The sticky key of a request: the first source that is present, as bytes.
 *
 * Header and cookie values count as received, outer whitespace and quotes trimmed, first occurrence; query values
 * and path parameters percent-decoded (`+` stays `+`: a key is an id, not form text); a JWT claim as UTF-8; an address
 * in canonical text. Empty counts as absent, in every source: nobody shares the bucket of "no name given".
 */
import type { GatewayConfig, StickySource } from '../model/config.ts'
import { percentDecode, trimValue, utf8Bytes } from './byte-string.ts'
import { cookieOf } from './cookie.ts'
import type { RequestFacts } from './facts.ts'
import type { Glob } from './glob.ts'
import { paramOf } from './glob.ts'
import { jwtClaim } from './jwt.ts'
import { canonicalPath } from './path.ts'

export interface CompiledSource {
  readonly kind: StickySource['kind']
  /** Header, cookie, claim, query or path parameter name; empty for an address. */
  readonly name: string
  /** The peer's address rather than the client's. */
  readonly direct: boolean
  /** What a decision says the key came from: `header x-user-id`. */
  readonly from: string
}

/** Where a found key is put; a decision is one of these, so that finding a key allocates nothing. */
export interface KeySlot {
  key: string | null
  keyFrom: string
}

/** The configured sources in order, then the gateway's own cookie: an id once minted must be found again. */
export function compileSources(config: Pick<GatewayConfig, 'sticky' | 'stickyCookie'>): readonly CompiledSource[] {
  const sources = config.sticky.map(compileSource)
  const own = config.stickyCookie?.name
  if (own === undefined || sources.some((source) => source.kind === 'cookie' && source.name === own)) return sources
  return [...sources, compileSource({ kind: 'cookie', name: own })]
}

function compileSource(source: StickySource): CompiledSource {
  switch (source.kind) {
    case 'header': {
      const name = source.name.toLowerCase()
      return { kind: 'header', name, direct: false, from: `header ${name}` }
    }
    case 'jwt':
      return { kind: 'jwt', name: source.claim, direct: false, from: `jwt ${source.claim}` }
    case 'query':
      return { kind: 'query', name: utf8Bytes(source.name), direct: false, from: `query ${source.name}` }
    case 'cookie':
    case 'pathParam':
      return { kind: source.kind, name: source.name, direct: false, from: `${source.kind} ${source.name}` }
    case 'ip':
      return { kind: 'ip', name: '', direct: source.direct, from: source.direct ? 'ip direct' : 'ip' }
    default:
      return source satisfies never
  }
}

/** Puts the first key present into `out`; false, with `out` untouched, when there is none. `glob`: of the route, for its path parameters. */
export function findStickyKey(sources: readonly CompiledSource[], facts: RequestFacts, glob: Glob, out: KeySlot): boolean {
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]
    if (source === undefined) continue
    const key = keyFrom(source, facts, glob)
    if (key === null || key === '') continue
    out.key = key
    out.keyFrom = source.from
    return true
  }
  return false
}

function keyFrom(source: CompiledSource, facts: RequestFacts, glob: Glob): string | null {
  switch (source.kind) {
    case 'header':
      return trimmed(facts.header(source.name))
    case 'cookie':
      return trimmed(cookieOf(facts, source.name))
    case 'jwt': {
      const authorization = facts.header('authorization')
      return authorization === null ? null : jwtClaim(authorization, source.name)
    }
    case 'query':
      return queryValue(facts.target, source.name)
    case 'pathParam':
      return paramOf(glob, canonicalPath(facts.target), source.name)
    case 'ip':
      return source.direct ? facts.directAddress : facts.clientAddress
    default:
      return source.kind satisfies never
  }
}

function trimmed(value: string | null): string | null {
  return value === null ? null : trimValue(value)
}

/** The percent-decoded bytes of the first `name=` in a target's query; null when absent, empty for a bare `name`. */
export function queryValue(target: string, name: string): string | null {
  let from = target.indexOf('?') + 1
  if (from === 0) return null
  while (from < target.length) {
    let equals = -1
    let end = from
    // One pass for both separators: searching "=" beyond the parameter's end would be quadratic in "&&&&…".
    for (; end < target.length; end++) {
      const code = target.charCodeAt(end)
      if (code === 0x26) break
      if (code === 0x3d && equals < 0) equals = end
    }
    const nameEnd = equals < 0 ? end : equals
    if (isNamed(target, from, nameEnd, name)) return equals < 0 ? '' : percentDecode(target.slice(equals + 1, end))
    from = end + 1
  }
  return null
}

/** A name may be escaped too: `us%65r` is `user`. */
function isNamed(target: string, from: number, to: number, name: string): boolean {
  if (to - from === name.length) return target.startsWith(name, from)
  return to - from > name.length && percentDecode(target.slice(from, to)) === name
}
