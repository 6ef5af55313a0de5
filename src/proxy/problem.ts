/**
 * The gateway's own answers: problem+json (RFC 9457) with a stable `code`, the same bytes for everybody.
 *
 * Nothing of the request is repeated in them.
 */
import { STATUS_CODES } from 'node:http'
import { ERRORS } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import { REJECTIONS } from '../core/model/observation.ts'
import { BAD_METHOD, BAD_VERSION, LINE_TOO_LONG, TOO_LARGE } from '../wire/head.ts'
import type { ScanStatus } from '../wire/head.ts'

export interface ProblemShape {
  readonly head: boolean
  readonly close: boolean
  /** Further lines, each with its CRLF. */
  readonly lines: string
}

export const ALLOW_LINE = 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n'

const bodies = new Map<ErrorCode, string>()

function bodyOf(code: ErrorCode): string {
  let body = bodies.get(code)
  if (body === undefined) {
    const { status, title } = ERRORS[code]
    body = `${JSON.stringify({ type: 'about:blank', title, status, code })}\n`
    bodies.set(code, body)
  }
  return body
}

/** The whole answer. HEAD gets the head alone. */
export function problemAnswer(code: ErrorCode, shape: ProblemShape): string {
  const { status } = ERRORS[code]
  const body = bodyOf(code)
  const retry = status === 503 ? 'Retry-After: 1\r\n' : ''
  const allow = status === 405 ? ALLOW_LINE : ''
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
    `Content-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nCache-Control: no-store\r\n` +
    `${retry}${allow}${shape.lines}${shape.close ? 'Connection: close\r\n' : ''}\r\n`
  return shape.head ? head : head + body
}

/** A small answer of the gateway itself that is no problem: readiness, OPTIONS with Max-Forwards 0. */
export function plainAnswer(status: number, text: string, shape: ProblemShape): string {
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'OK'}\r\n` +
    `Content-Type: text/plain\r\nContent-Length: ${text.length}\r\nCache-Control: no-store\r\n` +
    `${shape.lines}${shape.close ? 'Connection: close\r\n' : ''}\r\n`
  return shape.head ? head : head + text
}

/** Index into REJECTIONS; −1 when the code is no refusal. */
export function rejectionOf(code: ErrorCode): number {
  const { rejection } = ERRORS[code]
  return rejection === null ? -1 : REJECTIONS.indexOf(rejection)
}

/** The error of a request head that could not be scanned. */
export function faultOf(status: ScanStatus): ErrorCode {
  switch (status) {
    case LINE_TOO_LONG:
      return 'uri_too_long'
    case TOO_LARGE:
      return 'head_too_large'
    case BAD_VERSION:
      return 'version_not_supported'
    case BAD_METHOD:
      return 'not_implemented'
    default:
      return 'bad_request'
  }
}
