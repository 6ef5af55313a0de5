/** When the gateway itself ends tunnels: idle ones, and those on a v2 that is taken away. */
import { afterEach, describe, expect, it } from 'vitest'
import { resolved } from '../support/wire/config.ts'
import { value } from '../support/wire/message.ts'
import { until } from '../support/wire/until.ts'
import { hang } from '../support/proxy/scripts.ts'
import { COMPLETE, stages, type Stage, type StageOptions } from '../support/proxy/stage.ts'
import { echoBackend, Talker, upgradeHead, type EchoBackend } from '../support/proxy/websocket.ts'

const open = stages()
const backends: EchoBackend[] = []
/** Only an event can end a wait within a test. */
const PATIENT = { timeouts: { connectMs: 20_000, firstByteMs: 20_000, idleMs: 20_000, tunnelMs: 20_000 } }

afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close()
})

async function wired(options: StageOptions = {}): Promise<{ stage: Stage; v2: EchoBackend }> {
  const v2 = await echoBackend('v2')
  backends.push(v2)
  const stage = await open({
    word: COMPLETE,
    endpoints: { v2: resolved([v2.port], 10) },
    ...options,
    route: { ...PATIENT, ...options.route },
  })
  return { stage, v2 }
}

describe('the gateway ends tunnels', () => {
  it('that are idle, and not those that are not', async () => {
    const { stage, v2 } = await wired({ route: { timeouts: { ...PATIENT.timeouts, tunnelMs: 400 } } })
    const [idle, busy] = [new Talker(`ws://127.0.0.1:${stage.port}/`), new Talker(`ws://127.0.0.1:${stage.port}/`)]
    await until('both are open', () => idle.messages.length === 1 && busy.messages.length === 1)
    let echoes = 0
    while (!idle.closed) {
      busy.send('ping')
      echoes++
      await until('its echo', () => busy.messages.length > echoes)
    }
    expect([busy.closed, v2.sockets.size]).toEqual([false, 1])
    busy.leave()
  })

  it('on a v2 that is taken away, spread over no more than five seconds, and leaves v1’s alone', async () => {
    const { stage, v2 } = await wired({ word: { stage: 'canary', weightBps: 9_000 } })
    const v1 = await echoBackend('v1')
    backends.push(v1)
    stage.publish({ endpoints: { ...stage.snapshot.endpoints, v1: resolved([v1.port], 1) } })
    // Without a key a request is v1's.
    const stays = new Talker(`ws://127.0.0.1:${stage.port}/`)
    const going = Array.from({ length: 24 }, () => new Talker(`ws://127.0.0.1:${stage.port}/`, { 'X-User-Id': 'alice' }))
    await until('all are open', () => [stays, ...going].every((talker) => talker.messages.length === 1))
    expect([v1.sockets.size, v2.sockets.size]).toEqual([1, 24])
    const started = performance.now()
    stage.setWord({ stage: 'canary', weightBps: 9_000, latched: true })
    const ends: number[] = []
    for (const talker of going) talker.socket.on('close', () => ends.push(performance.now() - started))
    await until('all of v2’s are closed', () => ends.length === 24, 7_000)
    expect(Math.max(...ends)).toBeLessThan(5_200)
    // Spread: not all in the first second, nor in any other.
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(1_500)
    expect([stays.closed, v1.sockets.size]).toEqual([false, 1])
    stays.leave()
  }, 20_000)

  it('that still wait for their 101 when v2 is taken away', async () => {
    const stage = await open({ word: COMPLETE, v2: hang, route: PATIENT })
    const client = stage.client()
    await client.send(upgradeHead('/ws'))
    await until('v2 has it', () => stage.v2.requests.length === 1)
    stage.setWord({ ...COMPLETE, latched: true })
    const answer = await client.answer()
    expect([answer.status, value(answer, 'retry-after')]).toEqual([503, '1'])
    // Nobody is blamed: v2 was given no time to answer.
    expect(stage.counted('v2')).toEqual({ aborted: 1 })
  })
})
