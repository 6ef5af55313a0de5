/**
 * Control state as text and back, for stores.
 *
 * Reading checks every field: a state that is not exactly one is a problem with a place in it, never a
 * half-understood state that routes traffic. Fields nobody knows are dropped, so an older gateway can read
 * what a newer one of the same schema wrote.
 */
import type { MatchConfig } from '../model/config.ts'
import type { AppliedConfig, AppliedGroup, AppliedRoute, Ceiling, ControlState, GroupState, Latch } from '../model/control.ts'
import { BUCKETS, STAGES } from '../model/routing.ts'

export type Decoded = { readonly state: ControlState; readonly problem: null } | { readonly state: null; readonly problem: string }

export function encodeState(state: ControlState): string {
  return JSON.stringify(state)
}

export function decodeState(text: string): Decoded {
  try {
    return { state: stateAt(JSON.parse(text), 'state'), problem: null }
  } catch (error) {
    return { state: null, problem: error instanceof Error ? error.message : String(error) }
  }
}

type At<T> = (value: unknown, at: string) => T

const bps = integer(0, BUCKETS)
const count = integer(0, Number.MAX_SAFE_INTEGER)
const stage = check(oneOf(STAGES), `one of ${STAGES.join(', ')}`)
const text = check((value): value is string => typeof value === 'string', 'a string')
const time = check((value): value is number => typeof value === 'number' && Number.isFinite(value), 'a time in milliseconds')
const percent = check((value): value is number => typeof value === 'number' && value >= 0 && value <= 100, 'a percentage')

const latchAt = object((at): Latch => ({
  at: at('at', time),
  cause: at('cause', text),
  reason: at('reason', text),
  epoch: at('epoch', count),
  actor: at('actor', text),
}))

const matchAt = object((at): MatchConfig => ({
  path: at('path', text),
  methods: at('methods', list(text)),
  host: at('host', nullable(text)),
  header: at('header', record(text)),
}))

const routeAt = object((at): AppliedRoute => ({ name: at('name', text), match: at('match', matchAt) }))

const appliedGroupAt = object((at): AppliedGroup => {
  const routes = at('routes', optional(list(routeAt)))
  return { stage: at('stage', stage), weightBps: at('weightBps', bps), ...(routes === undefined ? {} : { routes }) }
})

const appliedAt = object((at): AppliedConfig => ({ hash: at('hash', text), groups: at('groups', record(appliedGroupAt)) }))

const groupAt = object((at): GroupState => {
  const tombstones = at('tombstones', optional(list(routeAt)))
  return {
    stage: at('stage', stage),
    wantedBps: at('wantedBps', bps),
    beforeTripBps: at('beforeTripBps', bps),
    latch: at('latch', nullable(latchAt)),
    epoch: at('epoch', count),
    trips: at('trips', list(time)),
    resalt: at('resalt', text),
    changedAt: at('changedAt', time),
    firstStepBps: at('firstStepBps', bps),
    removedAt: at('removedAt', nullable(time)),
    ...(tombstones === undefined ? {} : { tombstones }),
  }
})

const ceilingAt = object((at): Ceiling => ({
  env: at('env', nullable(percent)),
  file: at('file', nullable(percent)),
  redis: at('redis', nullable(percent)),
}))

const stateAt = object((at): ControlState => ({
  revision: at('revision', count),
  groups: at('groups', record(groupAt)),
  killed: at('killed', nullable(latchAt)),
  ceiling: at('ceiling', ceilingAt),
  applied: at('applied', nullable(appliedAt)),
}))

function check<T>(is: (value: unknown) => value is T, what: string): At<T> {
  return (value, at) => {
    if (is(value)) return value
    throw new TypeError(`${at}: expected ${what}, found ${(JSON.stringify(value) ?? 'nothing').slice(0, 60)}`)
  }
}

function oneOf<T>(values: readonly T[]): (value: unknown) => value is T {
  return (value): value is T => values.some((known) => known === value)
}

function integer(least: number, most: number): At<number> {
  const is = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
  return check(is, `a whole number from ${String(least)} to ${String(most)}`)
}

function nullable<T>(inner: At<T>): At<T | null> {
  return (value, at) => (value === null ? null : inner(value, at))
}

function optional<T>(inner: At<T>): At<T | undefined> {
  return (value, at) => (value === undefined ? undefined : inner(value, at))
}

function list<T>(inner: At<T>): At<readonly T[]> {
  const array = check((value): value is unknown[] => Array.isArray(value), 'a list')
  return (value, at) => array(value, at).map((item, index) => inner(item, `${at}[${String(index)}]`))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function record<T>(inner: At<T>): At<Readonly<Record<string, T>>> {
  const fields = check(isObject, 'an object')
  return (value, at) => Object.fromEntries(Object.entries(fields(value, at)).map(([name, item]) => [name, inner(item, `${at}.${name}`)]))
}

function object<T>(build: (at: <F>(name: string, inner: At<F>) => F) => T): At<T> {
  const fields = check(isObject, 'an object')
  return (value, at) => {
    const found = fields(value, at)
    return build((name, inner) => inner(Object.hasOwn(found, name) ? found[name] : undefined, `${at}.${name}`))
  }
}
