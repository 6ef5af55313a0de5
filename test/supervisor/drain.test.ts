import { describe, expect, test } from 'vitest'
import { ask, createStubGateway } from '../support/stub-gateway.ts'
import type { StubGateway } from '../support/stub-gateway.ts'
import { until } from '../support/until.ts'

async function started(options: Parameters<typeof createStubGateway>[0] = {}): Promise<StubGateway & { port: number }> {
  const gateway = createStubGateway(options)
  const ready = await gateway.start()
  if ('failed' in ready) throw new Error(ready.problems.join('; '))
  return { ...gateway, port: ready.port }
}

/** A request that is not answered before `/release`, and what came back: its text, or the error's code. */
async function hold(gateway: StubGateway & { port: number }): Promise<{ readonly answer: Promise<unknown> }> {
  const answer = ask(gateway.port, '/hold').then(
    ({ body }) => body['text'],
    (error: NodeJS.ErrnoException) => error.code,
  )
  const holds = async (index: number): Promise<boolean> => (await gateway.data(index, '/holding')).body['held'] === 1
  await until('a data thread holds it', async () => (await holds(0)) || (await holds(1)))
  return { answer }
}

describe('the drain', () => {
  test('lets what runs finish, then tells control to write out, then ends every thread', async () => {
    const gateway = await started({ drain: { delayMs: 500, graceMs: 10_000 } })
    const { answer } = await hold(gateway)
    let over = false
    const drained = gateway.supervisor.drain().then(() => (over = true))
    await until('everybody is told', () => gateway.traced().length === 3)
    expect(gateway.traced().toSorted()).toEqual(['control drain', 'data-0 drain 500 10000', 'data-1 drain 500 10000'])
    // The listeners are still open for the delay.
    await gateway.data(0, '/release')
    await gateway.data(1, '/release')
    expect(await answer).toBe('released')
    expect(over).toBe(false)
    await drained
    const lines = gateway.traced().slice(3)
    expect(lines.slice(0, 2).toSorted()).toEqual(['data-0 drained', 'data-1 drained'])
    expect(lines.slice(2)).toEqual(['control stop'])
    expect(gateway.logs.at(-1)).toMatch(/^info drained/)
  })

  test('cuts what still runs when the grace is over, and says which threads it cut', async () => {
    const gateway = await started({ drain: { delayMs: 0, graceMs: 200 } })
    const { answer } = await hold(gateway)
    const at = performance.now()
    await gateway.supervisor.drain()
    expect(performance.now() - at).toBeGreaterThanOrEqual(195)
    expect(await answer).toBe('ECONNRESET')
    expect(gateway.logs.at(-1)).toMatch(/^warn the grace is over \{"cut":\["data-\d"\]\}/)
  })

  test('uses the times of the last reload', async () => {
    const gateway = await started({ drain: { delayMs: 60_000, graceMs: 60_000 } })
    await gateway.control('/drain-times?delay=1&grace=9000')
    await gateway.control('/state')
    await gateway.supervisor.drain()
    expect(gateway.traced()).toContain('data-0 drain 1 9000')
  })

  test('is one, however often it is asked for', async () => {
    const gateway = await started()
    await Promise.all([gateway.supervisor.drain(), gateway.supervisor.drain()])
    await gateway.supervisor.drain()
    expect(gateway.traced().filter((line) => line === 'control drain')).toHaveLength(1)
  })

  test('does not wait for a control thread that never stops, and does not replace what dies meanwhile', async () => {
    const gateway = await started({ env: { STUB_NEVER_STOPS: '1' }, drain: { delayMs: 300, graceMs: 9_000 } })
    const over = gateway.supervisor.drain()
    await until('everybody is told', () => gateway.traced().length === 3)
    await gateway.data(1, '/die')
    await over
    expect(gateway.traced().at(-1)).toBe('control stop')
    expect(gateway.logs.filter((line) => line.includes('died'))).toEqual([expect.stringContaining('"restartInMs":null')])
  })

  test('before anything listens ends at once', async () => {
    const gateway = createStubGateway({ drain: { delayMs: 60_000, graceMs: 60_000 } })
    void gateway.start()
    await gateway.supervisor.drain()
    expect(gateway.traced()).toEqual([])
  })
})
