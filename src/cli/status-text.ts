/** `GET status` for people: one line for the gateway, a table of routes, and a line for everything that is wrong. */
import type { Backend } from '../core/model/config.ts'
import type { RouteStatus, StatusBody } from '../core/model/status.ts'
import type { VerdictKind } from '../core/model/verdict.ts'
import { countText, formatTable, percentText, plain } from './table.ts'
import type { Cell, Column } from './table.ts'
import type { Paint, Style } from './terminal.ts'

const COLUMNS: readonly Column[] = [
  { title: 'ROUTE' },
  { title: 'STAGE' },
  { title: 'CONFIGURED', right: true },
  { title: 'WANTED', right: true },
  { title: 'EFFECTIVE', right: true },
  { title: 'HELD BY' },
  { title: 'SHADOW' },
  { title: 'COMPARISONS' },
  { title: 'VERDICT' },
]

export function formatStatus(status: StatusBody, paint: Paint): string[] {
  const wrong = troubles(status).map((text) => paint('red', text))
  const table = formatTable(COLUMNS, status.routes.map(routeRow), paint)
  return [
    headline(status, paint),
    '',
    ...(status.routes.length === 0 ? ['no routes'] : table),
    ...(wrong.length === 0 ? [] : ['', ...wrong]),
  ]
}

/** What exit code 3 stands for: something is tripped, killed, down or degraded. */
export function isUnhealthy(status: StatusBody): boolean {
  return troubles(status).length > 0
}

export function headline(status: StatusBody, paint: Paint): string {
  const up = (name: string, isUp: boolean): string => (isUp ? `${name} up` : paint('red', `${name} DOWN`))
  const { backends, store, threads } = status
  return [
    paint('bold', `banyan ${plain(status.version)}`),
    `revision ${status.revision}`,
    up('v1', backends.v1.up),
    up('v2', backends.v2.up),
    up(`store (${store.kind})`, store.up),
    `threads ${threads.up}/${threads.data}${threads.compare ? '' : paint('yellow', ', compare down')}`,
    `config ${plain(status.config.path)}`,
  ].join('  ')
}

function routeRow(route: RouteStatus): Cell[] {
  const { weight, verdict } = route
  const held = weight.heldBy === 'none' ? { text: '-' } : { text: weight.heldBy, style: weight.heldBy === 'stage' ? 'dim' : 'yellow' }
  return [
    { text: plain(route.name), style: 'bold' },
    { text: route.stage },
    { text: percentText(weight.configured) },
    { text: percentText(weight.wanted) },
    { text: percentText(weight.effective) },
    held as Cell,
    { text: shadowText(route) },
    { text: comparisonsText(route) },
    { text: `${verdict.kind}: ${plain(verdict.reason)}`, style: VERDICT_STYLES[verdict.kind] },
  ]
}

const VERDICT_STYLES: Readonly<Record<VerdictKind, Style>> = {
  healthy: 'green',
  insufficient: 'dim',
  suspect: 'yellow',
  'baseline-sick': 'yellow',
  regression: 'red',
}

function shadowText({ shadow }: RouteStatus): string {
  const dropped = Object.values(shadow.dropped).reduce((sum, count) => sum + count, 0)
  if (shadow.sent === 0 && dropped === 0) return '-'
  return `${countText(shadow.sent)} sent${dropped === 0 ? '' : `, ${countText(dropped)} dropped`}`
}

function comparisonsText({ comparisons }: RouteStatus): string {
  const parts = [
    [comparisons.match, 'match'],
    [comparisons.mismatch, 'mismatch'],
    [comparisons.ignored, 'ignored'],
    [comparisons.incomparable, 'incomparable'],
  ] as const
  const present = parts.filter(([count]) => count > 0)
  return present.length === 0 ? '-' : present.map(([count, word]) => `${countText(count)} ${word}`).join(', ')
}

function troubles(status: StatusBody): string[] {
  return [
    ...(status.killed ? ['killed: the global latch sends everything to v1; `banyan rearm --global --reason "…"` ends it'] : []),
    ...(status.ceiling.percent === 0 ? [`ceiling: ${status.ceiling.source} allows v2 no traffic at all`] : []),
    ...status.routes.flatMap(tripTrouble),
    ...(['v1', 'v2'] as const).flatMap((backend) => backendTrouble(status, backend)),
    ...(status.store.up ? [] : ['store: changes cannot be saved now']),
    ...(status.degraded ? status.problems.map((text) => `degraded: ${plain(text)}`) : []),
    ...(status.degraded && status.problems.length === 0 ? ['degraded'] : []),
    ...status.config.lastError.map((text) => `config not taken over: ${plain(text)}`),
  ]
}

function tripTrouble({ name, group, tripped, verdict }: RouteStatus): string[] {
  if (tripped === null) return verdict.kind === 'regression' ? [`${plain(name)}: v2 regresses; ${plain(verdict.reason)}`] : []
  const reason = tripped.reason === '' ? '' : `: ${plain(tripped.reason)}`
  const others = group === name ? '' : ` and its group ${plain(group)}`
  return [
    `${plain(name)}${others} tripped at ${plain(tripped.at)} (${plain(tripped.cause)})${reason}; \`banyan rearm ${plain(name)} --reason "…"\` ends it`,
  ]
}

function backendTrouble({ backends }: StatusBody, backend: Backend): string[] {
  const { up, why } = backends[backend]
  return up ? [] : [`${backend} is down${why === null ? '' : `: ${plain(why)}`}`]
}
