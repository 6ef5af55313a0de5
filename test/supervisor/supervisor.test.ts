import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createReader } from '../../src/ledger/reader.ts'
import { inFlightOf, outcomeOf } from '../../src/ledger/totals.ts'
import { LANE_V2, OUTCOME_LOST } from '../../src/core/model/observation.ts'
import { createStubGateway } from '../support/stub-gateway.ts'
import type { StubGateway } from '../support/stub-gateway.ts'
import { until } from '../support/until.ts'

async function started(options: Parameters<typeof createStubGateway>[0] = {}): Promise<StubGateway & { port: number }> {
  const gateway = createStubGateway(options)
  const ready = await gateway.start()
  if ('failed' in ready) throw new Error(ready.problems.join('; '))
  return { ...gateway, port: ready.port }
}

/** The worker that answers this thread's ping to a peer now; fails while the port leads nowhere. */
async function pinged(gateway: StubGateway, from: number | 'control', peer: string): Promise<number> {
  const path = `/ping?peer=${peer}`
  const { body } = await (from === 'control' ? gateway.control(path) : gateway.data(from, path))
  if (body['error'] !== undefined) throw new Error(body['error'])
  return body.threadId
}

describe('the start', () => {
  test('gives every pair that talks a port, and the port the kernel chose to all data threads', async () => {
    const gateway = await started({ threads: 3 })
    expect(gateway.port).toBeGreaterThan(0)
    for (const index of [0, 1, 2]) {
      expect((await gateway.data(index, '/state')).body['peers']).toEqual(expect.arrayContaining(['control', 'compare']))
      expect((await gateway.data(index, '/state')).body['peers']).toHaveLength(2)
    }
    const { body } = await gateway.control('/state')
    expect(body['peers']).toEqual(expect.arrayContaining(['compare', 'data-0', 'data-1', 'data-2']))
    expect(body['dataPort']).toBe(gateway.port)
    expect(await pinged(gateway, 'control', 'data-2')).toBe((await gateway.data(2, '/state')).body.threadId)
    expect(await pinged(gateway, 1, 'compare')).toBe(await pinged(gateway, 'control', 'compare'))
  })

  test('that control refuses ends with its problems and its exit code, and leaves no thread', async () => {
    const gateway = createStubGateway({ env: { STUB_REFUSES: '1' } })
    expect(await gateway.start()).toEqual({
      failed: true,
      exitCode: 2,
      problems: ['gateway.yaml:1:1: nothing is right', 'gateway.yaml:2:1: nor here'],
    })
  })

  test('with a thread that dies names the thread and its error', async () => {
    const gateway = createStubGateway({ env: { STUB_DIES: '1' } })
    expect(await gateway.start()).toMatchObject({
      failed: true,
      exitCode: 1,
      problems: [expect.stringMatching(/^control could not start: Error: control dies in life 1/)],
    })
  })

  test('on an address that somebody else has says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const gateway = createStubGateway({ port: (other.address() as AddressInfo).port })
    expect(await gateway.start()).toMatchObject({
      failed: true,
      exitCode: 1,
      problems: [expect.stringMatching(/^data-\d could not start.*EADDRINUSE/)],
    })
  })

  test('does without the comparer', async () => {
    const gateway = await started({ modules: { compare: new URL('file:///nowhere/compare.ts') } })
    expect((await gateway.data(1, '/state')).body['peers']).toEqual(expect.arrayContaining(['control']))
    await until('the dead comparer is logged', () => gateway.logs.some((line) => line.startsWith('error compare died')))
  })
})

