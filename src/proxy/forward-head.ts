/**
 * The head a backend gets: the client's lines in their order and case, minus what is hop-by-hop, plus
 * what a proxy must add (RFC 9110 section 7.6, HTTP.md "Connection handling").
 *
 * It is the same for both backends and for a retry, so it is written once per exchange. The mirror's
 * differs by what is put in at its end (`writeMirrorHead`).
 */
import { FOLD, parseDecimal } from '../wire/bytes.ts'
import type { Head } from '../wire/head.ts'
import {
  H_CONTENT_LENGTH,
  H_FORWARDED,
  H_HOP,
  H_MAX_FORWARDS,
  H_REAL_IP,
  H_SHADOW,
  H_TRACEPARENT,
  H_TRAILER,
  H_XFF,
  H_XF_HOST,
  H_XF_PORT,
  H_XF_PROTO,
  H_VIA,
} from '../wire/names.ts'
import { FRAME_CHUNKED, FRAME_LENGTH } from '../wire/request.ts'
import type { RequestInfo } from '../wire/request.ts'
import type { Scratch } from '../wire/scratch.ts'
import { isTraceparent } from '../core/split/trace.ts'
import type { Runtime } from './runtime.ts'

/** What one pass over the lines found; reused per thread. */
export class HeadNotes {
  traceparent = -1
  requestId = -1
  forwarded = false
  shadow = false
  loop = false
  via = -1
  maxForwards = -1
  /** The debug header's value equals the secret. */
  debug = false
}

const PREFIX = Buffer.from('x-banyan-')

/**
 * Marks what no rule may see (a client's own `X-Banyan-*`), and notes what the forwarded head needs.
 * The hop mark is read from anyone: a loop is a loop. The shadow mark counts from a trusted peer only.
 */
export function noteLines(head: Head, notes: HeadNotes, runtime: Runtime, peerTrusted: boolean): void {
  notes.traceparent = -1
  notes.requestId = -1
  notes.forwarded = false
  notes.shadow = false
  notes.loop = false
  notes.via = -1
  notes.maxForwards = -1
  notes.debug = runtime.config.debug.secret !== null && isDebug(head, runtime)
  for (let i = 0; i < head.count; i++) {
    if (head.drop[i] === 1) continue
    const id = head.id[i] ?? 0
    if (id === 0) {
      if (isOurs(head, i)) head.drop[i] = 1
    } else if (id >= H_FORWARDED && id <= H_REAL_IP) notes.forwarded = true
    else if (id === H_HOP) notes.loop ||= hopNamesUs(head.value(i), runtime.hopName)
    else if (id === H_SHADOW) {
      notes.shadow ||= peerTrusted
      head.drop[i] = peerTrusted ? 0 : 1
    } else if (id === H_TRACEPARENT) {
      // Two of them, or one that is malformed, are nobody's trace.
      if (notes.traceparent >= 0 || !isTraceparent(head.value(i))) head.drop[i] = 1
      else notes.traceparent = i
    } else if (id === H_VIA) notes.via = i
    else if (id === H_MAX_FORWARDS) notes.maxForwards = i
  }
  notes.requestId = head.find(runtime.requestIdName)
  // tracestate means nothing without its traceparent (Trace Context 3.3.1).
  if (notes.traceparent < 0) drop(head, 'tracestate')
}

function isDebug(head: Head, runtime: Runtime): boolean {
  const i = head.find(runtime.debugName)
  return i >= 0 && head.value(i) === runtime.config.debug.secret
}

function isOurs(head: Head, i: number): boolean {
  const from = head.nameStart[i] ?? 0
  if ((head.nameEnd[i] ?? 0) - from < PREFIX.length) return false
  for (let at = 0; at < PREFIX.length; at++) if (FOLD[head.buf[from + at] ?? 0] !== PREFIX[at]) return false
  return true
}

