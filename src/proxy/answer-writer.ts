/**
 * The answer on its way to the client: head rewritten, body framed for this client, in one write per read.
 *
 * What a backend framed by closing the connection is chunked for a 1.1 client, so that a cut stays
 * visible (RFC 9112 section 8); a 1.0 client gets it close-delimited. Over TLS Node cannot tell an end
 * from a cut, so such an answer stays close-delimited for everybody.
 */
import type { AnswerInfo } from '../wire/answer.ts'
import type { Head } from '../wire/head.ts'
import { H_API_VERSION } from '../wire/names.ts'
import { FRAME_CHUNKED, FRAME_CLOSE, FRAME_LENGTH, FRAME_NONE } from '../wire/request.ts'
import type { Scratch } from '../wire/scratch.ts'
import { writeLastChunk } from './request-body.ts'

export interface AnswerShape {
  /** The client speaks 1.1: chunks, 1xx. */
  readonly minor: number
  readonly close: boolean
  readonly isHead: boolean
  readonly upstreamTls: boolean
  /** `X-Banyan-Backend: v1 CRLF` and the like. */
  readonly backendLine: string
  readonly versionLine: string
  /** Lower-case names of those two, so that a backend's own are dropped or kept. */
  readonly backendName: string
  readonly versionName: string
  /** Debug decision, sticky cookie: whole lines. */
  readonly lines: string
}

/** Framing towards the client. */
export function framingFor(info: AnswerInfo, shape: Pick<AnswerShape, 'minor' | 'upstreamTls'>): number {
  switch (info.framing) {
    case FRAME_CHUNKED:
      return shape.minor === 1 ? FRAME_CHUNKED : FRAME_CLOSE
    case FRAME_CLOSE:
      return shape.minor === 1 && !shape.upstreamTls ? FRAME_CHUNKED : FRAME_CLOSE
    default:
      return info.framing
  }
}

/** Writes status line and lines, empty line included. */
export function writeAnswerHead(
  out: Scratch,
  head: Head,
  info: Pick<AnswerInfo, 'status' | 'length'>,
  framing: number,
  shape: AnswerShape,
): void {
  out.text('HTTP/1.1 ')
  out.decimal(info.status)
  out.text(' ')
  out.range(head.buf, head.reasonStart, head.reasonEnd)
  out.crlf()
  if (shape.backendName !== '') dropNamed(head, shape.backendName)
  const ownVersion =
    shape.versionName === 'x-api-version' ? hasId(head, H_API_VERSION) : shape.versionName !== '' && head.find(shape.versionName) >= 0
  // The backend may have promised trailers; they pass only where chunks do.
  out.lines(head)
  writeLength(out, info, framing, shape.isHead)
  if (framing === FRAME_CHUNKED) out.text('Transfer-Encoding: chunked\r\n')
  out.text(shape.backendLine)
  if (!ownVersion) out.text(shape.versionLine)
  out.text(shape.lines)
  if (shape.close || framing === FRAME_CLOSE) out.text('Connection: close\r\n')
  out.crlf()
}

function dropNamed(head: Head, name: string): void {
  for (let i = head.find(name); i >= 0; i = head.find(name, i + 1)) head.drop[i] = 1
}

function hasId(head: Head, id: number): boolean {
  for (let i = 0; i < head.count; i++) if (head.id[i] === id && head.drop[i] === 0) return true
  return false
}

/** In canonical decimal. HEAD and 304 may tell the length of what is not sent; 1xx and 204 may not (9110 8.6). */
function writeLength(out: Scratch, info: Pick<AnswerInfo, 'status' | 'length'>, framing: number, isHead: boolean): void {
  const told =
    framing === FRAME_LENGTH || (framing === FRAME_NONE && info.length >= 0 && info.status !== 204 && (isHead || info.status === 304))
  if (!told) return
  out.text('Content-Length: ')
  out.decimal(info.length)
  out.crlf()
}

/** A 1xx answer, passed on as it came (9110 15.2). */
export function writeInterim(out: Scratch, head: Head, info: AnswerInfo): void {
  out.text('HTTP/1.1 ')
  out.decimal(info.status)
  out.text(' ')
  out.range(head.buf, head.reasonStart, head.reasonEnd)
  out.crlf()
  out.lines(head)
  out.crlf()
}

export function writeAnswerBody(out: Scratch, framing: number, buf: Buffer, from: number, to: number): void {
  if (framing === FRAME_NONE) return
  if (framing === FRAME_CHUNKED) {
    out.chunkSize(to - from)
    out.range(buf, from, to)
    out.crlf()
  } else {
    out.range(buf, from, to)
  }
}

export function writeAnswerEnd(out: Scratch, framing: number, trailers: Head | null): void {
  if (framing === FRAME_CHUNKED) writeLastChunk(out, trailers)
}
