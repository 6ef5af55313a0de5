import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createBoard } from '../../src/control/board.ts'
import type { Board } from '../../src/control/board.ts'
import { createHolder } from '../../src/control/holder.ts'
import type { Change, Holder } from '../../src/control/holder.ts'
import { createSaver } from '../../src/control/saver.ts'
import type { Saver, Saving } from '../../src/control/saver.ts'
import { isLaxer, openWords } from '../../src/control/words.ts'
import { isRefusal } from '../../src/core/control/state.ts'
import type { Command, ControlState, GroupState } from '../../src/core/model/control.ts'
import { KILLED, LATCHED, LIVE, MAX_ROUTES, MIRRORS_OFF, stageOf, weightOf } from '../../src/core/model/routing.ts'
import { until } from '../support/wire/until.ts'

const group = (changes: Partial<GroupState> = {}): GroupState => ({
  stage: 'canary',
  wantedBps: 1_000,
  beforeTripBps: 0,
  latch: null,
  epoch: 0,
  trips: [],
  resalt: '',
  changedAt: 0,
  firstStepBps: 100,
  removedAt: null,
  ...changes,
})

const stateWith = (groups: ControlState['groups']): ControlState => ({
  revision: 1,
  groups,
  killed: null,
  ceiling: { env: null, file: null, redis: null },
  applied: null,
})

const by = { actor: 'tester', reason: 'test' }
const SLOTS = { a: 1, b: 2 } as const

interface World {
  readonly holder: Holder
  readonly board: Board
  readonly saver: Saver
  readonly saved: Saving[]
  readonly changes: Change[]
  readonly clock: { now: number }
  /** What the disk does. */
  readonly disk: { full: boolean; onCommit: () => void }
  readonly word: (slot: number) => number
}

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0).toReversed()) clean()
})

function world(options: { state?: ControlState; unknown?: string } = {}): World {
  const state = options.state ?? stateWith({ a: group(), b: group({ wantedBps: 2_000 }) })
  const memory = new SharedArrayBuffer(4 * MAX_ROUTES)
  const words = openWords(memory)
  const clock = { now: 1_000_000 }
  const saved: Saving[] = []
  const changes: Change[] = []
  const disk = { full: false, onCommit: (): void => {} }
  const board = createBoard(words, () => clock.now)
  const saver = createSaver({
    commit: (saving) => {
      disk.onCommit()
      if (disk.full) throw new Error('ENOSPC')
      saved.push(saving)
    },
    onTrouble: () => {},
    retry: { firstMs: 1, mostMs: 5 },
  })
  const holder = createHolder({
    state,
    unknown: options.unknown ?? null,
    board,
    saver,
    now: () => clock.now,
    monotonic: () => performance.now(),
    onChange: (change) => changes.push(change),
  })
  board.use(
    Object.entries(SLOTS).map(([name, slot]) => ({ slot, group: name })),
    [],
    state,
  )
  cleanups.push(() => {
    disk.full = false
    saver.close()
    board.close()
  })
  return { holder, board, saver, saved, changes, clock, disk, word: (slot) => words.read(slot) }
}

describe('a lowering', () => {
  it('stands in every word before the disk is asked', () => {
    const { holder, disk, word, saved } = world()
    let atCommit = -1
    disk.onCommit = () => (atCommit = word(SLOTS.a))
    expect(holder.submit({ ...by, kind: 'rollback', group: 'a' })).toMatchObject({ saved: true })
    expect(atCommit & LATCHED).toBe(LATCHED)
    expect(weightOf(atCommit)).toBe(0)
    expect(weightOf(word(SLOTS.b))).toBe(2_000)
    expect(saved.map(({ entry }) => entry.kind)).toEqual(['rollback'])
  })

  it('is in force with a full disk, is degraded until it is saved, and is saved in order when there is room', async () => {
    const { holder, disk, word, saved, saver } = world()
    disk.full = true
    expect(holder.submit({ ...by, kind: 'rollback', group: 'a' })).toMatchObject({ saved: false })
    expect(holder.submit({ ...by, kind: 'weight', group: 'b', weightBps: 500 })).toMatchObject({ saved: false })
    expect(word(SLOTS.a) & LATCHED).toBe(LATCHED)
    expect(weightOf(word(SLOTS.b))).toBe(500)
    expect([saver.problem(), saver.waiting()]).toEqual(['ENOSPC', 2])
    disk.full = false
    await until('saved', () => saver.problem() === null)
    expect(saved.map(({ entry }) => [entry.kind, entry.revision])).toEqual([
      ['rollback', 2],
      ['weight', 3],
    ])
    expect(saved.at(-1)?.state).toBe(holder.state())
  })

  it('kills all routes, and the gateway for what belongs to none', () => {
    const { holder, word } = world()
    holder.submit({ ...by, kind: 'kill' })
    for (const slot of [0, SLOTS.a, SLOTS.b]) expect(word(slot) & KILLED).toBe(KILLED)
  })
})

