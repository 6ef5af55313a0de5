/** What the demo reads of the running gateway, through the same client as the command line. */
import { createClient } from '../cli/client.ts'
import type { AuditEntry } from '../core/model/control.ts'
import type { Finding } from '../core/model/finding.ts'
import type { RouteStatus, StatusBody } from '../core/model/status.ts'
import type { Route } from './traffic.ts'

export interface Admin {
  status(): Promise<StatusBody>
  route(name: Route): Promise<RouteStatus>
  findings(route: Route): Promise<readonly Finding[]>
  /** Newest first. */
  audit(): Promise<readonly AuditEntry[]>
  /** Milliseconds that all rollbacks so far took together, from the command to the last routing word. */
  rollbackMs(): Promise<number>
  /** Good answers (2xx) that clients got, by the ledger of all threads. */
  goodAnswers(): Promise<number>
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
  /** The sum of all lines like this. */
  const metric = async (line: RegExp): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text()
    const values = [...text.matchAll(line)].map((match) => Number(match[1]))
    if (values.length === 0) throw new Error(`no line of /metrics is like ${line.source}`)
    return values.reduce((sum, value) => sum + value, 0)
  }
  return {
    status: () => get<StatusBody>('/api/v1/status'),
    route: (name) => get<RouteStatus>(`/api/v1/routes/${name}`),
    findings: async (name) => (await get<{ readonly findings: readonly Finding[] }>(`/api/v1/diffs?route=${name}`)).findings,
    audit: async () => (await get<{ readonly entries: readonly AuditEntry[] }>('/api/v1/audit')).entries,
    rollbackMs: async () => (await metric(/^banyan_rollback_duration_seconds_sum (\S+)$/gm)) * 1_000,
    goodAnswers: () => metric(/^banyan_requests_total\{.*code_class="2xx".*\} (\S+)$/gm),
    close: () => client.close(),
  }
}
