/** Moments the chapters measure, all on one clock (ms since the epoch): users' and the audit log's. */
import type { AuditEntry } from '../../core/model/control.ts'
import type { Route } from '../traffic.ts'
import type { World } from '../world.ts'

/** Times in the audit log are whole milliseconds. */
export const ROUNDING_MS = 1

/** Watches for the next answer of v2 to a user of this route. Begin before the command that is to bring it. */
export function firstV2Answer(world: World, route: Route): { at(): Promise<number> } {
  let at: number | null = null
  const unwatch = world.traffic.watch((seen) => {
    if (seen.route === route && seen.backend === 'v2') at ??= seen.endedAt
  })
  return { at: () => world.until(`a user of ${route} is answered by v2`, () => at).finally(unwatch) }
}

/** The newest entry of this kind; `sinceMs`: not older than that. */
export function audited(world: World, kind: AuditEntry['kind'], subject: string, sinceMs = 0): Promise<AuditEntry> {
  return world.until(`the audit log tells of ${kind} ${subject}`, async () => {
    const entries = await world.admin.audit()
    return entries.find((entry) => entry.kind === kind && entry.subject === subject && Date.parse(entry.at) >= sinceMs) ?? null
  })
}

export async function timeOf(world: World, kind: AuditEntry['kind'], subject: string, sinceMs = 0): Promise<number> {
  return Date.parse((await audited(world, kind, subject, sinceMs)).at)
}
