/**
 * A claim out of the bearer token in `Authorization`, unverified.
 *
 * The claim only chooses a bucket: whoever forges a token chooses his own backend, nothing more, and the backend
 * verifies it anyway. So there is no key to configure and nothing to fail. Whatever cannot be read is no key.
 */
import { utf8Bytes, utf8Text } from './byte-string.ts'

const BEARER = /^bearer +/i

/** `claim` is a top-level name. Strings count as their UTF-8 bytes, numbers as their decimal text; null when absent. */
export function jwtClaim(authorization: string, claim: string): string | null {
  const scheme = BEARER.exec(authorization)
  if (scheme === null) return null
  const from = authorization.indexOf('.', scheme[0].length) + 1
  const to = authorization.indexOf('.', from)
  if (from === 0 || to < 0) return null
  return claimText(decodeBase64Url(authorization.slice(from, to)), claim)
}

function decodeBase64Url(text: string): string | null {
  try {
    return utf8Text(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
  } catch {
    return null
  }
}

function claimText(payload: string | null, claim: string): string | null {
  if (payload === null) return null
  try {
    const claims: unknown = JSON.parse(payload)
    if (typeof claims !== 'object' || claims === null || !Object.hasOwn(claims, claim)) return null
    const value: unknown = Reflect.get(claims, claim)
    if (typeof value === 'number') return String(value)
    return typeof value === 'string' && value !== '' ? utf8Bytes(value) : null
  } catch {
    return null
  }
}
