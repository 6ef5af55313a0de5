/** What the gateway answers without asking a backend: loops, readiness, OPTIONS that may go no further. */
import type { ExchangeLink } from './context.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Head } from '../wire/head.ts'
import { ALLOW_LINE, plainAnswer } from './problem.ts'

/** An error to answer with, `answered` when it has been, null when the request goes on. */
export function answerOwn(exchange: ExchangeLink, head: Head): ErrorCode | 'answered' | null {
  const { ctx, runtime } = exchange
  const { notes } = ctx
  if (notes.loop) return 'loop_detected'
  exchange.shadow = notes.shadow
  exchange.debug = notes.debug
  if (runtime.config.listen.health !== null && ctx.facts.target.split('?')[0] === runtime.config.listen.health) {
    const ok = ctx.ready && !ctx.draining
    const status = ok ? 200 : 503
    exchange.answerLocally(status, plainAnswer(status, ok ? 'ok\n' : 'not ready\n', exchange.shape()))
    return 'answered'
  }
  // 9110 7.6.2: at zero the request ends here, above it one less is passed on.
  if (notes.maxForwards < 0 || exchange.method !== 'OPTIONS') return null
  if (/^0+$/.test(head.value(notes.maxForwards))) {
    exchange.answerLocally(200, plainAnswer(200, '', { ...exchange.shape(), lines: ALLOW_LINE }))
    return 'answered'
  }
  head.drop[notes.maxForwards] = 1
  return null
}
