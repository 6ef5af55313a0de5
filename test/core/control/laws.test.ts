/** Random histories of commands, clocks that jump included: what no sequence of them may ever do. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { apply } from '../../../src/core/control/apply.ts'
import { decodeState, encodeState } from '../../../src/core/control/codec.ts'
import { commandsForConfig } from '../../../src/core/control/config-commands.ts'
import { ceilingBps, effectiveOf, gatewayWordOf, wordOf } from '../../../src/core/control/effective.ts'
import { initialState, isRefusal } from '../../../src/core/control/state.ts'
import type { Stage } from '../../../src/core/model/config.ts'
import type { Command, ControlState } from '../../../src/core/model/control.ts'
import { BUCKETS, STAGES, unpackWord } from '../../../src/core/model/routing.ts'
import { configOf, DAY, MINUTE, T0 } from './fixtures.ts'
import type { RouteSketch } from './fixtures.ts'

const GROUPS = ['a', 'b', 'c'] as const
type Routes = Readonly<Record<string, RouteSketch>>
type Step = { readonly wait: number; readonly command: Command } | { readonly wait: number; readonly file: Routes }

const group = fc.constantFrom(...GROUPS)
const bps = fc.oneof(fc.integer({ min: 0, max: BUCKETS }), fc.constantFrom(0, 1, BUCKETS, -1, BUCKETS + 1, 0.5, Number.NaN))
const stage = fc.constantFrom(...STAGES)
const percent = fc.oneof(fc.constantFrom(0, 0.001, 5, 100, null), fc.double({ min: -5, max: 105 }))
const flag = fc.boolean()

const kinds: fc.Arbitrary<object> = fc.oneof(
  fc.record({ kind: fc.constant('weight'), group, weightBps: bps }),
  fc.record({ kind: fc.constant('stage'), group, stage }),
  fc.record({ kind: fc.constant('rollback'), group }),
  fc.record({ kind: fc.constant('trip'), group, cause: fc.constant('errors') }),
  fc.record({ kind: fc.constant('rearm'), group, toBps: bps, resalt: flag, force: flag }, { requiredKeys: ['kind', 'group'] }),
  fc.record({ kind: fc.constant('kill') }),
  fc.record({ kind: fc.constant('rearm-global') }),
  fc.record({ kind: fc.constant('ceiling'), source: fc.constantFrom('env', 'file', 'redis'), percent }),
)
const command = fc
  .tuple(
    kinds,
    fc.record({ reason: fc.constantFrom('', 'because', 'because'), force: flag, ifRevision: fc.nat(30) }, { requiredKeys: ['reason'] }),
  )
  .map(([kind, base]) => ({ actor: 'tester', ...base, ...kind }) as Command)

const route: fc.Arbitrary<RouteSketch> = fc.record({
  stage,
  weight: fc.constantFrom(0, 1, 10, 50, 100),
  path: fc.constantFrom('/x', '/y/**'),
  steps: fc.constantFrom([1, 5], [], [20]),
})
const file = fc.dictionary(group, route, { minKeys: 1, noNullPrototype: true })
const wait = fc.constantFrom(0, 1_000, 11 * MINUTE, DAY, 31 * DAY, -DAY)
const history = fc.array(
  fc.oneof({ weight: 5, arbitrary: fc.record({ wait, command }) }, { weight: 1, arbitrary: fc.record({ wait, file }) }),
  {
    maxLength: 60,
  },
) as fc.Arbitrary<Step[]>

interface Move {
  readonly before: ControlState
  readonly command: Command
  readonly now: number
  /** The state after it; null = refused. */
  readonly after: ControlState | null
}

/** Plays a history from a first config on and shows every command with what it did. */
function play(first: Routes, steps: readonly Step[], see: (move: Move) => void): void {
  let state = initialState()
  let now = T0
  const submit = (next: Command): void => {
    const result = apply(state, next, now)
    const after = isRefusal(result) ? null : result.state
    see({ before: state, command: next, now, after })
    state = after ?? state
  }
  const read = (routes: Routes): void => {
    for (const next of commandsForConfig(state, configOf(routes), JSON.stringify(routes), 'config')) submit(next)
  }
  read(first)
  for (const step of steps) {
    now += step.wait
    if ('file' in step) read(step.file)
    else submit(step.command)
  }
}

function law(name: string, see: (move: Move) => void): void {
  it(name, () => {
    fc.assert(
      fc.property(file, history, (first, steps) => {
        play(first, steps, see)
      }),
      { numRuns: 400 },
    )
  })
}

law('stage and weights are always legal', ({ after }) => {
  for (const { stage: at, wantedBps, beforeTripBps, epoch } of Object.values(after?.groups ?? {})) {
    expect(STAGES).toContain(at)
    for (const weight of [wantedBps, beforeTripBps]) expect(Number.isInteger(weight) && weight >= 0 && weight <= BUCKETS).toBe(true)
    expect(epoch).toBeGreaterThanOrEqual(0)
  }
})

