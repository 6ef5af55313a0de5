import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lostLowerings } from '../../src/control/lost-lowerings.ts'
import { isLaxer } from '../../src/control/words.ts'
import { apply } from '../../src/core/control/apply.ts'
import { gatewayWordOf, wordOf } from '../../src/core/control/effective.ts'
import { initialState, isRefusal } from '../../src/core/control/state.ts'
import type { Command, ControlState } from '../../src/core/model/control.ts'

const NOW = 1_000_000_000
const by = { actor: 'tester', reason: 'test' }
const match = { path: '/**', methods: [], host: null, header: {} }

/** What control did in its former life; the first so many commands were saved. */
const group = fc.constantFrom('a', 'b')
const command: fc.Arbitrary<Command> = fc
  .oneof(
    fc.record({ kind: fc.constant('weight' as const), group, weightBps: fc.integer({ min: 0, max: 10_000 }) }),
    fc.record({ kind: fc.constant('stage' as const), group, stage: fc.constantFrom('off', 'shadow', 'canary', 'complete') }),
    fc.record({ kind: fc.constantFrom('rollback' as const, 'rearm' as const), group }),
    fc.record({ kind: fc.constantFrom('kill' as const, 'rearm-global' as const) }),
  )
  .map((step) => ({ ...by, ...step }))

function configured(): ControlState {
  const groups = Object.fromEntries(
    ['a', 'b'].map((name) => [name, { stage: 'canary' as const, weightBps: 1_000, routes: [{ name, match }] }]),
  )
  return run(initialState(), [{ ...by, kind: 'configure', config: { hash: 'h', groups }, firstStepsBps: {} }])
}

function run(state: ControlState, commands: readonly Command[]): ControlState {
  return commands.reduce((now, each) => {
    const applied = apply(now, each, NOW)
    return isRefusal(applied) ? now : applied.state
  }, state)
}

const wordIn = (state: ControlState, name: string): number => wordOf(state, name, { live: true, now: NOW })

describe('lost lowerings', () => {
  it('bring any older state down to what the words say: nothing becomes laxer by a restart', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), fc.nat(), (commands, cut) => {
        const saved = run(configured(), commands.slice(0, cut % (commands.length + 1)))
        const inWords = run(configured(), commands)
        const lost = lostLowerings(saved, gatewayWordOf(inWords, NOW), (route) => wordIn(inWords, route))
        const after = run(saved, lost)
        expect(isLaxer(gatewayWordOf(after, NOW), gatewayWordOf(inWords, NOW))).toBe(false)
        for (const name of ['a', 'b']) expect(isLaxer(wordIn(after, name), wordIn(inWords, name))).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  it('are none when everything was saved', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
        const state = run(configured(), commands)
        expect(lostLowerings(state, gatewayWordOf(state, NOW), (route) => wordIn(state, route))).toEqual([])
      }),
    )
  })

  it('are none in memory that no control thread has written yet', () => {
    expect(lostLowerings(configured(), 0, () => 0)).toEqual([])
  })

  it('take the strictest of the words of one group', () => {
    const groups = {
      a: {
        stage: 'canary' as const,
        weightBps: 1_000,
        routes: [
          { name: 'x', match },
          { name: 'y', match },
        ],
      },
    }
    const state = run(initialState(), [{ ...by, kind: 'configure', config: { hash: 'h', groups }, firstStepsBps: {} }])
    const latched = run(state, [{ ...by, kind: 'rollback', group: 'a' }])
    const words: Record<string, number> = { x: wordIn(state, 'a'), y: wordIn(latched, 'a') }
    expect(lostLowerings(state, gatewayWordOf(state, NOW), (route) => words[route] ?? null)).toMatchObject([
      { kind: 'rollback', group: 'a' },
    ])
  })

  it('say nothing of weights under a ceiling that the state does not know yet', () => {
    const state = configured()
    const lower = run(state, [{ ...by, kind: 'ceiling', source: 'env', percent: 2 }])
    expect(lostLowerings(state, gatewayWordOf(lower, NOW), (route) => wordIn(lower, route))).toEqual([])
  })
})
