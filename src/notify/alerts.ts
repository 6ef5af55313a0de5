/**
 * Alerts: what a person should know now, told once.
 *
 * An incident has a key. While it is open, the same alert again is only counted, unless it got worse;
 * when it is resolved the receivers hear that too, so a pager can close what it opened. Receivers are
 * independent: one that fails is counted and never holds up another, nor the gateway.
 */
export type Severity = 'info' | 'warning' | 'critical'

export interface Alert {
  readonly severity: Severity
  /** Names the incident: the same key while it lasts, e.g. `trip/orders/3`. */
  readonly incident: string
  /** One plain sentence with its numbers. */
  readonly text: string
  readonly route: string | null
  readonly evidence: Readonly<Record<string, unknown>> | null
}

export interface Notice extends Alert {
  readonly event: 'opened' | 'worse' | 'repeated' | 'resolved'
  readonly at: number
  /** Alerts of this incident so far that were not sent because they said the same. */
  readonly suppressed: number
}

export interface Receiver {
  /** A closed set: it is a metric's label. */
  readonly name: string
  send(notice: Notice): void | Promise<void>
}

export interface Alerts {
  raise(alert: Alert): void
  /** Closes the incident; nothing happens when it is not open. */
  resolve(incident: string, text: string): void
  open(): readonly Notice[]
  /** Sent so far, for `banyan_alerts_total{receiver,result}`. */
  counts(): readonly { readonly receiver: string; readonly result: 'ok' | 'failed'; readonly count: number }[]
}

export interface AlertsOptions {
  readonly receivers: readonly Receiver[]
  readonly now: () => number
  /** An open incident is told again after this long; it must not be forgotten over a weekend. */
  readonly repeatMs?: number
}

const REPEAT_MS = 4 * 3_600_000
const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 }
/** Open incidents kept; the oldest are dropped beyond it, so no bug of ours can fill the memory. */
const MAX_OPEN = 2_048

export function createAlerts(options: AlertsOptions): Alerts {
  const incidents = new Map<string, Notice>()
  const counted = new Map<string, { sent: number; failed: number }>(options.receivers.map((r) => [r.name, { sent: 0, failed: 0 }]))

  function tell(notice: Notice): void {
    for (const receiver of options.receivers) void deliver(receiver, notice)
  }

  async function deliver(receiver: Receiver, notice: Notice): Promise<void> {
    const count = counted.get(receiver.name)
    try {
      await receiver.send(notice)
      if (count !== undefined) count.sent++
    } catch {
      if (count !== undefined) count.failed++
    }
  }

  function eventOf(alert: Alert, before: Notice | undefined): Notice['event'] | null {
    if (before === undefined) return 'opened'
    if (RANK[alert.severity] > RANK[before.severity]) return 'worse'
    return options.now() - before.at >= (options.repeatMs ?? REPEAT_MS) ? 'repeated' : null
  }

  return {
    raise: (alert) => {
      const before = incidents.get(alert.incident)
      const event = eventOf(alert, before)
      if (event === null && before !== undefined) {
        incidents.set(alert.incident, { ...before, suppressed: before.suppressed + 1 })
        return
      }
      const notice: Notice = { ...alert, event: event ?? 'opened', at: options.now(), suppressed: before?.suppressed ?? 0 }
      incidents.set(alert.incident, notice)
      const oldest = incidents.size > MAX_OPEN ? incidents.keys().next() : null
      if (oldest !== null && oldest.done !== true) incidents.delete(oldest.value)
      tell(notice)
    },
    resolve: (incident, text) => {
      const before = incidents.get(incident)
      if (before === undefined) return
      incidents.delete(incident)
      tell({ ...before, text, event: 'resolved', at: options.now() })
    },
    open: () => [...incidents.values()],
    counts: () =>
      [...counted].flatMap(([receiver, { sent, failed }]) => [
        { receiver, result: 'ok' as const, count: sent },
        { receiver, result: 'failed' as const, count: failed },
      ]),
  }
}
