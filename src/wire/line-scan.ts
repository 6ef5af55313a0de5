/**
 * The header lines of a head, byte by byte against tables: where each name and value begins and ends.
 *
 * Resumes at `head.pos` in `head.state`, so a head in a thousand pieces costs what a whole one costs.
 */
import { CR, COLON, HTAB, LF, SP, TOKEN, VALUE, trimSpace } from './bytes.ts'
import { BAD, DONE, MORE, REPAIRED_BARE_LF, REPAIRED_CONTROL, REPAIRED_FOLD, REPAIRED_SPACE, TOO_LARGE } from './head.ts'
import type { Head, HeadLimits, ScanStatus } from './head.ts'
import { H_CONTENT_LENGTH, H_TRANSFER_ENCODING, hashStep, knownName } from './names.ts'

const S_LINE_START = 10
const S_NAME = 11
const S_NAME_SPACE = 12
const S_VALUE_START = 13
const S_VALUE = 14
const S_VALUE_LF = 15
const S_END_LF = 16
const S_FOLD = 17
/** First state of the line scanner; the start-line scanners hand over with it. */
export const S_LINES = S_LINE_START

/**
 * Scans header lines of `head.buf` from `head.pos` to `to`. `lenient` repairs what RFC 9112 lets a proxy
 * repair in an answer, and notes it in `head.repairs`; a request is never repaired.
 *
 * One function over 60 lines: the states share locals that would otherwise be stored and loaded per byte.
 */
// oxlint-disable-next-line max-lines-per-function
export function scanLines(head: Head, to: number, lenient: boolean, limits: HeadLimits): ScanStatus {
  const buf = head.buf
  let pos = head.pos
  let state = head.state
  let status: ScanStatus = MORE
  let n = head.count
  scan: while (pos < to) {
    const byte = buf[pos] ?? 0
    switch (state) {
      case S_LINE_START:
        if (byte === CR) {
          state = S_END_LF
          pos++
        } else if (lenient && byte === LF) {
          head.repairs |= REPAIRED_BARE_LF
          pos++
          status = DONE
          break scan
        } else if (TOKEN[byte] === 1) {
          if (n >= limits.lines) {
            status = TOO_LARGE
            break scan
          }
          if (n >= head.nameStart.length) head.grow()
          head.nameStart[n] = pos
          head.hash = 0
          state = S_NAME
        } else if (lenient && n > 0 && (byte === SP || byte === HTAB)) {
          n--
          // obs-fold (9112 5.2) becomes one SP: the rest of it is NULs, which nobody writes out.
          buf.fill(0, head.valueEnd[n] ?? pos, pos + 1)
          buf[head.valueEnd[n] ?? pos] = SP
          head.repairs |= REPAIRED_FOLD
          pos++
          state = S_FOLD
        } else {
          status = BAD
          break scan
        }
        break
      case S_NAME: {
        let hash = head.hash
        let b = byte
        while (TOKEN[b] === 1) {
          hash = hashStep(hash, b)
          if (++pos >= to) break
          b = buf[pos] ?? 0
        }
        head.hash = hash
        if (pos >= to) break scan
        head.nameEnd[n] = pos
        if (b === COLON) {
          head.id[n] = knownName(buf, head.nameStart[n] ?? 0, pos, hash)
          head.drop[n] = 0
          pos++
          state = S_VALUE_START
        } else if (lenient && (b === SP || b === HTAB)) {
          head.id[n] = knownName(buf, head.nameStart[n] ?? 0, pos, hash)
          head.drop[n] = 0
          head.repairs |= REPAIRED_SPACE
          state = S_NAME_SPACE
        } else {
          status = BAD
          break scan
        }
        break
      }
      case S_NAME_SPACE:
        if (byte === COLON) state = S_VALUE_START
        else if (byte !== SP && byte !== HTAB) {
          status = BAD
          break scan
        }
        pos++
        break
      case S_VALUE_START:
        if (byte === SP || byte === HTAB) {
          pos++
          break
        }
        head.valueStart[n] = pos
        state = S_VALUE
        break
      case S_FOLD:
        if (byte === SP || byte === HTAB) buf[pos++] = 0
        else state = (head.valueEnd[n] ?? 0) === (head.valueStart[n] ?? 0) ? S_VALUE_START : S_VALUE
        break
      case S_VALUE: {
        let b = byte
        while (VALUE[b] === 1) {
          if (++pos >= to) break
          b = buf[pos] ?? 0
        }
        if (pos >= to) break scan
        if (b === CR) {
          head.valueEnd[n] = trimSpace(buf, head.valueStart[n] ?? pos, pos)
          pos++
          state = S_VALUE_LF
        } else if (lenient && b === LF) {
          head.repairs |= REPAIRED_BARE_LF
          head.valueEnd[n] = trimSpace(buf, head.valueStart[n] ?? pos, pos)
          n++
          pos++
          state = S_LINE_START
        } else if (lenient && b !== 0 && b !== LF && !framesBody(head.id[n] ?? 0)) {
          buf[pos] = SP
          head.repairs |= REPAIRED_CONTROL
          pos++
        } else {
          status = BAD
          break scan
        }
        break
      }
      case S_VALUE_LF:
        if (byte !== LF) {
          status = BAD
          break scan
        }
        n++
        pos++
        state = S_LINE_START
        break
      default:
        // END_LF: the CR of the empty line is read.
        if (byte !== LF) {
          status = BAD
          break scan
        }
        pos++
        status = DONE
        break scan
    }
  }
  head.pos = pos
  head.state = state
  head.count = n
  if (status === DONE) head.end = pos
  return status !== BAD && pos - head.start > limits.headBytes ? TOO_LARGE : status
}

/** What says how long a body is must be said cleanly: a control byte there is a fault, not a blemish. */
function framesBody(id: number): boolean {
  return id === H_CONTENT_LENGTH || id === H_TRANSFER_ENCODING
}
