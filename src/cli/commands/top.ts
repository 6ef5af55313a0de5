/** `banyan top`: requests a second per route and backend, live, from the differences of two looks at `status`. */
import type { Command } from 'commander'
import type { Backend } from '../../core/model/config.ts'
import type { RouteStatus, StatusBody } from '../../core/model/status.ts'
import { EXIT_OK, EXIT_UNHEALTHY } from '../io.ts'
import type { CliIo } from '../io.ts'
import { adminOptions, fail, inSession, printJson, usage } from '../session.ts'
import type { ExitCode, Session } from '../session.ts'
import { headline, isUnhealthy } from '../status-text.ts'
import { formatTable, percentText, plain } from '../table.ts'
import type { Cell, Column } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { watch } from '../watch.ts'
import { readWatchOptions, watchOptions } from './status.ts'

export function register(program: Command, io: CliIo, terminal?: Terminal): void {
  const top = program.command('top').description('live view: requests and failures a second per route')
  adminOptions(watchOptions(top)).action(async (options: { interval: string; times?: string }, command: Command) => {
    const watched = readWatchOptions(options)
    if (typeof watched === 'string') return io.exit(usage(io, watched))
    await inSession(io, command, (session) => watch(createView(session), watched), terminal)
  })
}

interface Look {
  readonly at: number
  readonly status: StatusBody
}

function createView(session: Session): () => Promise<ExitCode> {
  let before: Look | null = null
  return async () => {
    const reply = await session.client.ask<StatusBody>('GET', '/api/v1/status')
    if (!reply.ok) return fail(session.io, reply)
    const look = { at: performance.now(), status: reply.body }
    const rates = look.status.routes.map((route) => ratesOf(route, look, before))
    before = look
    if (session.json) printJson(session.io, { routes: rates })
    else session.io.stdout(draw(session, look.status, rates))
    return isUnhealthy(look.status) ? EXIT_UNHEALTHY : EXIT_OK
  }
}

export interface Rates {
  readonly name: string
  /** A second; null at the first look, and when the gateway began to count anew in between. */
  readonly requests: Readonly<Record<Backend, number | null>>
  readonly failures: Readonly<Record<Backend, number | null>>
  readonly route: RouteStatus
}

export function ratesOf(route: RouteStatus, now: Look, before: Look | null): Rates {
  const earlier = before?.status.routes.find(({ name }) => name === route.name) ?? null
  const seconds = before === null ? 0 : (now.at - before.at) / 1_000
  const rate = (after: number, earlierCount: number | undefined): number | null => {
    if (earlierCount === undefined || seconds <= 0 || after < earlierCount) return null
    return Math.round(((after - earlierCount) / seconds) * 10) / 10
  }
  return {
    name: route.name,
    requests: { v1: rate(route.requests.v1, earlier?.requests.v1), v2: rate(route.requests.v2, earlier?.requests.v2) },
    failures: { v1: rate(route.failures.v1, earlier?.failures.v1), v2: rate(route.failures.v2, earlier?.failures.v2) },
    route,
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'ROUTE' },
  { title: 'STAGE' },
  { title: 'WEIGHT', right: true },
  { title: 'V1/S', right: true },
  { title: 'V2/S', right: true },
  { title: 'V1 FAIL/S', right: true },
  { title: 'V2 FAIL/S', right: true },
  { title: 'V2 SHARE' },
  { title: 'VERDICT' },
]

function draw(session: Session, status: StatusBody, rates: readonly Rates[]): string {
  const { paint, clear } = session.terminal
  const rows = rates.map(({ name, requests, failures, route }): Cell[] => [
    { text: plain(name), style: 'bold' },
    { text: route.stage },
    { text: percentText(route.weight.effective) },
    { text: rateText(requests.v1) },
    { text: rateText(requests.v2) },
    failing(failures.v1),
    failing(failures.v2),
    { text: bar(requests) },
    {
      text: route.tripped === null ? route.verdict.kind : `tripped (${plain(route.tripped.cause)})`,
      ...(route.tripped === null ? {} : { style: 'red' }),
    },
  ])
  return `${clear}${[headline(status, paint), '', ...formatTable(COLUMNS, rows, paint)].join('\n')}`
}

function failing(rate: number | null): Cell {
  return rate !== null && rate > 0 ? { text: rateText(rate), style: 'red' } : { text: rateText(rate) }
}

function rateText(rate: number | null): string {
  return rate === null ? '-' : rate.toFixed(1)
}

const BAR = 20

/** v2's part of the traffic as a bar of twenty places; anything above zero shows at least one. */
function bar({ v1, v2 }: Rates['requests']): string {
  const total = (v1 ?? 0) + (v2 ?? 0)
  const share = total === 0 ? 0 : (v2 ?? 0) / total
  const full = share === 0 ? 0 : Math.max(1, Math.round(share * BAR))
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`
}
