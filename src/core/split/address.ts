/**
 * Addresses in one spelling, and which of them to believe.
 *
 * An address is a sticky key, so it must be one text for one client: IPv6 as RFC 5952 writes it, IPv4-mapped
 * IPv6 as IPv4 (HTTP.md). What a client writes into `X-Forwarded-For` counts only as far as trusted proxies
 * vouch for it: the right-most address that is not one of ours is the client.
 */

/** Four or sixteen bytes; IPv4-mapped IPv6 is four. */
type AddressBytes = readonly number[]

interface Cidr {
  readonly bytes: AddressBytes
  readonly bits: number
}

/** One canonical text per address; null when the text is no IP address. A zone (`%eth0`) is dropped. */
export function canonicalAddress(text: string): string | null {
  const bytes = parseAddress(text)
  return bytes === null ? null : formatAddress(bytes)
}

function parseAddress(text: string): AddressBytes | null {
  if (!text.includes(':')) return parseV4(text)
  const zone = text.indexOf('%')
  const bytes = parseV6(zone < 0 ? text : text.slice(0, zone))
  return bytes !== null && isMapped(bytes) ? bytes.slice(12) : bytes
}

/** Plain dotted decimal. A leading zero is refused: some read it as octal, and then it is another address. */
function parseV4(text: string): AddressBytes | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes: number[] = []
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part)) return null
    const byte = Number(part)
    if (byte > 255) return null
    bytes.push(byte)
  }
  return bytes
}

function parseV6(text: string): AddressBytes | null {
  const gap = text.indexOf('::')
  if (gap < 0) {
    const bytes = parseGroups(text)
    return bytes?.length === 16 ? bytes : null
  }
  const head = gap === 0 ? [] : parseGroups(text.slice(0, gap))
  const tail = gap === text.length - 2 ? [] : parseGroups(text.slice(gap + 2))
  // "::" stands for at least one group. IPv4 may only be the very end.
  if (head === null || tail === null || head.length + tail.length > 14 || text.slice(0, gap).includes('.')) return null
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail]
}

function parseGroups(text: string): number[] | null {
  const groups = text.split(':')
  const bytes: number[] = []
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] ?? ''
    if (i === groups.length - 1 && group.includes('.')) {
      const v4 = parseV4(group)
      if (v4 === null) return null
      bytes.push(...v4)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes
}

function isMapped(bytes: AddressBytes): boolean {
  return bytes.every((byte, i) => i > 11 || byte === (i < 10 ? 0 : 0xff))
}

function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0))
  const { start, length } = longestZeros(groups)
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`
}

/** The first of the longest runs of zero groups (RFC 5952 4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let run = 0
  for (let i = 0; i < groups.length; i++) {
    run = groups[i] === 0 ? run + 1 : 0
    if (run > best.length) best = { start: i - run + 1, length: run }
  }
  return best
}

/** The proxies whose word on a client's address counts. */
export interface TrustedProxies {
  readonly cidrs: readonly Cidr[]
  /** Whether the peer of a unix socket, which has no address, is one. */
  readonly unixSocket: boolean
}

/** What is wrong with an entry of `trustedProxies` and what would be right; null when it is good. */
export function cidrProblem(text: string): string | null {
  if (text === 'unix:' || parseCidr(text) !== null) return null
  return `"${text}" is no address or CIDR block; write for example 10.0.0.0/8, 192.0.2.7, fd00::/8, or unix: for the peers of a unix socket`
}

/** Entries that `cidrProblem` complains about are left out: what cannot be read is not trusted. */
export function parseCidrs(list: readonly string[]): TrustedProxies {
  return { cidrs: list.map(parseCidr).filter((cidr) => cidr !== null), unixSocket: list.includes('unix:') }
}

function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const bytes = parseAddress(address)
  if (bytes === null || address.includes('%')) return null
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const digits = text.slice(slash + 1)
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8; a shorter prefix reaches beyond IPv4 and is no block of it.
  const bits = Number(digits) - (bytes.length === 4 && address.includes(':') ? 96 : 0)
  return /^[0-9]{1,3}$/.test(digits) && bits >= 0 && bits <= bytes.length * 8 ? { bytes, bits } : null
}

/** Whether an address (any spelling; empty = peer of a unix socket) is a trusted proxy's. */
export function isTrusted(trusted: TrustedProxies, address: string): boolean {
  if (address === '') return trusted.unixSocket
  const bytes = trusted.cidrs.length === 0 ? null : parseAddress(address)
  return bytes !== null && trusted.cidrs.some((cidr) => contains(cidr, bytes))
}

function contains(cidr: Cidr, bytes: AddressBytes): boolean {
  if (cidr.bytes.length !== bytes.length) return false
  const whole = cidr.bits >> 3
  for (let i = 0; i < whole; i++) if (cidr.bytes[i] !== bytes[i]) return false
  const shift = 8 - (cidr.bits & 7)
  return shift === 8 || (cidr.bytes[whole] ?? 0) >> shift === (bytes[whole] ?? 0) >> shift
}

/**
 * The client's address in canonical text: the right-most one of `X-Forwarded-For` that is not a trusted proxy's.
 *
 * The peer itself when it is not trusted, or nothing was forwarded. The left-most when all are trusted. An entry
 * that is no address ends the walk at the proxy that wrote it: what stands left of it is nobody's word.
 * `xffValues`: the header's values in order, one per line.
 */
export function clientAddress(peer: string, xffValues: readonly string[], trusted: TrustedProxies): string {
  let client = canonicalAddress(peer) ?? ''
  if (!isTrusted(trusted, client)) return client
  for (let i = xffValues.length - 1; i >= 0; i--) {
    const line = xffValues[i] ?? ''
    for (let to = line.length; to > 0;) {
      const comma = line.lastIndexOf(',', to - 1)
      const entry = line.slice(comma + 1, to).trim()
      to = comma
      // Empty list elements mean nothing (RFC 9110 5.6.1.2).
      if (entry === '') continue
      const address = forwardedAddress(entry)
      if (address === null) return client
      client = address
      if (!isTrusted(trusted, client)) return client
    }
  }
  return client
}

/** `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::7`, `[2001:db8::7]` and `[2001:db8::7]:1234`: proxies write them all. */
function forwardedAddress(entry: string): string | null {
  const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(entry)?.[1]
  if (bracketed !== undefined) return bracketed.includes(':') ? canonicalAddress(bracketed) : null
  return canonicalAddress(/^([0-9.]+):[0-9]{1,5}$/.exec(entry)?.[1] ?? entry)
}
