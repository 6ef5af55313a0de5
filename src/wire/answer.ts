/**
 * What a scanned answer head means: framing, persistence, which lines pass (RFC 9112 sections 6.3, 9).
 *
 * A legacy backend's repairable faults are repaired and noted in `head.repairs`; what could be read in
 * two ways is a fault, and the connection is not used again.
 */
import { COMMA, equalsFolded, parseDecimal, skipSpace, trimSpace } from './bytes.ts'
import { REPAIRED_EQUAL_LENGTHS, REPAIRED_TE_WINS } from './head.ts'
import type { Head } from './head.ts'
import { H_CONNECTION, H_CONTENT_LENGTH, H_KEEP_ALIVE, H_TRANSFER_ENCODING, LOOKALIKE, isHopByHop } from './names.ts'
import { FRAME_CHUNKED, FRAME_CLOSE, FRAME_LENGTH, FRAME_NONE, dropNominated } from './request.ts'

export class AnswerInfo {
  status = 0
  framing = FRAME_NONE
  length = 0
  /** The upstream connection may carry another request after this answer. */
  reusable = true
  /** Milliseconds of `Keep-Alive: timeout`; 0 = not said. */
  keepAliveMs = 0
}

/**
 * Fills `info` and `head.drop`; false for a fault (502). `noBody`: the request was HEAD.
 * Content-Length lines are dropped here: the length, if it counts, is written anew in canonical decimal.
 */
export function readAnswer(head: Head, info: AnswerInfo, noBody: boolean, strict: boolean): boolean {
  info.status = head.status
  info.reusable = head.minor === 1
  info.keepAliveMs = 0
  info.length = -1
  let chunked = false
  let connection = false
  for (let i = 0; i < head.count; i++) {
    const id = head.id[i] ?? 0
    if (id === 0) continue
    if (id >= LOOKALIKE) {
      // `Content_Length` frames nothing: it is a header like any other, and passes.
      head.id[i] = 0
      continue
    }
    if (id === H_CONTENT_LENGTH) {
      if (!readLength(head, i, info, strict)) return false
      head.drop[i] = 1
    } else if (id === H_TRANSFER_ENCODING) {
      if (chunked || head.minor === 0 || !isChunked(head, i)) return false
      chunked = true
    } else if (id === H_CONNECTION) connection = true
    else if (id === H_KEEP_ALIVE) info.keepAliveMs = readKeepAlive(head.value(i))
    if (isHopByHop(id)) head.drop[i] = 1
  }
  if (connection) info.reusable = readConnection(head)
  return readFraming(head, info, chunked, noBody, strict)
}

function readLength(head: Head, i: number, info: AnswerInfo, strict: boolean): boolean {
  const { buf } = head
  const end = head.valueEnd[i] ?? 0
  let from = head.valueStart[i] ?? 0
  for (;;) {
    let to = from
    while (to < end && buf[to] !== COMMA) to++
    const at = skipSpace(buf, from, to)
    const value = parseDecimal(buf, at, trimSpace(buf, at, to))
    if (value < 0 || (info.length >= 0 && (value !== info.length || strict))) return false
    // 9112 6.3: equal values, in one line or several, may be read as one.
    if (info.length >= 0) head.repairs |= REPAIRED_EQUAL_LENGTHS
    info.length = value
    if (to >= end) return true
    from = to + 1
  }
}

function isChunked(head: Head, i: number): boolean {
  return equalsFolded(head.buf, head.valueStart[i] ?? 0, head.valueEnd[i] ?? 0, 'chunked')
}

function readKeepAlive(value: string): number {
  const match = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,6})/i.exec(value)
  return match === null ? 0 : Number(match[1]) * 1_000
}

/** Reads every `Connection` line; true when the connection may be kept. Nominated fields are dropped, framing never. */
function readConnection(head: Head): boolean {
  let keepAlive = false
  let close = false
  for (let i = 0; i < head.count; i++) {
    if (head.id[i] !== H_CONNECTION) continue
    for (const raw of head.value(i).split(',')) {
      const option = raw.trim().toLowerCase()
      if (option === 'close') close = true
      else if (option === 'keep-alive') keepAlive = true
      else if (option !== '') dropNominated(head, option)
    }
  }
  return !close && (keepAlive || head.minor === 1)
}

function readFraming(head: Head, info: AnswerInfo, chunked: boolean, noBody: boolean, strict: boolean): boolean {
  const { status } = head
  if (chunked && info.length >= 0) {
    if (strict) return false
    // 9112 6.1: Transfer-Encoding beats Content-Length; such a connection is not reused.
    head.repairs |= REPAIRED_TE_WINS
    info.reusable = false
    info.length = -1
  }
  if (noBody || status < 200 || status === 204 || status === 304) {
    info.framing = FRAME_NONE
  } else if (chunked) {
    info.framing = FRAME_CHUNKED
  } else if (info.length >= 0) {
    info.framing = FRAME_LENGTH
  } else {
    info.framing = FRAME_CLOSE
    info.reusable = false
  }
  return true
}
