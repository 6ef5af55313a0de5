/** The ways an attempt fails, each with what the ledger counts and what the client is told. */
import type { ErrorCode } from '../core/errors.ts'
import { OUTCOME_BUSY, OUTCOME_MALFORMED, OUTCOME_REFUSED, OUTCOME_RESET, OUTCOME_TIMEOUT } from '../core/model/observation.ts'
import type { ConnectFault, UpstreamFault } from '../wire/upstream.ts'

export interface Failure {
  readonly outcome: number
  readonly code: ErrorCode
}

export const FAILURE: Readonly<Record<ConnectFault | UpstreamFault | 'none', Failure>> = {
  refused: { outcome: OUTCOME_REFUSED, code: 'upstream_refused' },
  timeout: { outcome: OUTCOME_TIMEOUT, code: 'upstream_timeout' },
  busy: { outcome: OUTCOME_BUSY, code: 'upstream_busy' },
  reset: { outcome: OUTCOME_RESET, code: 'upstream_reset' },
  malformed: { outcome: OUTCOME_MALFORMED, code: 'upstream_malformed' },
  /** The backend has no endpoint at all. */
  none: { outcome: OUTCOME_REFUSED, code: 'no_backend' },
}