describe('a death', () => {
  test('of control leaves the data threads alive and joined to its successor', async () => {
    const gateway = await started()
    const [before, data] = [await pinged(gateway, 0, 'control'), (await gateway.data(0, '/state')).body.threadId]
    await gateway.control('/die')
    await until('data-0 and data-1 speak with a new control', async () => {
      const [zero, one] = [await pinged(gateway, 0, 'control'), await pinged(gateway, 1, 'control')]
      return zero === one && zero !== before && zero > 0
    })
    const { body } = await gateway.data(0, '/state')
    expect(body.threadId).toBe(data)
    expect(body['threads']).toEqual(expect.arrayContaining(['control down', 'control up']))
    expect(gateway.logs.some((line) => line.startsWith('error control died') && line.includes('told to die'))).toBe(true)
  })

  test('of control is repaired with what it must know: port, banks, config in force, who is up', async () => {
    const gateway = await started()
    expect((await gateway.control('/start')).body).toMatchObject({ dataPort: null, banks: 1, hash: null })
    await gateway.control('/need-bank?bank=2')
    await gateway.control('/config')
    const before = (await gateway.control('/state')).body.threadId
    await gateway.control('/die?how=exit')
    const { body } = await until('a new control answers', async () => {
      const state = await gateway.control('/state')
      return state.body.threadId !== before && state
    })
    expect((await gateway.control('/start')).body).toMatchObject({ dataPort: gateway.port, banks: 3, hash: 'abc' })
    expect(body['threads']).toEqual(expect.arrayContaining(['data-0 up', 'data-1 up', 'compare up']))
    expect(gateway.logs.some((line) => line.startsWith('error control died') && line.includes('exited with code 7'))).toBe(true)
  })

  test('of compare leaves everybody else alone', async () => {
    const gateway = await started()
    const before = await pinged(gateway, 0, 'compare')
    const control = (await gateway.control('/state')).body.threadId
    await gateway.control('/tell?peer=compare&what=now')
    await until('a new compare answers data and control', async () => {
      const ids = [await pinged(gateway, 0, 'compare'), await pinged(gateway, 1, 'compare'), await pinged(gateway, 'control', 'compare')]
      return new Set(ids).size === 1 && ids[0] !== before
    })
    expect((await gateway.control('/state')).body.threadId).toBe(control)
  })

  test('of a data thread books what it had in flight, gives back its connections, and is told to control', async () => {
    const gateway = await started({ threads: 2 })
    await gateway.data(1, '/begin?slot=5')
    await gateway.data(1, '/begin?slot=5')
    await gateway.data(1, '/connect')
    await gateway.data(0, '/begin?slot=5')
    const before = (await gateway.data(1, '/state')).body.threadId
    await gateway.data(1, '/die')
    const state = await until('data-1 is back', async () => {
      const { body } = await gateway.data(1, '/state')
      return body.threadId !== before && body
    })
    expect(state['banks']).toEqual([0])
    const threads = (await gateway.control('/state')).body['threads'] as unknown as string[]
    expect(threads.filter((line) => line.startsWith('data-1'))).toEqual(['data-1 up', 'data-1 down', 'data-1 up'])
    expect(gateway.logs.some((line) => line.startsWith('error data-1 died') && line.includes('"lost":2'))).toBe(true)
    const totals = createReader(gateway.supervisor.memory).slot(5)
    expect(outcomeOf(totals, LANE_V2, OUTCOME_LOST)).toBe(2)
    expect(inFlightOf(totals, LANE_V2)).toBe(1)
    expect(new Int32Array(gateway.supervisor.memory.connections)[3]).toBe(0)
  })

  test('by its own wish replaces a data thread', async () => {
    const gateway = await started()
    const before = (await gateway.data(1, '/state')).body.threadId
    await gateway.data(1, '/unusable')
    await until('data-1 is another', async () => (await gateway.data(1, '/state')).body.threadId !== before)
    expect(gateway.logs.some((line) => line.includes('three errors in ten seconds'))).toBe(true)
  })

  test('soon after a start waits a second before the next', async () => {
    const gateway = await started({ env: { STUB_DIES: '2' } })
    const before = await pinged(gateway, 0, 'control')
    const at = performance.now()
    await gateway.control('/die')
    await until('control died twice', () => gateway.logs.filter((line) => line.startsWith('error control died')).length === 2)
    expect(gateway.logs.filter((line) => line.includes('"restartInMs":1000'))).toHaveLength(1)
    await until('the third control answers', async () => (await pinged(gateway, 0, 'control')) !== before)
    expect(performance.now() - at).toBeGreaterThan(1_000)
  })

  test('of control whose successor refuses to start costs no data thread', async () => {
    const gateway = await started({ env: { STUB_REFUSES: '2' } })
    const [before, data] = [await pinged(gateway, 0, 'control'), (await gateway.data(0, '/state')).body.threadId]
    await gateway.control('/die')
    await until('the refusal is logged', () => gateway.logs.some((line) => line.includes('control refuses to start')))
    await until('a later control answers', async () => (await pinged(gateway, 0, 'control')) !== before)
    expect((await gateway.data(0, '/state')).body.threadId).toBe(data)
  })
})

describe('a bank', () => {
  test('that control needs reaches everybody, and one that exists only the asker', async () => {
    const gateway = await started()
    const banks = async (index: number) => (await gateway.data(index, '/state')).body['banks']
    await gateway.control('/need-bank?bank=1')
    await until('both data threads have it', async () => {
      return [await banks(0), await banks(1)].every((list) => JSON.stringify(list) === '[0,1]')
    })
    await gateway.control('/need-bank?bank=1')
    await until('control has it again', async () => JSON.stringify((await gateway.control('/state')).body['banks']) === '[0,1,1]')
    expect(await banks(0)).toEqual([0, 1])
    await gateway.data(0, '/begin?slot=100')
    expect(createReader(gateway.supervisor.memory).slot(100).started[LANE_V2]).toBe(1)
  })
})