function hopNamesUs(value: string, name: string): boolean {
  return value.split(',').some((hop) => hop.trim() === name)
}

/** What a connection contributes to every head it carries. */
export interface Peer {
  /** Canonical text; empty on a Unix socket. */
  readonly address: string
  readonly trusted: boolean
  readonly tls: boolean
  readonly localPort: number
  /** `X-Forwarded-For`, `X-Real-IP`, `X-Forwarded-Proto` and `-Port` of an untrusted peer, ready to send. */
  readonly lines: string
}

export function createPeer(address: string, trusted: boolean, tls: boolean, localPort: number): Peer {
  const from = address === '' ? 'unknown' : address
  const lines =
    `X-Forwarded-For: ${from}\r\nX-Real-IP: ${from}\r\n` +
    `X-Forwarded-Proto: ${tls ? 'https' : 'http'}\r\nX-Forwarded-Port: ${localPort}\r\n`
  return { address: from, trusted, tls, localPort, lines }
}

export interface ForwardInput {
  readonly head: Head
  readonly info: RequestInfo
  readonly notes: HeadNotes
  readonly runtime: Runtime
  readonly peer: Peer
  /** Request id and traceparent to send when the client sent none; empty = send none. */
  readonly requestId: string
  readonly traceparent: string
  /** Authority when the request has none (1.0 without Host). */
  readonly authority: string
  /** Header the force rule reads: never forwarded; empty = none. */
  readonly forceName: string
  /** Path and query; read only when the target came in absolute form. */
  readonly target: string
}

/** Writes the whole head, empty line included, into `out`. */
export function writeForwardHead(out: Scratch, input: ForwardInput): void {
  const { head, info, notes, runtime, peer } = input
  out.reset()
  if (info.absolute) {
    out.range(head.buf, head.start, head.methodEnd)
    out.text(` ${input.target}`)
  } else {
    out.range(head.buf, head.start, head.targetEnd)
  }
  out.text(' HTTP/1.1\r\n')
  if (info.absolute && info.hostLine >= 0) head.drop[info.hostLine] = 1
  if (info.absolute || info.hostLine < 0) writeHost(out, input)
  if (notes.forwarded) dropForwarded(head, peer.trusted, input, out)
  if (input.forceName !== '') drop(head, input.forceName)
  if (runtime.config.debug.secret !== null) drop(head, runtime.debugName)
  framingLines(head, info)
  viaLines(out, input)
  out.lines(head)
  if (info.framing === FRAME_CHUNKED) out.text('Transfer-Encoding: chunked\r\n')
  else if (info.framing === FRAME_LENGTH) writeLength(out, info.length)
  addedLines(out, input)
  out.crlf()
}

function writeHost(out: Scratch, input: ForwardInput): void {
  const { head, info } = input
  out.text('Host: ')
  if (info.hostEnd > info.hostStart) out.range(head.buf, info.hostStart, info.hostEnd)
  else out.text(input.authority)
  out.crlf()
}

function drop(head: Head, name: string): void {
  for (let i = head.find(name); i >= 0; i = head.find(name, i + 1)) head.drop[i] = 1
}

/** Content-Length is written anew in canonical decimal; `Trailer` passes where trailers do. */
function framingLines(head: Head, info: RequestInfo): void {
  for (let i = 0; i < head.count; i++) {
    const id = head.id[i]
    if (id === H_CONTENT_LENGTH) head.drop[i] = 1
    else if (id === H_TRAILER && info.framing === FRAME_CHUNKED) head.drop[i] = 0
  }
}

function writeLength(out: Scratch, length: number): void {
  out.text('Content-Length: ')
  out.decimal(length)
  out.crlf()
}

