/**
 * What a scanned request head means: framing, persistence, target form, Host (RFC 9112 sections 3, 6, 9).
 *
 * Stricter than any backend: two readings of one head are a refusal, never a choice. The lines that are
 * not passed on are marked in `head.drop` here, before anything (stickiness, routing, lists) reads them:
 * what `Connection` names does not exist for the rest of the gateway.
 */
import { AUTHORITY, COLON, COMMA, HEX, SLASH, equalsFolded, parseDecimal, skipSpace, trimSpace } from './bytes.ts'
import type { Head } from './head.ts'
import {
  H_CONNECTION,
  H_CONTENT_LENGTH,
  H_EXPECT,
  H_HOST,
  H_TRANSFER_ENCODING,
  H_UPGRADE,
  LOOKALIKE,
  isHopByHop,
  isLookalikeDanger,
  isProtected,
} from './names.ts'

export const FRAME_NONE = 0
export const FRAME_LENGTH = 1
export const FRAME_CHUNKED = 2
/** Answers only: the body ends with the connection. */
export const FRAME_CLOSE = 3

/** Stable codes of refusals; `core/errors.ts` gives each its status. */
export type RequestFault = 'bad_request' | 'method_not_allowed' | 'not_implemented' | 'expectation_failed'

/** Reused by a connection for every request; positions are those of the head's buffer. */
export class RequestInfo {
  framing = FRAME_NONE
  length = 0
  /** The client wants, or must have, the connection closed after this exchange. */
  close = false
  /** `Connection: keep-alive` of an HTTP/1.0 client. */
  keepAlive10 = false
  minor = 1
  expectContinue = false
  /** A well-formed offer of `Upgrade: websocket`. */
  websocket = false
  /** Path and query, or `*`; for an absolute-form target the part after its authority (may be empty: `/`). */
  pathStart = 0
  pathEnd = 0
  /** The authority that counts: of the absolute-form target, else of Host; empty for 1.0 without Host. */
  hostStart = 0
  hostEnd = 0
  absolute = false
  /** Line index of Host; −1 = none. */
  hostLine = -1
  hasLookalike = false
}

/** Fills `info` and `head.drop` from a scanned head; null when it is fine. */
export function readRequest(head: Head, info: RequestInfo): RequestFault | null {
  info.framing = FRAME_NONE
  info.length = 0
  info.minor = head.minor
  info.close = head.minor === 0
  info.keepAlive10 = false
  info.expectContinue = false
  info.websocket = false
  info.absolute = false
  info.hostLine = -1
  return readMethod(head) ?? readLines(head, info) ?? readTarget(head, info)
}

const STANDARD = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE']

function readMethod(head: Head): RequestFault | null {
  const { buf, start, methodEnd } = head
  let lower = false
  for (let at = start; at < methodEnd; at++) lower ||= (buf[at] ?? 0) >= 0x61
  const first = buf[start]
  // Most requests: upper-case, and not beginning with the letter of CONNECT or TRACE.
  if (!lower && first !== 0x43 && first !== 0x54) return null
  const method = buf.toString('latin1', start, methodEnd)
  if (method === 'CONNECT' || method === 'TRACE') return 'method_not_allowed'
  // Methods are case-sensitive: `get` is not GET, and a backend that thinks otherwise is how things go wrong.
  return lower && STANDARD.includes(method.toUpperCase()) ? 'bad_request' : null
}

/** Sums over the lines: what must be unique is counted, what is hop-by-hop dropped. */
function readLines(head: Head, info: RequestInfo): RequestFault | null {
  let connection = false
  let upgrade = -1
  let te = -1
  let length = -1
  for (let i = 0; i < head.count; i++) {
    const id = head.id[i] ?? 0
    if (id === 0) continue
    if (id >= LOOKALIKE) {
      // A name that is dangerous only by its underscores is dropped; any other is simply another name.
      if (isLookalikeDanger(id - LOOKALIKE)) head.drop[i] = 1
      head.id[i] = 0
      continue
    }
    if (id === H_HOST) {
      if (info.hostLine >= 0) return 'bad_request'
      info.hostLine = i
    } else if (id === H_CONTENT_LENGTH) {
      if (length >= 0) return 'bad_request'
      length = i
    } else if (id === H_TRANSFER_ENCODING) {
      if (te >= 0) return 'bad_request'
      te = i
    } else if (id === H_CONNECTION) connection = true
    else if (id === H_UPGRADE) upgrade = upgrade < 0 ? i : -2
    else if (id === H_EXPECT) {
      const fault = readExpect(head, i, info)
      if (fault !== null) return fault
    }
    if (isHopByHop(id)) head.drop[i] = 1
  }
  const fault = readFraming(head, info, te, length)
  if (fault !== null) return fault
  if (connection && !readConnection(head, info)) return 'bad_request'
  info.websocket = info.websocket && upgrade >= 0 && mayUpgrade(head, info, upgrade)
  const hasBody = info.framing === FRAME_CHUNKED || info.length > 0
  return info.websocket && hasBody ? 'bad_request' : null
}

