/**
 * Two answers to one request on their way to the compare thread.
 *
 * All bodies of a batch lie in one ArrayBuffer of exactly the batch's size, which is transferred:
 * one copy, no message per request, no slice of anybody else's memory.
 */
export interface PairBatch {
  readonly bytes: ArrayBuffer
  readonly pairs: readonly PairMeta[]
}

export interface PairMeta {
  readonly slot: number
  readonly route: string
  readonly method: string
  /** Raw request target, latin1. May carry secrets in its query: redact before showing. */
  readonly target: string
  readonly requestId: string
  /** Wall-clock milliseconds when the primary's answer was complete. */
  readonly at: number
  readonly v1: AnswerMeta
  readonly v2: AnswerMeta
}

export interface AnswerMeta {
  readonly status: number
  /** Listed headers plus content-type and content-encoding: lower-case name → values joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** Offset and length of the body in the batch's bytes. */
  readonly offset: number
  readonly length: number
  /** False when the body went past the cap, was cut or timed out: incomparable. */
  readonly complete: boolean
  readonly latencyMs: number
}
