import { afterEach, describe, expect, it } from 'vitest'
import { createBoard } from '../../src/control/board.ts'
import { createHolder } from '../../src/control/holder.ts'
import type { Holder } from '../../src/control/holder.ts'
import { createReload } from '../../src/control/reload.ts'
import type { Reload, ReloadOptions } from '../../src/control/reload.ts'
import type { Endpoints } from '../../src/control/resolver.ts'
import { createSaver } from '../../src/control/saver.ts'
import { openWords } from '../../src/control/words.ts'
import { initialState } from '../../src/core/control/state.ts'
import { MAX_ROUTES, weightOf } from '../../src/core/model/routing.ts'
import { readConfig } from '../support/control/rig.ts'
import { until } from '../support/until.ts'

const NOWHERE: Endpoints = { v1: [], v2: [] }

interface World {
  readonly reload: Reload
  readonly holder: Holder
  readonly disk: { full: boolean }
  readonly logged: string[]
  readonly published: number[]
  readonly weight: () => number
}

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close()
})

/** One route `a` in slot 1; what the name server and the publisher do is the test's. */
function world(options: Partial<ReloadOptions> = {}): World {
  const words = openWords(new SharedArrayBuffer(4 * MAX_ROUTES))
  const board = createBoard(words, Date.now)
  const disk = { full: false }
  const saver = createSaver({
    commit: () => {
      if (disk.full) throw new Error('ENOSPC')
    },
    onTrouble: () => {},
  })
  const holder = createHolder({
    state: initialState(),
    unknown: null,
    board,
    saver,
    now: Date.now,
    monotonic: () => performance.now(),
    onChange: () => {},
  })
  const logged: string[] = []
  const log = (_fields: object, text: string): void => void logged.push(text)
  const published: number[] = []
  const reload = createReload({
    holder,
    log: { info: log, warn: log, error: log },
    inForce: null,
    now: Date.now,
    resolve: () => Promise.resolve(NOWHERE),
    publish: () => {
      board.use([{ slot: 1, group: 'a' }], [], holder.state())
      published.push(holder.state().revision)
      return Promise.resolve(null)
    },
    onInForce: () => {},
    retryMs: 5,
    ...options,
  })
  closing.push(() => {
    disk.full = false
    reload.close()
    saver.close()
    board.close()
  })
  return { reload, holder, disk, logged, published, weight: () => weightOf(words.read(1)) }
}

const weighing = (weight: number): ReturnType<typeof readConfig> => readConfig({ routes: [{ name: 'a', weight }] })

describe('a reload', () => {
  it('lowers at once while a name server hangs, and raises with the snapshot only', async () => {
    const names = { answer: (): void => {}, asked: Promise.resolve(NOWHERE) }
    const { reload, weight } = world({ resolve: () => names.asked })
    await reload.adopt(weighing(50))
    expect(weight()).toBe(5_000)
    names.asked = new Promise((resolve) => (names.answer = () => resolve(NOWHERE)))
    const lowering = reload.adopt(weighing(5))
    expect(weight()).toBe(500)
    names.answer()
    await lowering
    names.asked = new Promise((resolve) => (names.answer = () => resolve(NOWHERE)))
    const raising = reload.adopt(weighing(70))
    expect(weight()).toBe(500)
    names.answer()
    await raising
    expect(weight()).toBe(7_000)
  })

  it('that was overtaken while names were asked for never comes into force', async () => {
    const names = { answer: (): void => {} }
    const { reload, published, logged } = world({ resolve: () => new Promise((resolve) => (names.answer = () => resolve(NOWHERE))) })
    const first = reload.adopt(weighing(1))
    void reload.adopt(weighing(2))
    names.answer()
    await until('the second asks', () => {
      names.answer()
      return published.length > 0
    })
    await first
    expect(reload.inForce()?.config.routes[0]?.weight).toBe(2)
    expect(published.length).toBe(1)
    expect(logged.filter((text) => text === 'the config is in force').length).toBe(1)
  })

  it('whose raises cannot be saved leaves v2 where it is, says why, and catches up when the disk has room', async () => {
    const both = (a: number, b: number) =>
      readConfig({
        routes: [
          { name: 'a', weight: a },
          { name: 'b', weight: b },
        ],
      })
    const { reload, disk, weight, holder } = world()
    await reload.adopt(both(5, 50))
    disk.full = true
    await reload.adopt(both(50, 5))
    expect(weight()).toBe(500)
    expect(reload.status().notes.join()).toMatch(/nothing was changed: a raise must be saved first.*ENOSPC/)
    disk.full = false
    await until('caught up', () => weight() === 5_000)
    await until('the note is gone', () => reload.status().notes.length === 0)
    // configure, b lowered, a raised, configure: however often it was tried.
    expect(holder.state().revision).toBe(4)
    expect(reload.counts()).toEqual({ applied: 2, invalid: 0 })
  })

  it('that cannot be published says so', async () => {
    const { reload, logged } = world({ publish: () => Promise.resolve('too many routes') })
    await reload.adopt(weighing(5))
    expect(reload.status().unpublished).toBe('too many routes')
    expect(logged).toContain('too many routes')
  })

  it('that fails by a fault of ours is shown and is not the last', async () => {
    const fault = { on: true }
    const { reload, weight, published } = world({
      resolve: () => (fault.on ? Promise.reject(new Error('a bug')) : Promise.resolve(NOWHERE)),
    })
    await reload.adopt(weighing(5))
    expect(reload.status().lastError).toEqual(['bringing the config into force failed: a bug'])
    fault.on = false
    await reload.adopt(weighing(5))
    expect([weight(), published.length, reload.status().lastError]).toEqual([500, 1, []])
  })

  it('after the end does nothing any more', async () => {
    const { reload, published } = world()
    const adopting = reload.adopt(weighing(5))
    reload.close()
    await adopting
    expect(published).toEqual([])
  })
})
