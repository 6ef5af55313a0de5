import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../src/core/diff/json.ts'
import { identityText, INVALID, hasFlag, sameString, stringText, type Tape } from '../../../src/core/diff/tape.ts'
import { anyJson, bytesOf } from './documents.ts'

const AMPLE = { depth: 10_000_000, nodes: 100_000_000 }

function parse(...parts: (string | readonly number[])[]) {
  return parseJson(bytesOf(...parts), AMPLE)
}

function tapeOf(...parts: (string | readonly number[])[]): Tape {
  const tape = parse(...parts)
  if (typeof tape === 'string') throw new Error(`not parsed: ${tape}`)
  return tape
}

function accepts(text: string): boolean {
  return typeof parse(text) !== 'string'
}

function acceptedByJsonParse(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the parser accepts exactly what RFC 8259 allows', () => {
  it.each([
    '',
    ' ',
    '[',
    ']',
    '{',
    '}',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[,]',
    '{,}',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{a:1}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '[1 2]',
    '[1}',
    '{"a":1]',
    '1 2',
    '[]]',
    '[] x',
    '01',
    '-',
    '-01',
    '1.',
    '.1',
    '1e',
    '1e+',
    '+1',
    '0x1',
    'NaN',
    'nul',
    'nulll',
    '"',
    '"a',
    '"\n"',
    '"\\',
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\u0000"',
    "'a'",
    '[1,\u00a02]',
    'tru',
    'falsey',
    'Infinity',
    '{1:2}',
    '{"a":}',
    '--1',
  ])('refuses %j', (text) => {
    expect(accepts(text)).toBe(false)
    expect(acceptedByJsonParse(text)).toBe(false)
  })

  it.each([
    '0',
    '-0',
    '1e5',
    '1E-5',
    '1.5e+5',
    'null',
    'true',
    'false',
    '""',
    '"\\u00e9\\n\\/\\""',
    '[]',
    '{}',
    ' [ ] ',
    '{"":{}}',
    '[[],{}]',
    '\t\r\n1 ',
    '{"a":1,"a":2}',
    '"\\ud800"',
    '[1,[2,[3]],{"x":[]}]',
    '1e99999999999999999999',
  ])('takes %j', (text) => expect(accepts(text)).toBe(true))

  it('agrees with JSON.parse on random documents with one byte changed', () => {
    const change = fc.tuple(fc.nat(), fc.constantFrom(...'[]{},:"\\0123456789.eE+-ntfu \n\tx'.split('')), fc.nat(2))
    fc.assert(
      fc.property(anyJson, change, (value, [at, char, how]) => {
        const text = JSON.stringify(value)
        const i = at % (text.length + 1)
        const changed = text.slice(0, i) + char + text.slice(i + (how === 0 ? 0 : 1))
        expect(accepts(text)).toBe(true)
        // A lone surrogate cannot be sent as UTF-8 and so never reaches a parser.
        if (changed.isWellFormed()) expect([changed, accepts(changed)]).toEqual([changed, acceptedByJsonParse(changed)])
      }),
      { numRuns: 2_000 },
    )
  })

  it('a byte order mark is noted, not part of the value; a second one is no JSON', () => {
    const mark = [0xef, 0xbb, 0xbf]
    expect(tapeOf(mark, '{}').bom).toBe(true)
    expect(tapeOf('{}').bom).toBe(false)
    expect(parse(mark, mark, '{}')).toBe('not-json')
    expect(parse(mark)).toBe('not-json')
  })
})

describe('budgets end a hostile document, recursion never does', () => {
  it('five million brackets parse when the budget allows, and are too deep when it does not', () => {
    const deep = new Uint8Array(10_000_000).fill(0x5b, 0, 5_000_000).fill(0x5d, 5_000_000)
    expect(parseJson(deep, { depth: 1_000, nodes: 100_000_000 })).toBe('too-deep')
    const tape = parseJson(deep, AMPLE)
    expect(typeof tape === 'string' ? tape : tape.nodes).toBe(5_000_000)
  })

  it('the depth and node limits are exact', () => {
    expect(typeof parseJson(bytesOf('[[[]]]'), { depth: 3, nodes: 3 })).toBe('object')
    expect(parseJson(bytesOf('[[[]]]'), { depth: 2, nodes: 3 })).toBe('too-deep')
    expect(parseJson(bytesOf('{"a":1}'), { depth: 3, nodes: 2 })).toBe('too-large')
    expect(parseJson(bytesOf('[1,2,3]'), { depth: 3, nodes: 3 })).toBe('too-large')
    expect(parseJson(bytesOf('[]'), { depth: 3, nodes: 0 })).toBe('too-large')
  })

  it('a dense document outgrows the first estimate of the tape', () => {
    const tape = tapeOf(`[${Array.from({ length: 5_000 }, () => '1').join(',')}]`)
    expect(tape.nodes).toBe(5_001)
  })
})

describe('strings are compared by the characters they stand for', () => {
  it('their text is what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.boolean(), (text, escape) => {
        const plain = JSON.stringify(text)
        const json = escape ? plain.replaceAll(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`) : plain
        if (!json.isWellFormed()) return
        expect(stringText(tapeOf(json), 0)).toBe(text)
        expect(sameString(tapeOf(json), 0, tapeOf(plain), 0)).toBe(true)
      }),
    )
  })

  it('a leading U+FEFF inside a string is a character', () => {
    expect(stringText(tapeOf('"\ufeffa with more than a few characters"'), 0)).toBe('\ufeffa with more than a few characters')
    expect(sameString(tapeOf('"\ufeffa"'), 0, tapeOf('"\\u0061"'), 0)).toBe(false)
  })

  it.each([
    ['overlong', [0xc0, 0x80]],
    ['overlong, three bytes', [0xe0, 0x80, 0x80]],
    ['overlong, four bytes', [0xf0, 0x80, 0x80, 0x80]],
    ['surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['no lead', [0x80]],
    ['lead F5', [0xf5, 0x80, 0x80, 0x80]],
    ['cut', [0xe2, 0x82]],
    ['Latin-1', [0x4a, 0xf6, 0x72, 0x67]],
  ])('invalid UTF-8 (%s) equals only the very same bytes', (_name, bytes) => {
    const bad = tapeOf('"', bytes, '"')
    expect(hasFlag(bad, 0, INVALID)).toBe(true)
    expect(sameString(bad, 0, tapeOf('"', bytes, '"'), 0)).toBe(true)
    const escaped = tapeOf('"', bytes, '\\u0041"')
    expect(sameString(escaped, 0, tapeOf('"', bytes, 'A"'), 0)).toBe(false)
    expect(sameString(bad, 0, tapeOf(JSON.stringify(stringText(bad, 0))), 0)).toBe(false)
    expect(identityText(bad, 0)).not.toBe(identityText(tapeOf(JSON.stringify(identityText(bad, 0).slice(1))), 0))
  })

  it.each([['é'], ['€'], ['\u{10FFFF}'], ['\ud7ff'], ['\ue000'], ['\u{10000}']])('%j is valid UTF-8', (char) => {
    expect(hasFlag(tapeOf(`"${char}"`), 0, INVALID)).toBe(false)
  })
})
