/**
 * Says what happened: every command a log line, every latch an alert that ends with the latch.
 *
 * A trip is told with the times an operator asks for first: how long from the first bad answer to the
 * command, and from the command to zero in every thread.
 */
import type { Change } from './holder.ts'
import { latchesEnded, latchesSet } from './rollbacks.ts'
import type { LatchSet } from './rollbacks.ts'

/** What is used of the alerts (`notify/alerts.ts`) and of the log (pino). */
export interface AlertSink {
  raise(alert: {
    readonly severity: 'info' | 'warning' | 'critical'
    readonly incident: string
    readonly text: string
    readonly route: string | null
    readonly evidence: Readonly<Record<string, unknown>> | null
  }): void
  resolve(incident: string, text: string): void
}

export interface ControlLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

export function announce(change: Change, log: ControlLog, alerts: AlertSink): void {
  const { entry, saved, tookMs } = change
  const { kind, subject, actor, reason, before, after, revision } = entry
  const fields = { audit: { kind, subject, actor, reason, before, after, revision, saved, ms: round(tookMs) } }
  log.info(fields, `${actor}: ${kind} ${subject}: ${before} → ${after}`)
  for (const set of latchesSet(change)) alerts.raise(alertOf(set, change))
  for (const { group, latch } of latchesEnded(change))
    alerts.resolve(incidentOf(group, latch.epoch), `${nameOf(group)} was rearmed by ${actor}: ${reason}`)
}

function alertOf({ group, latch }: LatchSet, change: Change): Parameters<AlertSink['raise']>[0] {
  const byHand = latch.cause === 'rollback' || latch.cause === 'kill'
  const detectedMs = change.command.evidence?.['detectedMs']
  const detected = typeof detectedMs === 'number' ? `; detected ${round(detectedMs)} ms after the first bad answer` : ''
  const because = latch.reason === '' ? '' : `: ${latch.reason}`
  return {
    severity: byHand ? 'warning' : 'critical',
    incident: incidentOf(group, latch.epoch),
    text: `${nameOf(group)} is at zero (${latch.cause} by ${latch.actor})${because}${detected}; zero in every thread within ${round(change.tookMs)} ms`,
    route: group === '*' ? null : group,
    evidence: change.command.evidence ?? null,
  }
}

function incidentOf(group: string, epoch: number): string {
  return `latch/${group}/${epoch}`
}

function nameOf(group: string): string {
  return group === '*' ? 'v2 of the whole gateway' : `v2 of ${group}`
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
