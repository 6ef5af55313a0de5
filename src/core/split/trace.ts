/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/, level 1 with level 2's flags): is a received
 * `traceparent` fit to be passed on, and what is sent where there is none.
 *
 * Strings are byte strings. The check is one pass over at most 55 characters without a regex or a split:
 * it runs for every request.
 */

/** `00-` 32 hex `-` 16 hex `-` 2 hex. */
const LENGTH = 55
const TRACE_ID = 3
const PARENT_ID = 36
const FLAGS = 53

/**
 * True when the value can go on as it came. Versions above 00 may be longer, after a further dash (3.3.2.1);
 * `ff`, upper case and all-zero ids are invalid, and an invalid one must not be passed on (its tracestate neither).
 */
export function isTraceparent(value: string): boolean {
  if (value.length < LENGTH) return false
  const version00 = value.charCodeAt(0) === ZERO && value.charCodeAt(1) === ZERO
  if (value.length > LENGTH && (version00 || value.charCodeAt(LENGTH) !== DASH)) return false
  if (value.charCodeAt(2) !== DASH || value.charCodeAt(35) !== DASH || value.charCodeAt(52) !== DASH) return false
  if (!isHex(value, 0, 2) || (value.charCodeAt(0) === LOWER_F && value.charCodeAt(1) === LOWER_F)) return false
  return (
    isHex(value, TRACE_ID, 35) &&
    isHex(value, PARENT_ID, 52) &&
    isHex(value, FLAGS, LENGTH) &&
    !allZero(value, TRACE_ID, 35) &&
    !allZero(value, PARENT_ID, 52)
  )
}

/** The 32 hex digits of a valid `traceparent`: what log lines carry. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(TRACE_ID, 35)
}

/**
 * Makes new values for requests that came without one. `randomHex(digits)` must be unpredictable enough not to
 * collide; see `createRandomHex`.
 *
 * Flags 03: sampled, as a backend would decide by default (parentbased, always on) had it been asked first; with 00
 * every parent-based sampler behind the gateway would fall silent. 02: the trace id is random (level 2).
 */
export function startTraceparent(randomHex: (digits: number) => string): string {
  let traceId = randomHex(32)
  let parentId = randomHex(16)
  if (allZero(traceId, 0, 32)) traceId = `${traceId.slice(0, 31)}1`
  if (allZero(parentId, 0, 16)) parentId = `${parentId.slice(0, 15)}1`
  return `00-${traceId}-${parentId}-03`
}

const POOL_BYTES = 4_096

/** Random hex digits out of a pool: one system call for some 170 traces. `fill`: `crypto.randomFillSync`. */
export function createRandomHex(fill: (pool: Buffer) => void): (digits: number) => string {
  const pool = Buffer.alloc(POOL_BYTES)
  let used = POOL_BYTES
  return (digits) => {
    const bytes = digits / 2
    if (used + bytes > POOL_BYTES) {
      fill(pool)
      used = 0
    }
    used += bytes
    return pool.toString('hex', used - bytes, used)
  }
}

const DASH = 0x2d
const ZERO = 0x30
const NINE = 0x39
const LOWER_A = 0x61
const LOWER_F = 0x66

function isHex(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index)
    if ((code < ZERO || code > NINE) && (code < LOWER_A || code > LOWER_F)) return false
  }
  return true
}

function allZero(text: string, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (text.charCodeAt(index) !== ZERO) return false
  return true
}
