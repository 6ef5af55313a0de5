import { isIP } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, cidrProblem, clientAddress, isTrusted, parseCidrs } from '../../../src/core/split/address.ts'

describe('canonical addresses', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::1', '::1'],
    ['::', '::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
    ['::192.0.2.7', '::c000:207'],
  ])('%s is written %s', (given, wanted) => expect(canonicalAddress(given)).toBe(wanted))

  test.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.-4',
    '1.2.3.4:80',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    '::1.2.3.4:5',
    '[::1]',
    ' ::1',
  ])('%j is no address', (text) => expect(canonicalAddress(text)).toBeNull())

  test('agrees with the platform on what an address is, and one address has one text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const canonical = canonicalAddress(text)
        expect(isIP(text)).toBeGreaterThan(0)
        expect(canonical).not.toBeNull()
        expect(canonicalAddress(canonical ?? '')).toBe(canonical)
        if (isIP(canonical ?? '') === 6) expect(`[${canonical}]`).toBe(new URL(`http://[${text}]/`).hostname)
      }),
      { numRuns: 1_000 },
    )
  })

  test('text that is no address to the platform is none here', () => {
    const noise = fc.string({ unit: fc.constantFrom('0', '1', '25', 'f', ':', '::', '.', ','), maxLength: 14 })
    fc.assert(
      fc.property(noise, (text) => (canonicalAddress(text) === null) === (isIP(text) === 0)),
      { numRuns: 3_000 },
    )
  })
})

describe('trusted proxies', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.6', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.128/25', '192.0.2.129', true],
    ['172.16.0.0/12', '172.31.255.255', true],
    ['172.16.0.0/12', '172.32.0.0', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '8.8.8.8', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fd00::/8', 'fdab::1', true],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['::ffff:10.0.0.0/104', '11.9.9.9', false],
    ['unix:', '', true],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', 'garbage', false],
  ])('%s and %s: %s', (cidr, address, wanted) => {
    expect(cidrProblem(cidr)).toBeNull()
    expect(isTrusted(parseCidrs([cidr]), address)).toBe(wanted)
  })

  test.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8x',
    '10/8',
    '::/129',
    'fe80::1%eth0',
    '::ffff:10.0.0.0/90',
    '1.2.3.4/1/2',
  ])('%j is refused, and trusts nobody', (text) => {
    expect(cidrProblem(text)).toContain('10.0.0.0/8')
    expect(parseCidrs([text]).cidrs).toEqual([])
  })

  test('an empty list trusts nobody', () => expect(isTrusted(parseCidrs([]), '10.0.0.1')).toBe(false))
})

describe('client address', () => {
  const trusted = parseCidrs(['10.0.0.0/8', 'fd00::/8'])
  test.each([
    ['an untrusted peer is the client, whatever it claims', '203.0.113.7', ['10.0.0.1, 1.1.1.1'], '203.0.113.7'],
    ['a trusted peer without the header is the client itself', '10.0.0.1', [], '10.0.0.1'],
    ['the right-most untrusted one', '10.0.0.1', ['6.6.6.6, 203.0.113.7, 10.0.0.2'], '203.0.113.7'],
    ['lines count in order', '10.0.0.1', ['6.6.6.6', '203.0.113.7', '10.0.0.2'], '203.0.113.7'],
    ['all trusted: the left-most', '10.0.0.1', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    ['an entry that is no address ends the walk', '10.0.0.1', ['203.0.113.7, unknown, 10.0.0.2'], '10.0.0.2'],
    ['nothing but noise: the peer', '10.0.0.1', ['unknown'], '10.0.0.1'],
    ['an empty element means nothing', '10.0.0.1', ['203.0.113.7, , 10.0.0.2,', ''], '203.0.113.7'],
    ['a leading comma', '10.0.0.1', [',203.0.113.7'], '203.0.113.7'],
    ['a port is no part of it', '10.0.0.1', ['203.0.113.7:5000'], '203.0.113.7'],
    ['brackets neither', '10.0.0.1', ['[2001:DB8::7]:5000'], '2001:db8::7'],
    ['bare brackets', '10.0.0.1', ['[2001:db8::7]'], '2001:db8::7'],
    ['brackets are for IPv6', '10.0.0.1', ['[203.0.113.7]'], '10.0.0.1'],
    ['bare IPv6', '10.0.0.1', ['2001:db8::7, fd00::2'], '2001:db8::7'],
    ['IPv4-mapped IPv6 is IPv4, peers included', '::ffff:10.0.0.1', ['::ffff:203.0.113.7'], '203.0.113.7'],
    ['a peer without an address is nobody', '', ['203.0.113.7'], ''],
  ])('%s', (_law, peer, xff, wanted) => expect(clientAddress(peer, xff, trusted)).toBe(wanted))

  test('the peer of a unix socket may be trusted by name', () => {
    expect(clientAddress('', ['203.0.113.7'], parseCidrs(['unix:']))).toBe('203.0.113.7')
  })

  test('whatever a client writes, what stands left of an untrusted address is never believed', () => {
    fc.assert(fc.property(fc.string(), (claim) => clientAddress('10.0.0.1', [`${claim},203.0.113.7`], trusted) === '203.0.113.7'))
  })
})
