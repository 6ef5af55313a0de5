import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeState, encodeState } from '../../../src/core/control/codec.ts'
import { initialState } from '../../../src/core/control/state.ts'
import { after, BY, configOf, reload, started, T0 } from './fixtures.ts'

const rich = ((): string => {
  const tripped = after(
    started({ orders: { stage: 'canary', weight: 10, match: { header: { 'x-tenant': 'ü' }, methods: ['GET'], host: 'h' } } }),
    T0,
    {
      ...BY,
      kind: 'trip',
      group: 'orders',
      cause: 'errors',
    },
  )
  const moved = reload(tripped, configOf({ orders: { stage: 'canary', weight: 10, path: '/new' } }), 'second').state
  return encodeState(after(moved, T0, { ...BY, kind: 'ceiling', source: 'file', percent: 5 }, { ...BY, kind: 'kill' }))
})()

describe('a stored state', () => {
  it('comes back as it was', () => {
    expect(decodeState(encodeState(initialState()))).toEqual({ state: initialState(), problem: null })
    expect(decodeState(rich)).toEqual({ state: JSON.parse(rich), problem: null })
  })

  it('of an older banyan, without routes and tombstones, is still one', () => {
    const old = JSON.parse(rich, (key: string, value: unknown) => (key === 'routes' || key === 'tombstones' ? undefined : value)) as unknown
    expect(decodeState(JSON.stringify(old)).state).toEqual(old)
  })

  it('with fields of a newer banyan loses them and nothing else', () => {
    const newer = { ...JSON.parse(rich), ramp: { step: 3 } }
    expect(decodeState(JSON.stringify(newer)).state).toEqual(JSON.parse(rich))
  })

  it.each([
    ['', /JSON/],
    ['[]', /^state: expected an object, found \[\]$/],
    ['null', /^state: expected an object, found null$/],
    ['{}', /^state\.revision: expected a whole number from 0 .*, found nothing$/],
    [
      rich.replace('"stage":"canary"', '"stage":"half"'),
      /^state\.groups\.orders\.stage: expected one of off, shadow, canary, complete, found "half"$/,
    ],
    [
      rich.replace('"wantedBps":0', '"wantedBps":10001'),
      /^state\.groups\.orders\.wantedBps: expected a whole number from 0 to 10000, found 10001$/,
    ],
    [rich.replace(/"trips":\[\d+\]/, '"trips":{}'), /^state\.groups\.orders\.trips: expected a list, found {}$/],
    [rich.replace(/"trips":\[\d+\]/, '"trips":[1,"x"]'), /^state\.groups\.orders\.trips\[1\]: expected a time in milliseconds, found "x"$/],
    [rich.replace('"file":5', '"file":500'), /^state\.ceiling\.file: expected a percentage, found 500$/],
    [rich.replace('"cause":"kill"', '"cause":null'), /^state\.killed\.cause: expected a string, found null$/],
  ])('that is none says where: %#', (text, problem) => {
    const decoded = decodeState(text)
    expect(decoded.state).toBeNull()
    expect(decoded.problem).toMatch(problem)
  })

  it('with any one value changed in kind is a problem, never another state with the same face', () => {
    const paths = leaves(JSON.parse(rich), [])
    const wrong = fc.constantFrom<unknown>({ odd: true }, ['odd'], true)
    fc.assert(
      fc.property(fc.constantFrom(...paths), wrong, (path, value) => {
        const copy = JSON.parse(rich) as Record<string, unknown>
        set(copy, path, value)
        expect(decodeState(JSON.stringify(copy)).problem, path.join('.')).toContain('expected')
      }),
    )
  })
})

/** Paths of all values that are no objects or lists. */
function leaves(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]))
}

function set(into: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) into[name] = value
  else set(into[name] as Record<string, unknown>, rest, value)
}
