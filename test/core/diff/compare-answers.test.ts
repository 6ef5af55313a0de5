import { describe, expect, it } from 'vitest'
import { compareAnswers } from '../../../src/core/diff/compare-answers.ts'
import { type Answer, DEFAULT_BUDGET } from '../../../src/core/diff/comparison.ts'
import { answer, found, rulesOf } from './documents.ts'

const json = { 'content-type': 'application/json' }
const html = { 'content-type': 'text/html' }

function both(v1: Answer, v2: Answer, headers: readonly string[] = ['content-type'], differences = 100) {
  return compareAnswers(v1, v2, rulesOf({ headers }), { ...DEFAULT_BUDGET, differences })
}

describe('status comes first', () => {
  it('statuses of different classes end the comparison', () => {
    const comparison = both(answer('{"a":1}'), answer('{"error":"x"}', { status: 400, headers: html }))
    expect(comparison).toEqual({
      outcome: 'mismatch',
      reason: null,
      differences: [{ path: 'status', kind: 'status', v1: '200', v2: '400' }],
      cut: false,
    })
  })

  it('within a class the rest is compared as well', () => {
    expect(found(both(answer('{"a":1}'), answer('{"a":2}', { status: 201 })))).toEqual(['status status', '/a value'])
  })

  it('a difference of status is known even when the bodies are not', () => {
    const comparison = both(answer('', { problem: 'truncated' }), answer('{}', { status: 201 }))
    expect(comparison).toMatchObject({ outcome: 'mismatch', reason: 'truncated' })
  })
})

describe('headers', () => {
  it.each([
    ['content-type', 'application/json', 'application/json; charset=UTF-8'],
    ['content-type', 'Application/JSON ; charset="utf-8"', 'application/json'],
    ['content-type', 'application/problem+json', 'application/problem+json;charset=utf-8'],
    ['content-type', 'text/html; charset=ISO-8859-1; x=1', 'text/html;x=1;charset=iso-8859-1'],
    ['content-type', 'multipart/mixed; boundary=a', 'multipart/mixed; boundary=b'],
    ['vary', 'Accept, Origin', 'origin,accept'],
    ['cache-control', 'no-store, max-age=0', 'max-age=0,no-store'],
    ['etag', ' "a"', '"a" '],
  ])('%s: %s equals %s', (name, left, right) => {
    expect(both(answer('', { headers: { [name]: left } }), answer('', { headers: { [name]: right } }), [name]).outcome).toBe('match')
  })

  it.each([
    ['content-type', 'application/json', 'text/html'],
    ['content-type', 'text/html', 'text/html; charset=utf-8'],
    ['content-type', 'application/json; profile=a', 'application/json; profile=b'],
    ['content-type', '', 'text/html'],
    ['content-type', 'text/html;;x', 'text/html'],
    ['vary', 'Accept', 'Origin'],
    ['etag', '"a"', '"A"'],
  ])('%s: %s differs from %s', (name, left, right) => {
    const comparison = both(answer('', { headers: { [name]: left } }), answer('', { headers: { [name]: right } }), [name])
    expect(comparison.differences).toEqual([{ path: `header:${name}`, kind: 'header', v1: left, v2: right }])
  })

  it('an absent header is null; names from the prototype are absent', () => {
    expect(both(answer(''), answer('', { headers: {} })).differences[0]).toMatchObject({ v1: 'application/json', v2: null })
    expect(both(answer(''), answer(''), ['constructor', 'toString']).outcome).toBe('match')
  })

  it('a header that is not listed is not compared', () => {
    expect(both(answer('{}', { headers: { ...json, etag: 'a' } }), answer('{}', { headers: { ...json, etag: 'b' } })).outcome).toBe('match')
  })
})

describe('bodies', () => {
  it('equal bytes match whatever they are', () => {
    for (const body of ['', '{', 'plain', '['.repeat(10_000)]) expect(both(answer(body), answer(body)).outcome).toBe('match')
  })

  it('a body on one side only is missing or extra', () => {
    expect(found(both(answer('{}'), answer('')))).toEqual(['body missing'])
    expect(found(both(answer(''), answer('{}')))).toEqual(['body extra'])
  })

  it.each([
    ['v1-not-json', '<html>', '{}'],
    ['v2-not-json', '{}', '{"a":'],
    ['too-deep', '['.repeat(2_000) + ']'.repeat(2_000), '[]'],
    ['too-deep', 'no json', '['.repeat(2_000) + ']'.repeat(2_000)],
  ] as const)('declared JSON that cannot be read is incomparable: %s', (reason, v1, v2) => {
    expect(both(answer(v1), answer(v2))).toEqual({ outcome: 'incomparable', reason, differences: [], cut: false })
  })

  it('one declared side is enough to expect JSON of both', () => {
    expect(both(answer('{}'), answer('<html>', { headers: html }), []).reason).toBe('v2-not-json')
    expect(both(answer('{}'), answer('<html>', { headers: html }))).toMatchObject({ outcome: 'mismatch', reason: 'v2-not-json' })
  })

  it('two bodies that are no JSON are compared byte by byte, and only the place is told', () => {
    const comparison = both(answer('{"a":1}\n{"b":2}\n'), answer('{"a":1}\n{"b":3}\n'))
    expect(comparison.differences).toEqual([
      { path: 'body', kind: 'body', v1: '16 bytes, first difference at byte 13', v2: '16 bytes, first difference at byte 13' },
    ])
    expect(found(both(answer('[1]', { headers: html }), answer('[2]', { headers: html })))).toEqual(['body body'])
  })

  it('undeclared JSON is read as JSON when both sides are', () => {
    for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'application/octet-stream' }]) {
      expect(found(both(answer('{"a":1}', { headers }), answer('{"a":2}', { headers })))).toEqual(['/a value'])
      expect(found(both(answer('OK', { headers }), answer('{"a":2}', { headers })))).toEqual(['body body'])
      expect(found(both(answer('1', { headers }), answer('fine', { headers })))).toEqual(['body body'])
    }
  })

  it.each(['truncated', 'undecodable', 'too-large'] as const)('%s: incomparable, with that reason', (problem) => {
    expect(both(answer('{}'), answer('', { problem }))).toMatchObject({ outcome: 'incomparable', reason: problem })
    expect(both(answer('', { problem }), answer('{}'))).toMatchObject({ outcome: 'incomparable', reason: problem })
  })

  it('too many nodes is too large', () => {
    const rules = rulesOf({})
    expect(compareAnswers(answer('[1,2,3]'), answer('[1,2,4]'), rules, { ...DEFAULT_BUDGET, nodes: 3 }).reason).toBe('too-large')
  })

  it('the list of differences stays within its budget over headers and fields together', () => {
    const comparison = both(answer('{"a":1,"b":1}'), answer('{"a":2,"b":2}', { status: 201, headers: html }), ['content-type'], 2)
    expect(comparison).toMatchObject({ outcome: 'mismatch', cut: true })
    expect(found(comparison)).toEqual(['status status', 'header:content-type header'])
  })
})

describe('conditional answers', () => {
  it.each([
    [304, 200],
    [200, 304],
    [206, 206],
    [416, 206],
  ])('%d beside %d: comparable only when equal', (one, other) => {
    expect(both(answer('{"a":1}', { status: one }), answer('{"a":2}', { status: other })).reason).toBe('conditional')
  })

  it('two equal ones match', () => {
    expect(both(answer('', { status: 304 }), answer('', { status: 304 })).outcome).toBe('match')
  })
})
