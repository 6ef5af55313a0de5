import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { mask, substitute } from '../../src/config/substitute.ts'
import { configText, parsed, problemsOf } from '../support/config-files.ts'

const ENV = {
  HOST: 'legacy',
  EMPTY: '',
  BRACES: '${HOST}',
  NEWLINE: 'a\nadmin: { port: 1 }',
  PORT_NUMBER: '8000',
  FRACTION: '0.25',
  ON: 'true',
}

describe('substitution', () => {
  test.each([
    ['plain', 'plain'],
    ['${HOST}', 'legacy'],
    ['http://${HOST}:${PORT_NUMBER}/', 'http://legacy:8000/'],
    ['${EMPTY}', ''],
    ['${EMPTY:-other}', 'other'],
    ['${NOT_SET:-other}', 'other'],
    ['${NOT_SET:-}', ''],
    ['${NOT_SET:-a:b, [c] "d" #e}', 'a:b, [c] "d" #e'],
    ['${HOST:-other}', 'legacy'],
    ['a$b $', 'a$b $'],
    ['$${HOST}', '${HOST}'],
    ['$$$${HOST}', '$${HOST}'],
    ['$$${HOST}', '$legacy'],
    ['costs 5$$', 'costs 5$'],
  ])('%s becomes %s', (text, expected) => expect(substitute(text, ENV)).toEqual({ text: expected, missing: [] }))

  it('does not look for references in what a variable holds', () => {
    expect(substitute('${BRACES}', ENV).text).toBe('${HOST}')
  })

  test.each([
    ['${NOT_SET}', 'the environment variable NOT_SET is not set; set it, or write ${NOT_SET:-default}'],
    ['${}', '"${}" names no environment variable; write ${NAME}, ${NAME:-default}, or $$ for a plain $'],
    ['${A B}', '"${A B}" names no environment variable; write ${NAME}, ${NAME:-default}, or $$ for a plain $'],
    ['${A-b}', '"${A-b}" names no environment variable; write ${NAME}, ${NAME:-default}, or $$ for a plain $'],
    ['${1A}', '"${1A}" names no environment variable; write ${NAME}, ${NAME:-default}, or $$ for a plain $'],
    ['${OPEN', '"${" names no environment variable; write ${NAME}, ${NAME:-default}, or $$ for a plain $'],
  ])('%s is a problem', (text, message) => expect(substitute(text, ENV).missing).toEqual([message]))

  it('names every variable that is not set', () => {
    expect(substitute('${A}${HOST}${B}', ENV).missing).toHaveLength(2)
  })
})

describe('a value from the environment', () => {
  it('never brings structure into the document', () => {
    const config = parsed(configText('name: x\nalerts: [{ webhook: "http://h/", secret: ${BRACES} }]'), ENV)
    expect(config.alerts).toEqual([{ kind: 'webhook', url: 'http://h/', secret: '${HOST}' }])
    expect(problemsOf(configText('listen: { host: ${NEWLINE} }'), ENV)).toEqual([
      'g.yaml:3:17: listen.host: "a\\nadmin: { port: 1 }" is no address; write 127.0.0.1, 0.0.0.0, :: or a host name, without a port',
    ])
  })

  it('may stand without quotes inside brackets and braces', () => {
    const text = `backends: { v1: { endpoints: [http://\${HOST}:\${PORT_NUMBER}, http://b] }, v2: { endpoints: ['http://\${HOST}'] } }
routes: [{ name: rest, weight: \${FRACTION}, force: { secret: \${NOT_SET:-a,b}, whileTripped: \${ON} } }] # \${COMMENT}`
    const config = parsed(text, ENV)
    expect(config.backends.v1.endpoints.map(({ url }) => url)).toEqual(['http://legacy:8000', 'http://b'])
    expect(config.backends.v2.endpoints[0]?.host).toBe('legacy')
    expect(config.routes[0]).toMatchObject({ weight: 0.25, force: { secret: 'a,b', whileTripped: true } })
  })

  it('is not looked for in keys and comments', () => {
    expect(problemsOf(configText('${HOST}: 1 # ${NOT_SET}'), ENV)[0]).toMatch(/^g\.yaml:3:1: \["\$\{HOST\}"\]: is not a known key/)
  })

  it('that is not set is the only problem said about its place', () => {
    expect(problemsOf(configText('listen: { port: ${NOT_SET} }\nadmin: { port: x }'))).toEqual([
      'g.yaml:3:17: listen.port: the environment variable NOT_SET is not set; set it, or write ${NOT_SET:-default}',
      'g.yaml:4:16: admin.port: "x" is not a whole number; write a whole number from 0 to 65535',
    ])
  })

  it('is not shown in a message about a secret', () => {
    const secret = 'two words'
    const problems = problemsOf(configText('debug: { secret: ${S} }\nalerts: [{ slack: ${S} }]\nstore: { redis: ${S} }'), { S: secret })
    expect(problems).toHaveLength(3)
    for (const problem of problems) expect(problem).not.toContain('two')
  })
})

describe('masking', () => {
  it('keeps every position and is undone by unmask', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('${A}', '${B:-x, ]}', '$$', '$${C}', 'text', '\n', '\uE000', '\uE0FF', '{', '}'), { maxLength: 20 }),
        (parts) => {
          const source = parts.join('')
          const masked = mask(source)
          return masked.text.length === source.length && masked.unmask(masked.text) === source
        },
      ),
    )
  })

  it('finds room beside private-use characters the file has itself', () => {
    const source = 'name: ${NAME:-x}\n# \uE001 \uE0A0'
    const masked = mask(source)
    expect(masked.text).not.toContain('${')
    expect(masked.unmask(masked.text)).toBe(source)
  })
})
