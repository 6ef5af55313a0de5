/**
 * The first line of a head: request line (RFC 9112 section 3) or status line (section 4).
 *
 * A request line is taken only in its one canonical spelling: token SP target SP HTTP/1.x CRLF. A status
 * line of a legacy backend may end in a bare LF and may lack its reason; both are written canonically.
 */
import { CR, HEX, LF, SP, TARGET, TOKEN, VALUE } from './bytes.ts'
import type { Head, HeadLimits, ScanStatus } from './head.ts'
import { BAD, BAD_METHOD, BAD_VERSION, LINE_TOO_LONG, MORE, REPAIRED_BARE_LF, REPAIRED_CONTROL, TOO_LARGE } from './head.ts'
import { S_LINES, scanLines } from './line-scan.ts'

const R_START = 0
const R_START_LF = 1
const R_METHOD = 2
const R_TARGET = 3
const R_VERSION = 4
const R_LF = 5

/** Longer than any registered method (the longest has 17 letters): 501 without reading on. */
const METHOD_BYTES = 32
const VERSION = Buffer.from('HTTP/')

/** Scans a request head from `head.pos` to `to`; strict, nothing is repaired. */
export function scanRequest(head: Head, to: number, limits: HeadLimits): ScanStatus {
  while (head.state < S_LINES) {
    if (head.pos >= to) return head.state < R_LF && head.pos - head.start > limits.requestLineBytes ? LINE_TOO_LONG : MORE
    const status = requestLineStep(head, to, limits)
    if (status !== MORE) return status
  }
  return scanLines(head, to, false, limits)
}

function requestLineStep(head: Head, to: number, limits: HeadLimits): ScanStatus {
  const byte = head.buf[head.pos] ?? 0
  switch (head.state) {
    case R_START:
      // One CRLF left over from the last body is skipped (9112 2.2); one, not a stream of them.
      if (byte === CR) {
        head.pos++
        head.state = R_START_LF
        return MORE
      }
      head.state = R_METHOD
      return MORE
    case R_START_LF:
      if (byte !== LF) return BAD
      head.pos++
      head.start = head.pos
      head.state = R_METHOD
      return MORE
    case R_METHOD:
      return methodStep(head, to)
    case R_TARGET:
      return targetStep(head, to, limits)
    case R_VERSION:
      return versionStep(head, byte, limits)
    default:
      if (byte !== LF) return BAD
      head.pos++
      head.state = S_LINES
      return MORE
  }
}

function methodStep(head: Head, to: number): ScanStatus {
  const { buf } = head
  let pos = head.pos
  while (pos < to && TOKEN[buf[pos] ?? 0] === 1) pos++
  head.pos = pos
  if (pos - head.start > METHOD_BYTES) return BAD_METHOD
  if (pos >= to) return MORE
  if (buf[pos] !== SP || pos === head.start) return BAD
  head.methodEnd = pos
  head.pos = pos + 1
  head.targetStart = pos + 1
  head.state = R_TARGET
  return MORE
}

function targetStep(head: Head, to: number, limits: HeadLimits): ScanStatus {
  const { buf } = head
  let pos = head.pos
  while (pos < to && TARGET[buf[pos] ?? 0] === 1) pos++
  head.pos = pos
  if (pos - head.start > limits.requestLineBytes) return LINE_TOO_LONG
  if (pos >= to) return MORE
  if (buf[pos] !== SP || pos === head.targetStart) return BAD
  head.targetEnd = pos
  head.pos = pos + 1
  head.mark = pos + 1
  head.state = R_VERSION
  return MORE
}