describe('a raise', () => {
  it('changes no word before it is saved', () => {
    const { holder, disk, word } = world()
    let atCommit = -1
    disk.onCommit = () => (atCommit = word(SLOTS.a))
    expect(holder.submit({ ...by, kind: 'weight', group: 'a', weightBps: 3_000 })).toMatchObject({ saved: true })
    expect(weightOf(atCommit)).toBe(1_000)
    expect(weightOf(word(SLOTS.a))).toBe(3_000)
  })

  it('is refused and changes nothing when it cannot be saved, a rearm too', () => {
    const { holder, disk, word, changes } = world({ state: stateWith({ a: group(), b: group() }) })
    holder.submit({ ...by, kind: 'rollback', group: 'b' })
    disk.full = true
    const before = [holder.state(), word(SLOTS.a), word(SLOTS.b)]
    for (const command of [
      { ...by, kind: 'weight', group: 'a', weightBps: 3_000 },
      { ...by, kind: 'rearm', group: 'b' },
    ] as const) {
      expect(holder.submit(command)).toMatchObject({ refused: true, code: 'not-saved', message: expect.stringContaining('ENOSPC') })
    }
    expect([holder.state(), word(SLOTS.a), word(SLOTS.b)]).toEqual(before)
    expect(changes.length).toBe(1)
  })

  it('waits for older lowerings: it is refused while these cannot be saved, and saved after them', () => {
    const { holder, disk, saved } = world()
    disk.full = true
    holder.submit({ ...by, kind: 'weight', group: 'b', weightBps: 500 })
    expect(holder.submit({ ...by, kind: 'weight', group: 'a', weightBps: 3_000 })).toMatchObject({ code: 'not-saved' })
    disk.full = false
    expect(holder.submit({ ...by, kind: 'weight', group: 'a', weightBps: 3_000 })).toMatchObject({ saved: true })
    expect(saved.map(({ entry }) => entry.subject)).toEqual(['b', 'a'])
  })

  it('is known by the words, not by the name: entering shadow starts mirrors, completing takes the keyless', () => {
    const state = stateWith({ a: group({ stage: 'off', wantedBps: 0 }), b: group({ wantedBps: 10_000 }) })
    const { holder, disk, word } = world({ state })
    const atCommit: number[] = []
    disk.onCommit = () => atCommit.push(stageOf(word(SLOTS.a)), stageOf(word(SLOTS.b)))
    expect(holder.submit({ ...by, kind: 'stage', group: 'a', stage: 'shadow' })).toMatchObject({ saved: true })
    expect(holder.submit({ ...by, kind: 'stage', group: 'b', stage: 'complete' })).toMatchObject({ saved: true })
    expect(atCommit).toEqual([0, 2, 1, 2])
    expect([stageOf(word(SLOTS.a)), stageOf(word(SLOTS.b))]).toEqual([1, 3])
  })
})

describe('a dry run', () => {
  it('answers as the command would and changes nothing', () => {
    const { holder, saved, changes, word } = world()
    const before = [holder.state(), word(SLOTS.a)]
    expect(holder.submit({ ...by, kind: 'rollback', group: 'a' }, { dryRun: true })).toMatchObject({ entry: { revision: 2 } })
    expect(holder.submit({ ...by, kind: 'rollback', group: 'nobody' }, { dryRun: true })).toMatchObject({ code: 'unknown-route' })
    expect([holder.state(), word(SLOTS.a), saved.length, changes.length]).toEqual([...before, 0, 0])
  })
})

