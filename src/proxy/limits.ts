/** Limits as the engine compares them: 0 in the config means no limit. */
import type { LimitsConfig } from '../core/model/config.ts'
import type { HeadLimits } from '../wire/head.ts'

function orNone(limit: number): number {
  return limit === 0 ? Infinity : limit
}

export function headLimitsOf(limits: LimitsConfig): HeadLimits {
  return { requestLineBytes: orNone(limits.requestLineBytes), headBytes: orNone(limits.headBytes), lines: orNone(limits.lines) }
}
