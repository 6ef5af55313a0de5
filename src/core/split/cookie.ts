/**
 * Cookies: reading one out of `Cookie`, and the gateway's own sticky cookie.
 */
import type { RequestFacts } from './facts.ts'
import { preflightMethod } from './facts.ts'

/** The first value of a cookie in one `Cookie` line, as received; null when it is not there. Names are case-sensitive. */
export function cookieInLine(line: string, name: string): string | null {
  let from = 0
  while (from < line.length) {
    const semicolon = line.indexOf(';', from)
    const end = semicolon < 0 ? line.length : semicolon
    while (from < end && isBlank(line.charCodeAt(from))) from++
    if (line.startsWith(name, from)) {
      let equals = from + name.length
      while (equals < end && isBlank(line.charCodeAt(equals))) equals++
      if (line.charCodeAt(equals) === 0x3d) return line.slice(equals + 1, end)
    }
    from = end + 1
  }
  return null
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** The first value over all `Cookie` lines: some clients and HTTP/2 front ends send one line per cookie. */
export function cookieOf(facts: RequestFacts, name: string): string | null {
  const line = facts.header('cookie')
  if (line === null) return null
  const value = cookieInLine(line, name)
  if (value !== null) return value
  // A second look at the first line costs less than keeping it apart: nearly every request has one line.
  for (const other of facts.headers('cookie')) {
    const found = cookieInLine(other, name)
    if (found !== null) return found
  }
  return null
}

/** Whether this request may be given a key of its own. A preflight is the browser's, without cookies: never. */
export function mayMint(facts: RequestFacts): boolean {
  return preflightMethod(facts) === null
}

/**
 * Whether the minted cookie may be set on this answer. What a shared cache may store (RFC 9111 3) would hand
 * one user's id to everybody.
 */
export function mayCarryCookie(cacheControl: string | null): boolean {
  return cacheControl === null || !/(?:^|[\s,])(?:public|s-maxage)(?:$|[\s,=])/i.test(cacheControl)
}

/** Value of the `Set-Cookie` that makes a minted id sticky. `https`: the client came over TLS, by our knowledge or a trusted proxy's word. */
export function stickySetCookie(cookie: { readonly name: string; readonly maxAgeMs: number }, id: string, https: boolean): string {
  const maxAge = Math.floor(cookie.maxAgeMs / 1000)
  return `${cookie.name}=${id}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${https ? '; Secure' : ''}`
}
