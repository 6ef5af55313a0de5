import { describe, expect, it } from 'vitest'
import type { Witness } from '../../src/demo/toy-messages.ts'
import { until } from '../support/until.ts'
import { isDeaf, startDemo } from './demo-process.ts'

const START_MS = 20_000
const URLS =
  /\((http:\/\/127\.0\.0\.1:\d+)\), v2 its rewrite, release 2\.0\s+\((http:\/\/127\.0\.0\.1:\d+)\)\..*to\s+(http:\/\/127\.0\.0\.1:\d+)\./s

describe('the demo, ending before its time', () => {
  it('on SIGTERM leaves no process and no folder, and exits as a shell expects', { timeout: 40_000 }, async () => {
    const demo = startDemo('--quick')
    const [, ...urls] = await demo.said(URLS, START_MS)
    demo.signal('SIGTERM')
    expect(await demo.ended()).toBe(128 + 15)
    expect(demo.leftovers()).toEqual([])
    expect(await Promise.all(urls.map(isDeaf))).toEqual([true, true, true])
  })

  it('killed outright leaves no process and no folder either', { timeout: 40_000 }, async () => {
    const demo = startDemo('--quick')
    const [, ...urls] = await demo.said(URLS, START_MS)
    demo.signal('SIGKILL')
    expect(await demo.ended()).toBe('SIGKILL')
    await until('its processes are gone', async () => (await Promise.all(urls.map(isDeaf))).every(Boolean))
    await until('its folder is gone', () => demo.leftovers().length === 0)
  })

  it('fails with the last words of a gateway that died', { timeout: 40_000 }, async () => {
    const demo = startDemo('--quick')
    await demo.said(URLS, START_MS)
    process.kill(demo.gatewayPid(), 'SIGKILL')
    expect(await demo.ended()).toBe(1)
    expect(demo.out()).toMatch(/NOT TRUE: the story came to its end \(the gateway ended by itself \(SIGKILL\)/)
    expect(demo.leftovers()).toEqual([])
  })

  it('ends by itself with 1, and says what was not true, when a client saw an error', { timeout: 80_000 }, async () => {
    const demo = startDemo('--quick')
    const [, v1 = ''] = await demo.said(URLS, START_MS)
    const seen = async () => (await (await fetch(`${v1}/toy/seen`)).json()) as Witness
    const deploy = (release: string) => fetch(`${v1}/toy/release`, { method: 'PUT', body: release })
    // The legacy itself fails for a moment: nobody can answer in its place.
    await deploy('2.2')
    const { users } = await seen()
    await until('users have asked meanwhile', async () => (await seen()).users > users + 5)
    await deploy('legacy')
    expect(await demo.ended()).toBe(1)
    expect(demo.out()).toMatch(/✗ NOT TRUE: client errors: [1-9]/)
    expect(demo.out()).toMatch(/of \d+ claims were NOT TRUE/)
    expect(demo.leftovers()).toEqual([])
  })
})
