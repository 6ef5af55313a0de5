import { expect, test } from 'vitest'
import { distance } from '../../src/config/suggest.ts'
import { configText, problemsOf } from '../support/config-files.ts'

const TABLE: [more: string, problem: string][] = [
  ['stciky: []', '3:1: stciky: is not a known key; did you mean sticky?'],
  ['Listen: {}', '3:1: Listen: is not a known key; did you mean listen?'],
  ['trusted_proxies: []', '3:1: trusted_proxies: is not a known key; did you mean trustedProxies?'],
  ['weight: 5', '3:1: weight: does not belong here; did you mean defaults.weight or routes[].weight?'],
  ['stage: off', '3:1: stage: does not belong here; did you mean defaults.stage or routes[].stage?'],
  ['mirror: {}', '3:1: mirror: does not belong here; did you mean defaults.mirror or routes[].mirror?'],
  ['port: 80', '3:1: port: does not belong here; did you mean listen.port or admin.port?'],
  ['listen: { thread: 2 }', '3:11: listen.thread: is not a known key; did you mean threads?'],
  ['listen: { routes: [] }', '3:11: listen.routes: does not belong here; did you mean routes?'],
  ['drain: { dleay: 5s, grade: 1s }', '3:10: drain.dleay: is not a known key; did you mean delay?'],
  ['drain: { colour: red }', '3:10: drain.colour: is not a known key; known here: delay, grace'],
  ['writes: {}', '3:1: writes: is not available in this version; remove it, or wait for a version that has it'],
]

test.each(TABLE)('%s', (more, problem) => expect(problemsOf(configText(more))[0]).toBe(`g.yaml:${problem}`))

test('keys inside list entries are known too', () => {
  expect(problemsOf(configText('admin: { tokens: [{ name: a, rolle: viewer, role: viewer, token: x }] }'))).toEqual([
    'g.yaml:3:30: admin.tokens[0].rolle: is not a known key; did you mean role?',
  ])
})

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', 'acb', 1],
  ['abc', 'ab', 1],
  ['abc', 'abcd', 1],
  ['abc', 'axc', 1],
  ['kitten', 'sitting', 3],
  ['', 'abc', 3],
  ['a', 'a'.repeat(1000), 1000],
])('%j and %j are %d apart', (a, b, steps) => {
  expect(distance(a, b)).toBe(steps)
  expect(distance(b, a)).toBe(steps)
})