/** One byte of `HTTP/d.d CR`, `head.mark` being its start. */
function versionStep(head: Head, byte: number, limits: HeadLimits): ScanStatus {
  const at = head.pos - head.mark
  const { buf, mark } = head
  if (at < 5) {
    if (byte !== VERSION[at]) return BAD
  } else if (at === 5 || at === 7) {
    if ((HEX[byte] ?? 255) > 9) return BAD
  } else if (at === 6) {
    if (byte !== 0x2e) return BAD
  } else {
    if (byte !== CR) return BAD
    // The line without its CRLF, however it was cut into reads.
    if (head.pos - head.start > limits.requestLineBytes) return LINE_TOO_LONG
    const major = HEX[buf[mark + 5] ?? 0] ?? 0
    const minor = HEX[buf[mark + 7] ?? 0] ?? 0
    if (major > 1) return BAD_VERSION
    if (major < 1 || minor > 1) return BAD
    head.minor = minor
    head.state = R_LF
  }
  head.pos++
  return MORE
}

const A_VERSION = 0
const A_STATUS = 1
const A_REASON = 2
const A_LF = 3

/** Scans an answer head from `head.pos` to `to`; lenient unless `strict`. */
export function scanAnswer(head: Head, to: number, strict: boolean, limits: HeadLimits): ScanStatus {
  while (head.state < S_LINES) {
    if (head.pos >= to) return MORE
    const status = statusLineStep(head, to, strict)
    if (status !== MORE) return status
    if (head.pos - head.start > limits.headBytes) return TOO_LARGE
  }
  return scanLines(head, to, !strict, limits)
}

function statusLineStep(head: Head, to: number, strict: boolean): ScanStatus {
  const byte = head.buf[head.pos] ?? 0
  switch (head.state) {
    case A_VERSION:
      return answerVersionStep(head, byte)
    case A_STATUS:
      return statusStep(head, byte, strict)
    case A_REASON:
      return reasonStep(head, to, strict)
    default:
      if (byte !== LF) return BAD
      head.pos++
      head.state = S_LINES
      return MORE
  }
}

function answerVersionStep(head: Head, byte: number): ScanStatus {
  const at = head.pos - head.start
  if (at < 5) {
    if (byte !== VERSION[at]) return BAD
  } else if (at === 5) {
    if (byte !== 0x31) return BAD
  } else if (at === 6) {
    if (byte !== 0x2e) return BAD
  } else if (at === 7) {
    const minor = HEX[byte] ?? 255
    if (minor > 9) return BAD
    head.minor = minor > 0 ? 1 : 0
  } else {
    if (byte !== SP) return BAD
    head.state = A_STATUS
    head.mark = head.pos + 1
    head.status = 0
  }
  head.pos++
  return MORE
}

function statusStep(head: Head, byte: number, strict: boolean): ScanStatus {
  const at = head.pos - head.mark
  if (at < 3) {
    const digit = HEX[byte] ?? 255
    if (digit > 9) return BAD
    head.status = head.status * 10 + digit
    head.pos++
    return MORE
  }
  // 9112 section 4: status 100–999 here; below is no status at all.
  if (head.status < 100) return BAD
  head.reasonStart = head.pos
  head.reasonEnd = head.pos
  if (byte === SP) {
    head.pos++
    head.reasonStart = head.pos
    head.reasonEnd = head.pos
    head.state = A_REASON
    return MORE
  }
  return lineEnd(head, byte, strict)
}

function lineEnd(head: Head, byte: number, strict: boolean): ScanStatus {
  if (byte === CR) {
    head.state = A_LF
  } else if (byte === LF && !strict) {
    head.repairs |= REPAIRED_BARE_LF
    head.state = S_LINES
  } else {
    return BAD
  }
  head.pos++
  return MORE
}

function reasonStep(head: Head, to: number, strict: boolean): ScanStatus {
  const { buf } = head
  let pos = head.pos
  while (pos < to && VALUE[buf[pos] ?? 0] === 1) pos++
  head.pos = pos
  head.reasonEnd = pos
  if (pos >= to) return MORE
  const byte = buf[pos] ?? 0
  if (!strict && byte !== 0 && byte !== CR && byte !== LF) {
    buf[pos] = SP
    head.repairs |= REPAIRED_CONTROL
    head.pos++
    return MORE
  }
  return lineEnd(head, byte, strict)
}
