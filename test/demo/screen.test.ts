import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClaims } from '../../src/demo/claims.ts'
import { createScreen, msText, wrap } from '../../src/demo/screen.ts'

function record(options: { live: boolean; colors: boolean; columns: number | null }) {
  let text = ''
  const screen = createScreen({ ...options, write: (part) => void (text += part) })
  return { screen, text: () => text }
}

describe('wrapped text', () => {
  it('loses no word and has no line that is too long', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z%/-]{1,30}$/), { minLength: 1 }), fc.integer({ min: 31, max: 100 }), (words, room) => {
        const lines = wrap(words.join(' '), room)
        expect(lines.join(' ').split(' ')).toEqual(words)
        expect(lines.every((line) => line.length <= room)).toBe(true)
      }),
    )
  })

  it('cuts a word that has no room of its own', () => {
    expect(wrap('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij'])
  })

  it('keeps the blanks between columns', () => {
    expect(wrap('v2  rule bucket', 40)).toEqual(['v2  rule bucket'])
  })
})

describe('the screen', () => {
  it('sends no control character where there is no terminal, ticker or not', () => {
    const { screen, text } = record({ live: false, colors: false, columns: null })
    screen.chapter('1  Shadow')
    screen.ticker('0.2 s')
    screen.event(1_312.4, 'the judge')
    screen.verdict('it held', true)
    expect(text()).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
    expect(text()).toContain('+1,312 ms  the judge')
    expect(text()).toContain('✓ it held')
  })

  it('takes the ticker away before the next line', () => {
    const { screen, text } = record({ live: true, colors: false, columns: 80 })
    screen.ticker('0.2 s')
    screen.say('next')
    screen.ticker(null)
    expect(text()).toBe('  0.2 s\r\u001b[2K  next\n')
  })

  it('keeps to 100 columns on a wider terminal', () => {
    const { screen, text } = record({ live: false, colors: false, columns: 300 })
    screen.say('word '.repeat(60).trim())
    screen.command(`banyan ${'argument '.repeat(30).trim()}`, ['output '.repeat(40).trim()])
    screen.entry('12:00:00.000', 'reason '.repeat(40).trim())
    expect(
      Math.max(
        ...text()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100)
  })

  it('lets nothing that came from outside steer the terminal', () => {
    const { screen, text } = record({ live: false, colors: false, columns: null })
    screen.command('banyan sample', ['\u001b[2Jgone'])
    expect(text()).not.toContain('\u001b')
  })

  it('paints only where colours are wanted', () => {
    const { screen, text } = record({ live: true, colors: true, columns: 80 })
    screen.verdict('it held', true)
    expect(text()).toContain('\u001b[32m✓')
  })
})

describe('claims', () => {
  it('remember what did not hold, and say so', () => {
    const { screen, text } = record({ live: false, colors: false, columns: null })
    const claims = createClaims(screen)
    claims.check('zero client errors', true)
    claims.check('3 mismatches', false)
    expect([claims.made, claims.broken]).toEqual([2, ['3 mismatches']])
    expect(text()).toBe('  ✓ zero client errors\n  ✗ NOT TRUE: 3 mismatches\n')
  })
})

describe('milliseconds', () => {
  it('have as many digits as are worth reading', () => {
    expect([0.3412, 2.84, 9.96, 12.7, 1_312.4, Number.NaN].map(msText)).toEqual(['0.34 ms', '2.8 ms', '10 ms', '13 ms', '1,312 ms', '-'])
  })
})
