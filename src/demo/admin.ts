/** What the demo reads of the running gateway, through the same client as the command line. */
import { createClient } from '../cli/client.ts'
import type { AuditEntry } from '../core/model/control.ts'
import type { RouteStatus, StatusBody } from '../core/model/status.ts'
import type { Route } from './traffic.ts'

export interface Admin {
  status(): Promise<StatusBody>
  route(name: Route): Promise<RouteStatus>
  /** Newest first. */
  audit(): Promise<readonly AuditEntry[]>
  /** Milliseconds that all rollbacks so far took together, from the command to the last routing word. */
  rollbackMs(): Promise<number>
  close(): Promise<void>
}

export function connectAdmin(url: string): Admin {
  const client = createClient({ admin: url, token: null })
  if ('ok' in client) throw new Error(client.message)
  const get = async <T>(path: string): Promise<T> => {
    const reply = await client.ask<T>('GET', path)
    if (!reply.ok) throw new Error(reply.message)
    return reply.body
  }
  return {
    status: () => get<StatusBody>('/api/v1/status'),
    route: (name) => get<RouteStatus>(`/api/v1/routes/${name}`),
    audit: async () => (await get<{ readonly entries: readonly AuditEntry[] }>('/api/v1/audit')).entries,
    rollbackMs: async () => {
      const text = await (await fetch(`${url}/metrics`)).text()
      const sum = /^banyan_rollback_duration_seconds_sum (\S+)$/m.exec(text)
      if (sum === null) throw new Error('banyan_rollback_duration_seconds is not among the metrics')
      return Number(sum[1]) * 1_000
    },
    close: () => client.close(),
  }
}
