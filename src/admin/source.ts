/**
 * What the admin API needs from the rest of the gateway, as functions.
 *
 * The admin server holds no opinion and no state: it turns HTTP into these calls and their values into
 * JSON. The composition root (threads/control.ts) supplies the functions. Whether a command lowers or
 * raises, needs a reason or is refused is decided by `apply` in core/control, never here: the CLI, the
 * judge and a reload go through the same rules.
 */
import type { AuditEntry, Command, Refusal } from '../core/model/control.ts'
import type { Finding, Sample } from '../core/model/finding.ts'
import type { PlanBody, PlanProblems } from '../core/model/plan.ts'
import type { StatusBody } from '../core/model/status.ts'
import type { Explanation } from '../core/split/explain.ts'

export interface AdminSource {
  readonly status: () => StatusBody
  readonly ready: () => Readiness
  /** The Prometheus text exposition, format 0.0.4. */
  readonly metrics: () => Promise<string>
  /** Group of a route by its name, removed but still latched routes included; null = no such route. */
  readonly groupOf: (route: string) => string | null
  /**
   * Applies a command. With `dryRun` the answer is the same and nothing changes.
   *
   * A lowering command must have reached every thread when this returns (or resolves), saved or not.
   */
  readonly submit: (command: Command, options: { readonly dryRun: boolean }) => MaybePromise<Accepted | Refusal>
  /** null = no route matches. */
  readonly explain: (query: ExplainQuery) => MaybePromise<Explanation | null>
  /** null = of all routes. */
  readonly findings: (route: string | null) => MaybePromise<readonly Finding[]>
  readonly sample: (id: string) => MaybePromise<Sample | null>
  /** Newest first. `sinceMs`: milliseconds since the epoch, null = from the beginning. */
  readonly audit: (query: { readonly sinceMs: number | null; readonly limit: number }) => MaybePromise<readonly AuditEntry[]>
  /** `text`: a whole config document. */
  readonly plan: (text: string) => MaybePromise<PlanBody | PlanProblems>
}

type MaybePromise<T> = T | Promise<T>

export interface Readiness {
  readonly ready: boolean
  /** One sentence for everything that is missing; empty when ready. */
  readonly why: readonly string[]
}

interface Accepted {
  readonly entry: Omit<AuditEntry, 'id'>
  /** False: in force, but not on disk yet (a lowering never waits for the disk). Absent = true. */
  readonly saved?: boolean
}

/** A made-up request. Header values and target are byte strings, names lower-case. */
interface ExplainQuery {
  /** Decide for this route; null = the first route that matches. */
  readonly route: string | null
  readonly method: string
  readonly target: string
  /** Lower-case, without port; empty = none. */
  readonly host: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Canonical text of the client's address; empty = unknown. */
  readonly clientAddress: string
}