law('the effective weight is at most wanted and ceiling, and 0 while killed, latched, off, shadow or removed', ({ after, now }) => {
  if (after === null) return
  for (const [name, { wantedBps, latch, stage: at, removedAt }] of Object.entries(after.groups)) {
    const { weightBps, heldBy } = effectiveOf(after, name)
    expect(weightBps).toBeLessThanOrEqual(Math.min(wantedBps, ceilingBps(after)))
    const held = after.killed !== null || latch !== null || at === 'off' || at === 'shadow' || removedAt !== null
    if (held) expect(weightBps).toBe(0)
    else expect(weightBps).toBe(Math.min(wantedBps, ceilingBps(after)))
    expect(heldBy === 'none').toBe(!held && weightBps === wantedBps)
    const word = unpackWord(wordOf(after, name, { live: true, now }))
    expect(word).toMatchObject({ weightBps, stage: at, latched: latch !== null, killed: after.killed !== null })
    expect(unpackWord(gatewayWordOf(after, now)).killed).toBe(word.killed)
  }
})

law('revisions grow by one', ({ before, after }) => {
  if (after !== null) expect(after.revision).toBe(before.revision + 1)
})

law('a latch ends only by a rearm of its route, the global one only by its own', ({ before, after, command: by }) => {
  if (after === null) return
  for (const [name, was] of Object.entries(before.groups)) {
    if (was.latch === null || (by.kind === 'rearm' && by.group === name)) continue
    expect(after.groups[name]?.latch).toEqual(was.latch)
  }
  if (before.killed !== null && by.kind !== 'rearm-global') expect(after.killed).toEqual(before.killed)
})

law('lowering is never refused, whatever it lacks', ({ before, after, command: by }) => {
  const was = 'group' in by ? before.groups[by.group] : undefined
  const here = was !== undefined && was.removedAt === null
  const lowers =
    by.kind === 'kill' ||
    (by.kind === 'rollback' && was !== undefined) ||
    (by.kind === 'stage' && here && STAGES.indexOf(by.stage) <= STAGES.indexOf(was.stage)) ||
    (by.kind === 'weight' &&
      here &&
      (by.weightBps === 0 || (by.weightBps > 0 && Number.isInteger(by.weightBps) && by.weightBps <= was.wantedBps && routed(was.stage))))
  if (lowers) expect(after).not.toBeNull()
})

law('without a reason nobody gets more of v2, nor while killed or latched', ({ before, after, command: by }) => {
  if (after === null || by.kind === 'ceiling' || by.kind === 'configure') return
  const blocked = by.reason === '' || (by.ifRevision !== undefined && by.ifRevision !== before.revision)
  for (const [name, group] of Object.entries(after.groups)) {
    const was = before.groups[name]
    const held = before.killed !== null || ((was?.latch ?? null) !== null && by.kind !== 'rearm')
    if (blocked || held) expect(group.wantedBps).toBeLessThanOrEqual(was?.wantedBps ?? 0)
    if (blocked) expect(effectiveOf(after, name).weightBps).toBeLessThanOrEqual(effectiveOf(before, name).weightBps)
  }
})

law('a rearm never goes above the weight before the trip', ({ before, after, command: by }) => {
  if (after === null || by.kind !== 'rearm') return
  expect(after.groups[by.group]?.wantedBps).toBeLessThanOrEqual(before.groups[by.group]?.beforeTripBps ?? -1)
})

law('nothing that raises says that it lowers', ({ before, command: by, now }) => {
  const result = apply(before, by, now)
  if (isRefusal(result) || result.raised) return
  for (const name of Object.keys(result.state.groups)) {
    expect(effectiveOf(result.state, name).weightBps).toBeLessThanOrEqual(effectiveOf(before, name).weightBps)
  }
})

law('a state survives being written and read', ({ after }) => {
  if (after === null) return
  const text = encodeState(after)
  expect(decodeState(text)).toEqual({ state: JSON.parse(text), problem: null })
})

law('the states that were are never touched', ({ before, command: by, now }) => {
  const text = encodeState(before)
  apply(before, by, now)
  expect(encodeState(before)).toBe(text)
})

it('a restart with an unchanged file changes nothing, whatever happened since', () => {
  fc.assert(
    fc.property(file, history, (first, steps) => {
      let state = initialState()
      let routes = first
      play(first, steps, ({ after }) => {
        state = after ?? state
      })
      for (const step of steps) if ('file' in step) routes = step.file
      expect(commandsForConfig(state, configOf(routes), JSON.stringify(routes), 'config')).toEqual([])
    }),
  )
})

function routed(at: Stage): boolean {
  return at === 'canary' || at === 'complete'
}
