/** When v1 answers in v2's place: because v2 failed as the route says, or because v2 was taken away meanwhile. */
import type { FallbackConfig } from '../core/model/config.ts'
import { OUTCOME_MALFORMED, OUTCOME_TIMEOUT } from '../core/model/observation.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import { mayStillUseV2 } from '../core/split/decide.ts'
import type { Context, ExchangeLink } from './context.ts'

/** `outcome`: index into OUTCOMES, of an attempt that brought no answer. */
export function fallsBackOn(fallback: FallbackConfig, outcome: number): boolean {
  switch (outcome) {
    case OUTCOME_TIMEOUT:
      return fallback.timeout
    // What is no HTTP would be a 502 to the client: it falls back where 502 does.
    case OUTCOME_MALFORMED:
      return fallback.connect || fallback.statuses.includes(502)
    default:
      return fallback.connect
  }
}

/** Whether the routing words, read now, still give this request to v2. */
export function stillOnV2(exchange: ExchangeLink, ctx: Context): boolean {
  const { route } = exchange
  if (route === null) return false
  return mayStillUseV2(route, exchange.decision, Atomics.load(ctx.words, route.slot), Atomics.load(ctx.words, GATEWAY_SLOT))
}
