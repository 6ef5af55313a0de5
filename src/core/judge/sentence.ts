/** A verdict's one plain sentence: "v2 failed 9 of 41 requests in 4 s; limit 5 %; v1 failed 12 of 3,960". */
import type { Counts } from './counts.ts'

export interface Told {
  readonly canary: Counts
  readonly baseline: Counts
  readonly spanMs: number
  /** Share, 0–1. */
  readonly limit: number
}

export function failuresSentence({ canary, baseline, spanMs, limit }: Told): string {
  const v1 = baseline.total === 0 ? 'v1 had no requests' : `v1 failed ${number(baseline.bad)} of ${number(baseline.total)}`
  const requests = canary.total === 1 ? 'request' : 'requests'
  return `v2 failed ${number(canary.bad)} of ${number(canary.total)} ${requests} in ${duration(spanMs)}; limit ${percent(limit)}; ${v1}`
}

export function tooFewSentence({ canary, spanMs }: Told, minRequests: number): string {
  if (canary.total === 0) return `v2 got no request in ${duration(spanMs)}`
  return `v2 answered ${number(canary.total)} of the ${number(minRequests)} requests needed in ${duration(spanMs)}, ${number(canary.bad)} failed`
}

/** Whole units, and never "0 s": what just began has taken a second. */
function duration(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1_000))
  if (seconds < 120) return `${String(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${String(minutes)} min` : `${String(Math.round(minutes / 60))} h`
}

function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

function percent(share: number): string {
  return `${String(Math.round(share * 10_000) / 100)} %`
}
