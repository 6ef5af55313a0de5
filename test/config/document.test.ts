import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { parseConfig } from '../../src/config/parse.ts'
import { BACKENDS, configText, parsed, problemsOf, warningsOf } from '../support/config-files.ts'

const EMPTY = 'g.yaml:1:1: file: is empty; write at least backends: and routes: (the command init writes a start)'
const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe('a text that is no document', () => {
  const table: [what: string, source: string | Uint8Array, problems: string[]][] = [
    ['empty', '', [EMPTY]],
    ['blank', ' \n\n', [EMPTY]],
    ['only comments', '# nothing\n', [EMPTY]],
    ['null', 'null\n', [EMPTY]],
    ['a list', '\n- a\n', ['g.yaml:2:1: file: holds a list; write a map with the keys backends and routes']],
    ['a text', 'hello', ['g.yaml:1:1: file: holds a text; write a map with the keys backends and routes']],
    ['a tab as indentation', 'a:\n\tb: 1\n', ['g.yaml:2:1: yaml: a tab is used to indent; use spaces']],
    [
      'two documents',
      `${configText()}---\na: 1\n`,
      ['g.yaml:3:1: yaml: a second document begins here; keep one, without --- lines between'],
    ],
    ['UTF-16 with a byte order mark', bytes([0xff, 0xfe], [0x61, 0]), ['g.yaml:1:1: file: is UTF-16 text; save it as UTF-8']],
    ['UTF-16 without one', Buffer.from('a: 1', 'utf16le'), ['g.yaml:1:1: file: is UTF-16 text; save it as UTF-8']],
    ['Latin-1', bytes('a: 1\nb: caf', [0xe9], '\n'), ['g.yaml:2:7: file: is not UTF-8 from here on (byte 0xe9); save it as UTF-8']],
    [
      'bad UTF-8 behind a real U+FFFD',
      bytes('a: \uFFFD', [0x80]),
      ['g.yaml:1:5: file: is not UTF-8 from here on (byte 0x80); save it as UTF-8'],
    ],
    ['a control character', 'a: 1\nb: \u0007', ['g.yaml:2:4: file: has the control character U+0007 here; remove it']],
    [
      'an open bracket',
      'a: [1\nb: 2\n',
      [
        'g.yaml:2:1: yaml: flow sequence in block collection must be sufficiently indented and end with a ]; close the bracket, and indent what belongs to it',
      ],
    ],
    ['a reserved character', 'a: @b\n', ['g.yaml:1:4: yaml: plain value cannot start with reserved character @; put the text in quotes']],
    ['a tag', 'a: !secret b\n', ['g.yaml:1:4: yaml: unresolved tag: !secret; remove the tag (the word with "!")']],
    [
      'a list as a key',
      '? [a]\n: 1\n',
      ['g.yaml:1:3: yaml: a key must be a plain text; check the indentation, and put a text that begins with [ or { in quotes'],
    ],
    [
      'YAML 1.1',
      '%YAML 1.1\n---\na: 1\n',
      ['g.yaml:1:1: yaml: %YAML 1.1 reads on, off, yes and no as true and false; remove this line (the file is YAML 1.2)'],
    ],
    [
      'deep nesting',
      '['.repeat(20_000),
      [
        expect.stringMatching(
          /^g\.yaml:1:\d+: yaml: lists or maps are nested too deeply to read; no setting needs more than a few levels$/,
        ),
      ],
    ],
  ]
  test.each(table)('%s', (_what, source, problems) => expect(problemsOf(source)).toEqual(problems))

  it('gets one complaint a line', () => {
    expect(problemsOf('a: b: c: d\ne: f: g\n').map((problem) => problem.slice(0, 10))).toEqual(['g.yaml:1:4', 'g.yaml:2:4'])
  })
})

