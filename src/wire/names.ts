/**
 * The header names the gateway has an opinion about, each with a small id.
 *
 * The scanner folds a name into a hash while it reads it (lower-case, `_` as `-`), so recognising a name
 * costs one table look-up and one comparison. A name spelt with underscores gets the id too, flagged:
 * `Transfer_Encoding` is no framing header, but a backend behind a CGI-like layer may take it for one.
 */
import { FOLD } from './bytes.ts'

const KNOWN = [
  '',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
  'http2-settings',
  'expect',
  'max-forwards',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-real-ip',
  'via',
  'authorization',
  'cookie',
  'set-cookie',
  'traceparent',
  'x-banyan-hop',
  'x-banyan-shadow',
  'x-api-version',
  'cache-control',
  'content-type',
  'content-encoding',
  'range',
] as const

export const H_HOST = 1
export const H_CONTENT_LENGTH = 2
export const H_TRANSFER_ENCODING = 3
export const H_CONNECTION = 4
export const H_KEEP_ALIVE = 5
export const H_TRAILER = 10
export const H_UPGRADE = 11
const H_HTTP2_SETTINGS = 12
export const H_EXPECT = 13
export const H_MAX_FORWARDS = 14
export const H_FORWARDED = 15
export const H_XFF = 16
export const H_XF_PROTO = 17
export const H_XF_HOST = 18
export const H_XF_PORT = 19
export const H_REAL_IP = 20
export const H_VIA = 21
const H_AUTHORIZATION = 22
const H_COOKIE = 23
export const H_TRACEPARENT = 25
export const H_HOP = 26
export const H_SHADOW = 27
export const H_API_VERSION = 28
export const H_CACHE_CONTROL = 29

/** Hop-by-hop in both directions (9110 7.6.1): ids from `connection` to `http2-settings`, and framing. */
export function isHopByHop(id: number): boolean {
  return id >= H_TRANSFER_ENCODING && id <= H_HTTP2_SETTINGS
}

/** Names a client's `Connection` header may not nominate: removing them would change what the request means. */
export function isProtected(id: number): boolean {
  return id === H_HOST || id === H_AUTHORIZATION || id === H_CONTENT_LENGTH || id === H_COOKIE
}

/** Names whose underscore spelling is dropped: framing, hop-by-hop, forwarding. */
export function isLookalikeDanger(id: number): boolean {
  return id >= H_HOST && id <= H_REAL_IP
}

/** Fields that never pass in a trailer: framing, routing, authentication, hop-by-hop, our own (9110 6.5.1). */
export function isForbiddenTrailer(id: number): boolean {
  return id > 0
}

const SIZE = 1_024
const SLOT = new Uint8Array(SIZE)
const BYTES = KNOWN.map((name) => Buffer.from(name, 'latin1'))

/** The scanner's hash step: start at 0, feed every byte of the name. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 33) + (FOLD[byte] ?? 0)) | 0
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 10)) & (SIZE - 1)
}

for (let id = 1; id < KNOWN.length; id++) {
  let hash = 0
  for (const byte of BYTES[id] ?? []) hash = hashStep(hash, byte)
  const slot = slotOf(hash)
  // A test walks all names; two names in one slot would make the second unknown.
  if (SLOT[slot] !== 0) throw new Error(`header table collision: ${KNOWN[id] ?? ''}`)
  SLOT[slot] = id
}

/** Added to the id of a name that only looks like a known one: spelt with `_` for `-`. */
export const LOOKALIKE = 128

/** The id of the name in `buf[from, to)`, whose hash is `hash`; 0 when the gateway has no opinion about it. */
export function knownName(buf: Uint8Array, from: number, to: number, hash: number): number {
  const id = SLOT[slotOf(hash)] ?? 0
  if (id === 0) return 0
  const name = BYTES[id]
  if (name === undefined || name.length !== to - from) return 0
  let underscores = 0
  for (let at = 0; at < name.length; at++) {
    const byte = buf[from + at] ?? 0
    if (FOLD[byte] !== name[at]) return 0
    if (byte === 0x5f) underscores = LOOKALIKE
  }
  return id + underscores
}

/** For tests and tables: every known name. */
export const KNOWN_NAMES: readonly string[] = KNOWN.slice(1)