/** Of a trusted peer X-Forwarded-For and Forwarded are extended, the rest kept; of any other all are dropped. */
function dropForwarded(head: Head, trusted: boolean, input: ForwardInput, out: Scratch): void {
  let chain = ''
  let forwarded = ''
  for (let i = 0; i < head.count; i++) {
    const id = head.id[i] ?? 0
    if (id < H_FORWARDED || id > H_REAL_IP || head.drop[i] === 1) continue
    if (!trusted) head.drop[i] = 1
    else if (id === H_XFF) {
      chain += `${head.value(i)}, `
      head.drop[i] = 1
    } else if (id === H_FORWARDED) {
      forwarded += `${head.value(i)}, `
      head.drop[i] = 1
    }
  }
  if (!trusted) return
  out.text(`X-Forwarded-For: ${chain}${input.peer.address}\r\n`)
  if (forwarded !== '') out.text(`Forwarded: ${forwarded}for=${forwardedNode(input.peer.address)}\r\n`)
}

/** RFC 7239 section 6: IPv6 is quoted and bracketed. */
function forwardedNode(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

function viaLines(out: Scratch, { runtime, notes, head }: ForwardInput): void {
  if (!runtime.config.via) return
  const before = notes.via >= 0 ? `${head.value(notes.via)}, ` : ''
  if (notes.via >= 0) head.drop[notes.via] = 1
  out.text(`Via: ${before}1.1 ${runtime.hopName}\r\n`)
}

function addedLines(out: Scratch, input: ForwardInput): void {
  const { head, info, notes, peer } = input
  if (!peer.trusted) {
    out.text(peer.lines)
    if (info.hostEnd > info.hostStart) {
      out.text('X-Forwarded-Host: ')
      out.range(head.buf, info.hostStart, info.hostEnd)
      out.crlf()
    }
  } else {
    trustedLines(out, input)
  }
  if (input.requestId !== '') out.text(`${input.runtime.config.requestId.header}: ${input.requestId}\r\n`)
  if (input.traceparent !== '') out.text(`traceparent: ${input.traceparent}\r\n`)
  if (notes.maxForwards >= 0) {
    const left = parseDecimal(head.buf, head.valueStart[notes.maxForwards] ?? 0, head.valueEnd[notes.maxForwards] ?? 0)
    if (head.drop[notes.maxForwards] === 1 && left > 0) out.text(`Max-Forwards: ${left - 1}\r\n`)
  }
  out.text(input.runtime.hopLine)
}

function trustedLines(out: Scratch, { head, info, peer, notes }: ForwardInput): void {
  if (!notes.forwarded) out.text(`X-Forwarded-For: ${peer.address}\r\n`)
  const has = (wanted: number): boolean => {
    for (let i = 0; i < head.count; i++) if (head.id[i] === wanted && head.drop[i] === 0) return true
    return false
  }
  if (!has(H_REAL_IP)) out.text(`X-Real-IP: ${peer.address}\r\n`)
  if (!has(H_XF_PROTO)) out.text(`X-Forwarded-Proto: ${peer.tls ? 'https' : 'http'}\r\n`)
  if (!has(H_XF_PORT)) out.text(`X-Forwarded-Port: ${peer.localPort}\r\n`)
  if (!has(H_XF_HOST) && info.hostEnd > info.hostStart) {
    out.text('X-Forwarded-Host: ')
    out.range(head.buf, info.hostStart, info.hostEnd)
    out.crlf()
  }
}

const SHADOW_END = Buffer.from('X-Banyan-Shadow: 1\r\n\r\n', 'latin1')

/**
 * The mirror's head from the primary's: without `Expect` (the body is at hand whole), with the shadow
 * mark before the empty line. `forwarded` is a finished head.
 */
export function mirrorHead(forwarded: Buffer, hasExpect: boolean): Buffer {
  if (!hasExpect) return Buffer.concat([forwarded.subarray(0, forwarded.length - 2), SHADOW_END])
  const text = forwarded.toString('latin1').replace(/\r\nexpect:[^\r]*/gi, '')
  return Buffer.concat([Buffer.from(text.slice(0, -2), 'latin1'), SHADOW_END])
}