function readFraming(head: Head, info: RequestInfo, te: number, length: number): RequestFault | null {
  if (te >= 0) {
    // 9112 6.1: together with Content-Length, or in 1.0, the framing is ambiguous: refused.
    if (length >= 0 || head.minor === 0) return 'bad_request'
    if (equalsFolded(head.buf, head.valueStart[te] ?? 0, head.valueEnd[te] ?? 0, 'chunked')) {
      info.framing = FRAME_CHUNKED
      return null
    }
    return /^gzip\s*,\s*chunked$/i.test(head.value(te)) ? 'not_implemented' : 'bad_request'
  }
  if (length < 0) return null
  const value = parseDecimal(head.buf, head.valueStart[length] ?? 0, head.valueEnd[length] ?? 0)
  if (value < 0) return 'bad_request'
  info.framing = FRAME_LENGTH
  info.length = value
  return null
}

function readExpect(head: Head, i: number, info: RequestInfo): RequestFault | null {
  // 9110 10.1.1: a 1.0 client's expectation is ignored.
  if (head.minor === 0) {
    head.drop[i] = 1
    return null
  }
  if (!equalsFolded(head.buf, head.valueStart[i] ?? 0, head.valueEnd[i] ?? 0, '100-continue')) return 'expectation_failed'
  info.expectContinue = true
  return null
}

/** Reads every `Connection` line; false when it nominates a field that may not be removed. */
function readConnection(head: Head, info: RequestInfo): boolean {
  for (let i = 0; i < head.count; i++) {
    if (head.id[i] !== H_CONNECTION) continue
    const end = head.valueEnd[i] ?? 0
    let from = head.valueStart[i] ?? 0
    while (from < end) {
      let to = from
      while (to < end && head.buf[to] !== COMMA) to++
      const at = skipSpace(head.buf, from, to)
      if (!connectionOption(head, info, at, trimSpace(head.buf, at, to))) return false
      from = to + 1
    }
  }
  return true
}

function connectionOption(head: Head, info: RequestInfo, from: number, to: number): boolean {
  const { buf } = head
  if (from === to) return true
  if (equalsFolded(buf, from, to, 'keep-alive')) info.keepAlive10 = head.minor === 0
  else if (equalsFolded(buf, from, to, 'close')) info.close = true
  else if (equalsFolded(buf, from, to, 'upgrade')) info.websocket = true
  else return dropNominated(head, buf.toString('latin1', from, to).toLowerCase())
  return true
}

/** Drops every line the option names; false when one of them is protected. */
export function dropNominated(head: Head, option: string): boolean {
  for (let i = 0; i < head.count; i++) {
    if (!equalsFolded(head.buf, head.nameStart[i] ?? 0, head.nameEnd[i] ?? 0, option)) continue
    if (isProtected(head.id[i] ?? 0)) return false
    head.drop[i] = 1
  }
  return true
}

/** Only `websocket`, only GET of 1.1 without a body; any other upgrade is dropped and answered as plain. */
function mayUpgrade(head: Head, info: RequestInfo, line: number): boolean {
  const isGet = head.methodEnd - head.start === 3 && head.buf[head.start] === 0x47
  return isGet && info.minor === 1 && equalsFolded(head.buf, head.valueStart[line] ?? 0, head.valueEnd[line] ?? 0, 'websocket')
}

function readTarget(head: Head, info: RequestInfo): RequestFault | null {
  const { buf, targetStart, targetEnd } = head
  const first = buf[targetStart]
  info.pathStart = targetStart
  info.pathEnd = targetEnd
  if (first === SLASH) return readHost(head, info)
  if (first === 0x2a && targetEnd - targetStart === 1) {
    return buf.toString('latin1', head.start, head.methodEnd) === 'OPTIONS' ? readHost(head, info) : 'bad_request'
  }
  const scheme = equalsFolded(buf, targetStart, targetStart + 7, 'http://')
    ? 7
    : equalsFolded(buf, targetStart, targetStart + 8, 'https://')
      ? 8
      : 0
  if (scheme === 0 || targetEnd - targetStart <= scheme) return 'bad_request'
  let at = targetStart + scheme
  const from = at
  while (at < targetEnd && buf[at] !== SLASH && buf[at] !== 0x3f) at++
  if (!isAuthority(buf, from, at)) return 'bad_request'
  const fault = readHost(head, info)
  if (fault !== null) return fault
  // 9112 3.2.2: the target's authority replaces Host, and never chooses where to connect.
  info.absolute = true
  info.hostStart = from
  info.hostEnd = at
  info.pathStart = at
  return null
}

function readHost(head: Head, info: RequestInfo): RequestFault | null {
  info.hostStart = 0
  info.hostEnd = 0
  if (info.hostLine < 0) return head.minor === 0 ? null : 'bad_request'
  info.hostStart = head.valueStart[info.hostLine] ?? 0
  info.hostEnd = head.valueEnd[info.hostLine] ?? 0
  return isAuthority(head.buf, info.hostStart, info.hostEnd) ? null : 'bad_request'
}

/** host [":" port], the host not empty; brackets only around an IPv6 literal. */
export function isAuthority(buf: Uint8Array, from: number, to: number): boolean {
  let at = from
  if (buf[at] === 0x5b) {
    at++
    while (at < to && ((HEX[buf[at] ?? 0] ?? 255) < 16 || buf[at] === COLON || buf[at] === 0x2e)) at++
    if (at >= to || buf[at] !== 0x5d || at - from < 3) return false
    at++
  } else {
    while (at < to && AUTHORITY[buf[at] ?? 0] === 1) at++
    if (at === from) return false
  }
  if (at === to) return true
  if (buf[at] !== COLON) return false
  return at + 1 === to || (to - at <= 6 && parseDecimal(buf, at + 1, to) >= 0 && parseDecimal(buf, at + 1, to) <= 65_535)
}
