/** What each response vector's "expect" means, as assertions; HTTP.md's reading where the vector leaves a choice. */
import { expect } from 'vitest'
import { has, values, type Message } from './message.ts'
import type { SeenAnswer } from './response-run.ts'

type Check = (seen: SeenAnswer) => void

function complete(seen: SeenAnswer): Message {
  const { answer } = seen
  if (answer === null || !answer.complete) throw new Error(`no complete answer: ${JSON.stringify(seen.text.slice(0, 300))}`)
  return answer
}

/** The gateway's own 502. */
const badGateway: Check = (seen) => {
  const answer = complete(seen)
  expect(answer.status).toBe(502)
  expect(values(answer, 'content-type').join()).toContain('application/problem+json')
}

/** Never a complete answer: cut by a reset, or 502 when nothing had been sent yet. */
const cut: Check = (seen) => {
  if (seen.answer?.status === 502) badGateway(seen)
  else {
    expect(seen.answer?.complete ?? false).toBe(false)
    expect(seen.ended).toBe('rst')
    expect(seen.text).not.toContain('\r\n0\r\n')
  }
}

const whole =
  (body: string, status = 200): Check =>
  (seen) => {
    const answer = complete(seen)
    expect([answer.status, answer.body.toString('latin1')]).toEqual([status, body])
  }

const all =
  (...checks: Check[]): Check =>
  (seen) => {
    for (const check of checks) check(seen)
  }

const header =
  (name: string, ...wanted: string[]): Check =>
  (seen) =>
    expect(values(complete(seen), name)).toEqual(wanted)

const without =
  (...names: string[]): Check =>
  (seen) =>
    expect(names.filter((name) => has(complete(seen), name))).toEqual([])

const notReused: Check = (seen) => expect(seen.reused).toBe(false)
const reused: Check = (seen) => expect(seen.reused).toBe(true)
const askedOnce: Check = (seen) => expect(seen.asked).toBe(1)

const interims =
  (...statuses: number[]): Check =>
  (seen) =>
    expect(seen.interim.map((message) => message.status)).toEqual(statuses)

export const RESPONSES: Readonly<Record<string, Check>> = {
  S01: cut,
  S02: cut,
  S04: all(badGateway, notReused),
  S05: all(whole('abcd'), without('content-length'), notReused),
  S06: all(whole('ok'), header('x', 'a b')),
  S07: whole('ok'),
  S08: all(badGateway, notReused),
  S10: all(whole('ok'), header('x', 'a')),
  S11: all(whole('', 204), without('content-length'), notReused),
  S13: all(whole(''), header('content-length', '5'), notReused),
  S14: all(whole('ok'), interims(103), (seen) => expect(values(seen.interim[0] as Message, 'link')).toEqual(['</s.css>; rel=preload'])),
  S15: all(whole('ok'), interims(100)),
  S16: all(whole('ok'), (seen) => expect(seen.interim.filter((message) => message.status === 102).length).toBe(vectorCount(seen))),
  S17: all(badGateway, notReused),
  S18: all(whole('closedelim'), (seen) => expect(complete(seen).framing).not.toBe('close')),
  S19: all(whole('closedelim'), (seen) => expect(complete(seen).framing).not.toBe('close')),
  S19r: cut,
  S21: whole('ok', 999),
  S22: all(badGateway, notReused),
  S24: badGateway,
  S25: all(badGateway, notReused),
  S26: all(badGateway, askedOnce),
  S27: all(badGateway, askedOnce),
  S30: all(whole('ok'), reused, (seen) => {
    const { trailers } = complete(seen)
    if (trailers.length > 0) expect(trailers).toEqual([['X-T', '1']])
  }),
  S32: all(cut, notReused),
  S33: all(badGateway, notReused),
  S35: all(whole('ok'), header('set-cookie', 'a=1', 'b=2'), header('x', '1', '2'), reused),
  S36: all(whole('ok'), without('x-foo', 'proxy-connection', 'upgrade', 'keep-alive')),
  S38: all(badGateway),
  S39: badGateway,
  S40: all(whole('ok'), header('__proto__', 'x'), header('constructor', 'y'), reused),
  S41: all(cut, notReused),
}

function vectorCount(seen: SeenAnswer): number {
  return seen.vector.bytes.toString('latin1').split('HTTP/1.1 102 ').length - 1
}

/** With `strict: true` on the backend, the repairable ones are refused too. */
export const STRICT_REFUSES = ['S05', 'S06', 'S07', 'S10'] as const

export const strictRefusal = badGateway
