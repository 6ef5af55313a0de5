/**
 * What the ledger counts: the closed sets of lanes, outcomes and counters.
 *
 * Outcomes are disjoint; a total is their sum, so a reader never sees more bad answers than answers.
 * Exchanges the bucket rule decided are kept apart from all others: only they are comparable between
 * v1 and v2 (the others were not assigned at random).
 */

/** Who was asked. A fallback answer has a lane of its own: it is v1's work but no baseline. */
export const LANES = ['v1', 'v2', 'fallback', 'mirror', 'reverse'] as const
export type Lane = (typeof LANES)[number]
export const LANE_V1 = 0
export const LANE_V2 = 1
export const LANE_FALLBACK = 2
/** Shadow requests to v2. */
export const LANE_MIRROR = 3
/** Shadow requests of v2-served exchanges back to v1. */
export const LANE_REVERSE = 4

export const OUTCOMES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'refused', 'reset', 'timeout', 'malformed', 'busy', 'aborted', 'lost'] as const
export type Outcome = (typeof OUTCOMES)[number]
export const OUTCOME_REFUSED = 5
export const OUTCOME_RESET = 6
export const OUTCOME_TIMEOUT = 7
export const OUTCOME_MALFORMED = 8
/** No upstream connection within the connect deadline: the pool's cap, not the backend's fault. */
export const OUTCOME_BUSY = 9
/** The client left before the answer: nobody's fault, counted for nobody. */
export const OUTCOME_ABORTED = 10
/** In flight in a thread that died. */
export const OUTCOME_LOST = 11

/** Index into OUTCOMES for a complete answer with this status. */
export function outcomeOfStatus(status: number): number {
  return status >= 500 ? 4 : status >= 400 ? 3 : status >= 300 ? 2 : status >= 200 ? 1 : 0
}

/** Outcomes that count as the backend's failure (the judge's "bad event"). */
export const FAILURES: readonly Outcome[] = ['5xx', 'refused', 'reset', 'timeout', 'malformed', 'lost']

/** How the exchange was assigned: by the bucket rule, or by anything else. */
export const ASSIGNED_BY_BUCKET = 0
export const ASSIGNED_OTHERWISE = 1

/** Per-slot counters beside the lanes' cells. Names are label values or metric parts; the order is the layout. */
export const COUNTERS = [
  'fallbacks',
  'mirror_sent',
  'mirror_dropped_queue',
  'mirror_dropped_body',
  'mirror_dropped_lag',
  'mirror_dropped_breaker',
  'mirror_dropped_buffers',
  'mirror_dropped_timeout',
  'mirror_failed',
  'mirror_unsampled',
  'compare_match',
  'compare_mismatch',
  'compare_ignored',
  'compare_incomparable',
  'compare_dropped',
  'difference_missing',
  'difference_extra',
  'difference_type',
  'difference_value',
  'difference_order',
  'difference_length',
  'difference_status',
  'difference_header',
  'difference_body',
  'retries',
  'keyless',
  'tunnels',
  'errors_internal',
] as const
export type Counter = (typeof COUNTERS)[number]

/** Index of a counter, resolved once at module load, not per request. */
export function counterId(name: Counter): number {
  return COUNTERS.indexOf(name)
}

/** Why a request was refused by the gateway itself (slot 0): `banyan_rejected_requests_total{reason}`. */
export const REJECTIONS = [
  'bad_request',
  'head_timeout',
  'uri_too_long',
  'head_too_large',
  'body_too_large',
  'method',
  'version',
  'expectation',
  'not_implemented',
  'loop',
  'no_route',
  'draining',
  'connections',
  'buffers',
  'upstream_busy',
  'no_backend',
] as const
export type Rejection = (typeof REJECTIONS)[number]

/** Faults of a backend's answer that were repaired: `banyan_upstream_repaired_total{backend,kind}`. */
export const REPAIRS = [
  'obs_fold',
  'space_before_colon',
  'equal_content_lengths',
  'transfer_encoding_wins',
  'bare_lf',
  'chunk_size_space',
  'control_bytes',
] as const
