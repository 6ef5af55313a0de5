/**
 * The judge's tick: ten times a second the ledger's differences go in, and verdicts come out.
 *
 * A trip takes effect through the same command as everything else. It needs somewhere to go: while v1 is
 * seen to be dead it is withheld, and said so; a person's rollback never is.
 */
import { createJudge, judgedRoute } from '../core/judge/judge.ts'
import type { Counts } from '../core/judge/counts.ts'
import type { Judgement } from '../core/judge/route.ts'
import type { RouteConfig } from '../core/model/config.ts'
import {
  ASSIGNED_BY_BUCKET,
  ASSIGNED_OTHERWISE,
  FAILURES,
  LANE_V1,
  LANE_V2,
  OUTCOME_ABORTED,
  OUTCOME_BUSY,
  OUTCOMES,
} from '../core/model/observation.ts'
import type { Verdict } from '../core/model/verdict.ts'
import { outcomeCell } from '../ledger/layout.ts'
import type { Reader } from '../ledger/reader.ts'
import type { SlotTotals } from '../ledger/totals.ts'
import type { AlertSink } from './announce.ts'
import type { Recent } from './recent.ts'

interface JudgedSlot {
  readonly route: RouteConfig
  readonly slot: number
}

export interface Trip {
  readonly route: RouteConfig
  readonly verdict: Verdict
  /** From the first bad answer of this fault to now. */
  readonly detectedMs: number
}

export interface JudgingOptions {
  readonly reader: Pick<Reader, 'slot' | 'forget'>
  readonly recent: Recent
  readonly alerts: AlertSink
  readonly now: () => number
  /** Users get v2 of this group and nothing holds it at zero. */
  readonly mayTrip: (group: string) => boolean
  /** Why v1 is thought to be dead, or null. `lastGoodMs`: since it last answered a request well. */
  readonly v1Down: (lastGoodMs: number) => string | null
  readonly onTrip: (trip: Trip) => void
}

export interface Judging {
  /** Routes to be judged from now on; those whose limits stayed keep their evidence. */
  use(routes: readonly JudgedSlot[]): void
  /** These slots count for new owners: their counts begin at zero. */
  reused(slots: readonly number[]): void
  tick(): void
  verdict(route: string): Verdict
}

interface Seen {
  readonly v1: Counts
  readonly v2: Counts
}

const NOTHING: Seen = { v1: { bad: 0, total: 0 }, v2: { bad: 0, total: 0 } }
/** Bad answers further apart than this belong to different faults. */
const FAULT_GAP_MS = 10_000
const RECENT_MS = 1_000

export function createJudging(options: JudgingOptions): Judging {
  return new JudgingRoutes(options)
}

class JudgingRoutes implements Judging {
  readonly #options: JudgingOptions
  readonly #judge = createJudge({ routes: [] })
  readonly #seen = new Map<number, Seen>()
  readonly #verdicts = new Map<string, Verdict>()
  readonly #faults = new Map<string, { readonly since: number; last: number }>()
  /** Routes whose trip waits for v1. */
  readonly #withheld = new Set<string>()
  #routes: readonly JudgedSlot[] = []
  #lastTick: number
  #lastRecent = 0
  #v1GoodAt: number

  constructor(options: JudgingOptions) {
    this.#options = options
    this.#lastTick = options.now()
    this.#v1GoodAt = options.now()
  }

