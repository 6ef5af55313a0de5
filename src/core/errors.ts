/**
 * The gateway's own errors: a closed catalogue of stable codes, each with its source and its status.
 *
 * `source` says whose fault it is, and with it what follows: a client's error ends its request and
 * nothing else, an upstream's counts against that backend and may be answered by the other one, an
 * internal one is ours. A backend's fault is 502 to 504, never 500.
 */
import type { Rejection } from './model/observation.ts'

export type ErrorSource = 'client' | 'upstream' | 'internal'

interface ErrorKind {
  readonly source: ErrorSource
  readonly status: number
  /** One sentence for the person who reads the answer; no data of the request in it. */
  readonly title: string
  /** What `banyan_rejected_requests_total{reason}` counts it as; null: not a refusal. */
  readonly rejection: Rejection | null
}

function client(status: number, rejection: Rejection | null, title: string): ErrorKind {
  return { source: 'client', status, title, rejection }
}
function upstream(status: number, rejection: Rejection | null, title: string): ErrorKind {
  return { source: 'upstream', status, title, rejection }
}
function internal(status: number, rejection: Rejection | null, title: string): ErrorKind {
  return { source: 'internal', status, title, rejection }
}

export const ERRORS = {
  bad_request: client(400, 'bad_request', 'The request is not valid HTTP/1.1.'),
  head_timeout: client(408, 'head_timeout', 'The request head did not arrive in time.'),
  body_timeout: client(408, null, 'The request body stopped arriving.'),
  method_not_allowed: client(405, 'method', 'The gateway does not serve this method.'),
  body_too_large: client(413, 'body_too_large', 'The request body is larger than this route allows.'),
  uri_too_long: client(414, 'uri_too_long', 'The request line is longer than the gateway allows.'),
  expectation_failed: client(417, 'expectation', 'The gateway knows no expectation but 100-continue.'),
  head_too_large: client(431, 'head_too_large', 'The request head is larger than the gateway allows.'),
  not_implemented: client(501, 'not_implemented', 'The gateway passes no transfer coding but chunked.'),
  version_not_supported: client(505, 'version', 'The gateway speaks HTTP/1.1.'),
  no_route: client(404, 'no_route', 'No route of the gateway matches this request.'),
  gone: client(410, null, 'This endpoint has been retired.'),
  loop_detected: client(508, 'loop', 'The request has passed this gateway before.'),
  draining: internal(503, 'draining', 'The gateway is shutting down.'),
  connections: internal(503, 'connections', 'The gateway has no room for another connection.'),
  buffers: internal(503, 'buffers', 'The gateway has no memory left for another request.'),
  no_backend: upstream(503, 'no_backend', 'No endpoint of the backend can be reached.'),
  upstream_busy: upstream(503, 'upstream_busy', 'Every connection to the backend is in use.'),
  upstream_refused: upstream(502, null, 'The backend refused the connection.'),
  upstream_reset: upstream(502, null, 'The backend broke the connection off before its answer was complete.'),
  upstream_malformed: upstream(502, null, 'The backend answered with what is not valid HTTP.'),
  upstream_timeout: upstream(504, null, 'The backend did not answer in time.'),
  internal: internal(500, null, 'The gateway made a mistake.'),
} as const satisfies Readonly<Record<string, ErrorKind>>

export type ErrorCode = keyof typeof ERRORS

/** What is exceptional; what is expected (a refusal, a verdict, config problems) is a value instead. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly source: ErrorSource
  readonly status: number

  /** `detail` is for logs and, where it holds nothing of anybody's request, for the answer. */
  constructor(code: ErrorCode, detail: string = ERRORS[code].title, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.code = code
    this.source = ERRORS[code].source
    this.status = ERRORS[code].status
  }
}