describe('an unknown state', () => {
  it('binds every word to zero, obeys who lowers, refuses who raises, and never writes to the store', () => {
    const { holder, word, saved } = world({ unknown: 'file is not a database' })
    expect([weightOf(word(SLOTS.a)), weightOf(word(SLOTS.b))]).toEqual([0, 0])
    expect(holder.submit({ ...by, kind: 'weight', group: 'a', weightBps: 3_000 })).toMatchObject({ code: 'state-unknown', status: 503 })
    expect(holder.submit({ ...by, kind: 'rollback', group: 'a' })).toMatchObject({ saved: false })
    const configure: Command = {
      ...by,
      kind: 'configure',
      config: { hash: 'h', groups: { c: { stage: 'canary', weightBps: 500 } } },
      firstStepsBps: {},
    }
    expect(holder.submit(configure)).toMatchObject({ saved: false })
    expect(holder.state().groups['c']?.wantedBps).toBe(500)
    expect([weightOf(word(SLOTS.a)), weightOf(word(SLOTS.b))]).toEqual([0, 0])
    expect(saved).toEqual([])
  })
})

describe('the words', () => {
  it('never are laxer than the last saved state allows, whatever happens to the disk', () => {
    const commands = fc.oneof(
      fc.record({ kind: fc.constant('weight' as const), group: fc.constantFrom('a', 'b'), weightBps: fc.integer({ min: 0, max: 10_000 }) }),
      fc.record({
        kind: fc.constant('stage' as const),
        group: fc.constantFrom('a', 'b'),
        stage: fc.constantFrom('off', 'shadow', 'canary', 'complete'),
      }),
      fc.record({ kind: fc.constantFrom('rollback' as const, 'rearm' as const), group: fc.constantFrom('a', 'b') }),
      fc.record({ kind: fc.constantFrom('kill' as const, 'rearm-global' as const) }),
      fc.record({ kind: fc.constant('disk' as const), full: fc.boolean() }),
    )
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 30 }), (steps) => {
        const { holder, disk, saved, word, saver, board } = world()
        let stored = holder.state()
        for (const step of steps) {
          if (step.kind === 'disk') {
            disk.full = step.full
            continue
          }
          holder.submit({ ...by, ...step })
          stored = saved.at(-1)?.state ?? stored
          // A second board writes what the stored state would: nobody may have more now.
          const memory = new SharedArrayBuffer(4 * MAX_ROUTES)
          const shadow = createBoard(openWords(memory), () => 1_000_000)
          shadow.use(
            Object.entries(SLOTS).map(([name, slot]) => ({ slot, group: name })),
            [],
            stored,
          )
          for (const slot of [0, SLOTS.a, SLOTS.b]) expect(isLaxer(word(slot), openWords(memory).read(slot))).toBe(false)
          shadow.close()
        }
        disk.full = false
        saver.close()
        board.close()
      }),
      { numRuns: 200 },
    )
  })

  it('let mirrors run again five minutes after a rollback, without any further command', async () => {
    const { holder, clock, word } = world()
    holder.submit({ ...by, kind: 'rollback', group: 'a' })
    expect(word(SLOTS.a) & MIRRORS_OFF).toBe(MIRRORS_OFF)
    clock.now += 5 * 60_000 - 5
    holder.submit({ ...by, kind: 'weight', group: 'b', weightBps: 100 })
    expect(word(SLOTS.a) & MIRRORS_OFF).toBe(MIRRORS_OFF)
    clock.now += 5
    await until('mirrors run', () => (word(SLOTS.a) & MIRRORS_OFF) === 0)
    expect(word(SLOTS.a) & (LATCHED | LIVE)).toBe(LATCHED | LIVE)
  })

  it('of slots without a route let nobody have v2', () => {
    const { board, word, holder } = world()
    board.use([{ slot: SLOTS.b, group: 'b' }], [SLOTS.a], holder.state())
    expect(word(SLOTS.a) & LIVE).toBe(0)
    expect(weightOf(word(SLOTS.a))).toBe(0)
    holder.submit({ ...by, kind: 'weight', group: 'a', weightBps: 5_000 })
    expect(word(SLOTS.a) & LIVE).toBe(0)
  })
})

describe('a rollback', () => {
  it('is in every word within microseconds of the command', () => {
    const { holder, changes } = world()
    for (let round = 0; round < 200; round++) {
      const result = holder.submit({ ...by, kind: 'rollback', group: 'a' })
      expect(isRefusal(result)).toBe(false)
      holder.submit({ ...by, kind: 'rearm', group: 'a' })
    }
    const took = changes.filter(({ command }) => command.kind === 'rollback').map(({ tookMs }) => tookMs)
    expect(took.toSorted((a, b) => a - b)[100]).toBeLessThan(5)
  })
})