describe('a document', () => {
  it('with a key given twice is checked for everything else too', () => {
    expect(problemsOf(`${BACKENDS}\nroutes: [{ name: rest }]\nvia: true\nvia: 5\n`)).toEqual([
      'g.yaml:4:1: via: is there twice in its map; keep one of them',
      'g.yaml:4:6: via: 5 is not true or false; write true or false',
    ])
  })

  it('may begin with a byte order mark, which shifts no column', () => {
    expect(warningsOf(`\uFEFF${configText()}`)).toEqual([
      'g.yaml:1:1: file: begins with a byte order mark; it is skipped here, but other tools stumble over it: save as UTF-8 without BOM',
    ])
    expect(problemsOf(`\uFEFFvai: 1\n${configText()}`)).toEqual(['g.yaml:1:1: vai: is not a known key; did you mean via?'])
  })

  it('may have Windows line ends', () => {
    expect(problemsOf(configText('via: 1\n').replaceAll('\n', '\r\n'))).toEqual([
      'g.yaml:3:6: via: 1 is not true or false; write true or false',
    ])
  })

  it('may name a value once and use it often', () => {
    const config = parsed(
      `${BACKENDS}\nroutes:\n  - { name: a, match: { path: /a }, timeouts: &slow { total: 9s } }\n  - { name: b, timeouts: *slow }\n`,
    )
    expect(config.routes.map(({ timeouts }) => timeouts.totalMs)).toEqual([9_000, 9_000])
  })

  test.each([
    ['that stands for nothing', 'name: *gone', ['g.yaml:3:7: name: *gone stands for nothing; write &gone before a value above it']],
    ['inside what it stands for', 'pool: &x { queue: *x }', ['g.yaml:3:1: pool: is nested deeper than 64 levels; no setting is']],
    [
      'as a merge key',
      'pool: &x { queue: 5 }\nlimits:\n  <<: *x',
      ['g.yaml:5:3: limits["<<"]: merge keys are not known here; put what routes share under defaults'],
    ],
  ])('with an alias %s', (_what, more, problems) => expect(problemsOf(configText(more))).toEqual(problems))

  it('with an alias bomb is refused in no time', () => {
    const lines = ['x0: &x0 [a, a, a, a, a, a, a, a, a, a]']
    for (let i = 1; i < 12; i++) lines.push(`x${i}: &x${i} [${Array.from({ length: 10 }, () => `*x${i - 1}`).join(', ')}]`)
    const before = performance.now()
    const problems = problemsOf(`${lines.join('\n')}\n${configText()}`)
    expect(problems.filter((problem) => problem.includes('aliases'))).toEqual([
      'g.yaml:5:1: x4: its aliases stand for more than 20000 values; write fewer of them',
    ])
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('cannot reach a prototype by its keys', () => {
    const problems = problemsOf(configText('__proto__: { via: true }\nconstructor: 1'))
    expect(problems.map((problem) => problem.split(': ')[1])).toEqual(['__proto__', 'constructor'])
    expect(({} as { via?: boolean }).via).toBeUndefined()
  })
})

describe('whatever the bytes are', () => {
  const never = (source: string | Uint8Array): boolean => {
    const result = parseConfig(source, 'g.yaml', { A: '[' })
    return result.ok || result.problems.length > 0
  }

  it('parsing random bytes and texts never throws, and says something when it refuses', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), never))
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), never))
  })

  it('parsing random YAML never throws', () => {
    const piece = fc.constantFrom(
      'a',
      'routes',
      'backends',
      ': ',
      ':\n',
      '- ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      ', ',
      '"',
      "'",
      '&a ',
      '*a',
      '|\n',
      '>',
      '# ',
      '? ',
      '!!str ',
      '---\n',
      '${A}',
      '${',
      '5',
      'null',
      '\t',
      '%',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
        never,
      ),
      { numRuns: 500 },
    )
  })

  it('a valid document stays parseable or refused after any cut, insertion or swap of lines', () => {
    const lines = configText(
      'defaults: { ramp: { steps: [1, 2] } }\nadmin:\n  tokens:\n    - { name: a, role: viewer, token: ${A} }\nsticky: [{ ip: true }]\n',
    ).split('\n')
    const edit = fc.tuple(fc.nat(lines.length - 1), fc.nat(60), fc.constantFrom('', ':', '[', '}', '- ', '  ', '\t', 'x', '&a', '*a', '"'))
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const copy = [...lines]
        for (const [line, column, insert] of edits)
          copy[line] = (copy[line] ?? '').slice(0, column) + insert + (copy[line] ?? '').slice(column + 1)
        return never(copy.join('\n'))
      }),
      { numRuns: 500 },
    )
  })

  it('any value at any known place is taken or refused with its place', () => {
    const keys = [
      'name',
      'listen',
      'admin',
      'backends',
      'pool',
      'limits',
      'store',
      'sticky',
      'stickyCookie',
      'trustedProxies',
      'defaults',
      'routes',
      'alerts',
      'debug',
    ]
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom('5s', '-1', 1e300, [[]], { v1: {} }, [{ name: 'a', match: { path: '/**' }, mirror: { sample: '5' } }]),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), (extra) =>
        never(JSON.stringify({ backends: { v1: { endpoints: ['http://a'] }, v2: { endpoints: [] } }, routes: [{ name: 'r' }], ...extra })),
      ),
      { numRuns: 500 },
    )
  })
})
