import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { percentDecode, trimValue, utf8Bytes, utf8Text } from '../../../src/core/split/byte-string.ts'

describe('byte strings', () => {
  test('UTF-8 bytes are those of the platform, for any text, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => utf8Bytes(text) === Buffer.from(text.toWellFormed(), 'utf8').toString('latin1')),
    )
    expect(utf8Bytes('é')).toBe('\xc3\xa9')
    expect(utf8Bytes('\ud800')).toBe('\xef\xbf\xbd')
  })

  test('text → bytes → text is the identity; what is no UTF-8 is no text', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => utf8Text(utf8Bytes(text)) === text))
    expect(utf8Text('\xff')).toBeNull()
    expect(utf8Text('\xc3')).toBeNull()
  })

  test.each([
    ['', ''],
    ['plain', 'plain'],
    ['a%20b', 'a b'],
    ['%41%42', 'AB'],
    ['%c3%A9', '\xc3\xa9'],
    ['a+b', 'a+b'],
    ['100%', '100%'],
    ['%', '%'],
    ['%4', '%4'],
    ['%zz%41', '%zzA'],
    ['%%41', '%A'],
    ['%2541', '%41'],
    ['%00', '\0'],
  ])('percentDecode(%j) is %j', (given, wanted) => expect(percentDecode(given)).toBe(wanted))

  test('decoding undoes encoding', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => percentDecode(encodeURIComponent(text)) === utf8Bytes(text)))
  })

  test.each([
    ['alice', 'alice'],
    ['  alice\t', 'alice'],
    ['"alice"', 'alice'],
    ['" alice "', 'alice'],
    ['a "b" c', 'a "b" c'],
    ["'alice'", "'alice'"],
    ['', null],
    ['  ', null],
    ['""', null],
  ])('trimValue(%j) is %j', (given, wanted) => expect(trimValue(given)).toBe(wanted))
})