  use(routes: readonly JudgedSlot[]): void {
    this.#routes = routes
    this.#judge.reload(routes.map(({ route }) => judgedRoute(route)))
    const names = new Set(routes.map(({ route }) => route.name))
    for (const name of this.#verdicts.keys()) if (!names.has(name)) this.#forget(name)
  }

  reused(slots: readonly number[]): void {
    for (const slot of slots) {
      this.#options.reader.forget(slot)
      this.#options.recent.forget(slot)
      this.#seen.set(slot, NOTHING)
    }
  }

  tick(): void {
    const now = this.#options.now()
    const keepsRecent = Math.abs(now - this.#lastRecent) >= RECENT_MS
    if (keepsRecent) this.#lastRecent = now
    for (const judged of this.#routes) {
      const totals = this.#options.reader.slot(judged.slot)
      if (keepsRecent) this.#options.recent.add(judged.slot, totals)
      this.#judgeRoute(judged.route, this.#differences(judged.slot, totals, now), now)
    }
    this.#lastTick = now
  }

  verdict(route: string): Verdict {
    const known = this.#verdicts.get(route)
    return known ?? { kind: 'insufficient', reason: 'not judged yet', at: this.#lastTick, numbers: {} }
  }

  /** What a slot counted since it was last looked at; nothing at first sight, however much is in it. */
  #differences(slot: number, totals: SlotTotals, now: number): Seen {
    const seen: Seen = { v1: countsOf(totals, V1_CELLS), v2: countsOf(totals, V2_CELLS) }
    const before = this.#seen.get(slot) ?? seen
    this.#seen.set(slot, seen)
    const since = { v1: minus(seen.v1, before.v1), v2: minus(seen.v2, before.v2) }
    if (since.v1.total > since.v1.bad) this.#v1GoodAt = now
    return since
  }

  #judgeRoute(route: RouteConfig, since: Seen, now: number): void {
    const judge = this.#judge.route(route.name)
    if (judge === null) return
    if (since.v2.bad > 0) this.#noteFault(route.name, now)
    const { trip, ...verdict } = judge.tick(now, { ...since, mayTrip: this.#options.mayTrip(route.group) })
    const turned = this.#verdicts.get(route.name)?.kind !== verdict.kind
    this.#verdicts.set(route.name, verdict)
    if (turned) this.#tell(route, verdict)
    if (trip) this.#trip(route, verdict, now)
    else if (this.#withheld.has(route.name)) this.#endWithheld(route.name, `route ${route.name} need not be rolled back any more`)
  }

  #noteFault(name: string, now: number): void {
    const fault = this.#faults.get(name)
    if (fault !== undefined && Math.abs(now - fault.last) < FAULT_GAP_MS) fault.last = now
    // It happened at some time since the tick before; the earliest is what we answer for.
    else this.#faults.set(name, { since: this.#lastTick, last: now })
  }

  #trip(route: RouteConfig, verdict: Omit<Judgement, 'trip'>, now: number): void {
    const down = this.#options.v1Down(now - this.#v1GoodAt)
    if (down === null) {
      this.#endWithheld(route.name, `v1 is back, route ${route.name} is rolled back`)
      return this.#options.onTrip({ route, verdict, detectedMs: Math.max(0, now - (this.#faults.get(route.name)?.since ?? now)) })
    }
    this.#withheld.add(route.name)
    this.#options.alerts.raise({
      severity: 'critical',
      incident: cannotRollBack(route.name),
      text: `route ${route.name} should go to zero (${verdict.reason}), but v1 is down as well (${down}): it stays, \`banyan rollback ${route.name}\` is obeyed`,
      route: route.name,
      evidence: verdict.numbers,
    })
  }

  #endWithheld(name: string, text: string): void {
    if (this.#withheld.delete(name)) this.#options.alerts.resolve(cannotRollBack(name), text)
  }

  #tell(route: RouteConfig, verdict: Verdict): void {
    const incident = `suspect/${route.name}`
    if (verdict.kind !== 'suspect')
      return this.#options.alerts.resolve(incident, `route ${route.name} is ${verdict.kind}: ${verdict.reason}`)
    this.#options.alerts.raise({
      severity: 'warning',
      incident,
      text: `route ${route.name} is suspect: ${verdict.reason}`,
      route: route.name,
      evidence: verdict.numbers,
    })
  }

  #forget(name: string): void {
    this.#verdicts.delete(name)
    this.#faults.delete(name)
    this.#options.alerts.resolve(`suspect/${name}`, `route ${name} is gone`)
    this.#endWithheld(name, `route ${name} is gone`)
  }
}

function cannotRollBack(route: string): string {
  return `cannot-roll-back/${route}`
}

/** Cells to add up, worked out once: this runs ten times a second for every route. */
interface LaneCells {
  readonly bad: readonly number[]
  readonly total: readonly number[]
}

/** A client that left and a full pool of ours say nothing about a backend. */
const NOBODYS = [OUTCOME_ABORTED, OUTCOME_BUSY]
const BAD = FAILURES.map((name) => OUTCOMES.indexOf(name))
const COUNTED = OUTCOMES.map((_, outcome) => outcome).filter((outcome) => !NOBODYS.includes(outcome))
const V1_CELLS = cellsOf(LANE_V1)
const V2_CELLS = cellsOf(LANE_V2)

function cellsOf(lane: number): LaneCells {
  const both = (outcome: number): readonly number[] => [
    outcomeCell(lane, ASSIGNED_BY_BUCKET, outcome),
    outcomeCell(lane, ASSIGNED_OTHERWISE, outcome),
  ]
  return { bad: BAD.flatMap(both), total: COUNTED.flatMap(both) }
}

function countsOf({ outcomes }: SlotTotals, { bad, total }: LaneCells): Counts {
  return { bad: sum(outcomes, bad), total: sum(outcomes, total) }
}

function sum(values: Float64Array, cells: readonly number[]): number {
  let all = 0
  for (const cell of cells) all += values[cell] ?? 0
  return all
}

function minus(now: Counts, before: Counts): Counts {
  return { bad: now.bad - before.bad, total: now.total - before.total }
}
