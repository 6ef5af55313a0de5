/** What a method promises (RFC 9110 section 9.2). A method nobody knows promises nothing. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

export function isSafe(method: string): boolean {
  return SAFE.has(method)
}

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}
