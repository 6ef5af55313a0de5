/** The small parts of the wire: name table, decimals, timer wheel, scratch. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDecimal } from '../../src/wire/bytes.ts'
import { KNOWN_NAMES, LOOKALIKE, hashStep, isHopByHop, isLookalikeDanger, isProtected, knownName } from '../../src/wire/names.ts'
import { isAuthority } from '../../src/wire/request.ts'
import { Scratch } from '../../src/wire/scratch.ts'
import { Wheel, WheelEntry } from '../../src/wire/wheel.ts'
import type { Timed } from '../../src/wire/wheel.ts'

function idOf(name: string): number {
  const bytes = Buffer.from(name, 'latin1')
  const hash = bytes.reduce((sum, byte) => hashStep(sum, byte), 0)
  return knownName(bytes, 0, bytes.length, hash)
}

describe('known names', () => {
  test('each has an id of its own, in any case; with underscores it is told apart', () => {
    const ids = KNOWN_NAMES.map((name) => idOf(name))
    expect(new Set(ids).size).toBe(KNOWN_NAMES.length)
    for (const name of KNOWN_NAMES) {
      expect(idOf(name.toUpperCase())).toBe(idOf(name))
      if (name.includes('-')) expect(idOf(name.replaceAll('-', '_'))).toBe(idOf(name) + LOOKALIKE)
    }
  })

  test('no other name has one', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z-]{1,30}$/), (name) => {
        expect(idOf(name) > 0).toBe(KNOWN_NAMES.includes(name))
      }),
      { numRuns: 2_000 },
    )
  })

  test('framing and connection fields are hop-by-hop, what means the request is protected', () => {
    const hop = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings']
    expect(hop.filter((name) => !isHopByHop(idOf(name)))).toEqual([])
    expect(['host', 'content-length', 'authorization', 'cookie', 'x-forwarded-for'].filter((name) => isHopByHop(idOf(name)))).toEqual([])
    expect(KNOWN_NAMES.filter((name) => isProtected(idOf(name)))).toEqual(['host', 'content-length', 'authorization', 'cookie'])
    expect(['host', 'transfer-encoding', 'x-forwarded-for', 'x-real-ip'].every((name) => isLookalikeDanger(idOf(name)))).toBe(true)
    expect(isLookalikeDanger(idOf('cookie'))).toBe(false)
  })
})

test('a decimal is digits only, up to 2^53-1', () => {
  const parse = (text: string): number => parseDecimal(Buffer.from(text, 'latin1'), 0, text.length)
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) => {
      expect(parse(String(value))).toBe(value)
    }),
  )
  expect(parse('00012')).toBe(12)
  for (const bad of ['', '+1', '-1', ' 1', '1 ', '0x1', '1.0', '9007199254740992', '99999999999999999999', '1_0'])
    expect([bad, parse(bad)]).toEqual([bad, -1])
})

test('an authority is a host with an optional port, nothing else', () => {
  const is = (text: string): boolean => isAuthority(Buffer.from(text, 'latin1'), 0, text.length)
  const good = ['a', 'a.example', 'a_b', 'a:80', 'a:', '127.0.0.1:65535', '[::1]', '[2001:db8::1]:8080']
  expect(good.filter((text) => !is(text))).toEqual([])
  const bad = ['', ':80', 'a:80x', 'a:65536', 'a b', 'a@b', 'a/b', 'a,b', '[]', '[::1', '[::1]x', '[g::]', 'a:b:1']
  expect(bad.filter((text) => is(text))).toEqual([])
})

describe('the wheel', () => {
  class Alarm implements Timed {
    deadline = 0
    readonly entry = new WheelEntry(this)
    readonly rang: number[] = []
    onDeadline(now: number): void {
      this.rang.push(now)
    }
  }

  test('rings each once, never early and within two ticks, in any order of arming', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 50 }), (delays) => {
        let now = 0
        const wheel = new Wheel(() => now)
        const alarms = delays.map((delay) => {
          const alarm = new Alarm()
          wheel.arm(alarm.entry, delay)
          return { alarm, delay }
        })
        for (now = 100; now <= 300_400; now += 100) wheel.turn()
        for (const { alarm, delay } of alarms) {
          expect(alarm.rang).toHaveLength(1)
          expect(alarm.rang[0]).toBeGreaterThanOrEqual(delay)
          expect(alarm.rang[0]).toBeLessThanOrEqual(delay + 200)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('a deadline moved on does not ring at the old time; one taken away not at all', () => {
    let now = 0
    const wheel = new Wheel(() => now)
    const [moved, gone, removed] = [new Alarm(), new Alarm(), new Alarm()]
    for (const alarm of [moved, gone, removed]) wheel.arm(alarm.entry, 500)
    wheel.arm(moved.entry, 2_000)
    wheel.disarm(gone.entry)
    wheel.remove(removed.entry)
    for (now = 100; now <= 3_000; now += 100) wheel.turn()
    expect(moved.rang).toEqual([2_100])
    expect([...gone.rang, ...removed.rang]).toEqual([])
  })

  test('an alarm that removes its neighbours, or throws, does not stop the others', () => {
    let now = 0
    const errors: unknown[] = []
    const wheel = new Wheel(
      () => now,
      (error) => errors.push(error),
    )
    const alarms = Array.from({ length: 10 }, () => new Alarm())
    for (const alarm of alarms) wheel.arm(alarm.entry, 500)
    const [first, second, third] = alarms
    if (first === undefined || second === undefined || third === undefined) throw new Error('no alarms')
    third.onDeadline = () => {
      wheel.remove(second.entry)
      wheel.arm(third.entry, now + 500)
      throw new Error('mine')
    }
    for (now = 100; now <= 900; now += 100) wheel.turn()
    expect(errors).toHaveLength(1)
    expect(alarms.slice(3).every((alarm) => alarm.rang.length === 1)).toBe(true)
    expect(first.rang).toHaveLength(1)
  })

  test('after a stall everything due rings in one turn, and the lag is known', () => {
    let now = 0
    const wheel = new Wheel(() => now)
    const alarms = [200, 50_000, 400_000].map((delay) => {
      const alarm = new Alarm()
      wheel.arm(alarm.entry, delay)
      return alarm
    })
    now = 500_000
    wheel.turn()
    expect(alarms.every((alarm) => alarm.rang.length === 1)).toBe(true)
    expect(wheel.lagMs).toBe(499_900)
  })
})

test('the scratch writes sizes in hex and grows with what it is given', () => {
  const scratch = new Scratch(16)
  for (const size of [1, 15, 16, 255, 4_096, 65_535]) scratch.chunkSize(size)
  scratch.text('é'.repeat(40))
  scratch.range(Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789'), 2, 34)
  const text = scratch.buf.toString('latin1', 0, scratch.length)
  expect(text).toBe(`1\r\nf\r\n10\r\nff\r\n1000\r\nffff\r\n${'é'.repeat(40)}cdefghijklmnopqrstuvwxyz01234567`)
})
