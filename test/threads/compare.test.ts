import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { Finding, Sample } from '../../src/core/model/finding.ts'
import type {
  CompareToControl,
  CompareToData,
  ControlToCompare,
  DataToCompare,
  FromMain,
  PeerName,
  SharedMemory,
  ToMain,
} from '../../src/core/model/messages.ts'
import { GAUGE_HEARTBEAT, readGauge } from '../../src/ledger/gauges.ts'
import { compareRegion } from '../../src/ledger/layout.ts'
import { createReader } from '../../src/ledger/reader.ts'
import { counterOf } from '../../src/ledger/totals.ts'
import { createMemory, withBank } from '../../src/supervisor/memory.ts'
import { batchOf, snapshotOf, type TestPair } from '../compare/pairs.ts'

const MODULE = new URL('../../src/threads/compare.ts', import.meta.url)
const DEADLINE_MS = 10_000

let stop: (() => Promise<void>) | null = null
afterEach(async () => {
  await stop?.()
  stop = null
})

/** The compare thread with ports to it, as main, control and the data threads hold them. */
class Thread {
  readonly worker: Worker
  readonly memory: SharedMemory
  readonly fromThread: ToMain[] = []
  readonly logs: Record<string, unknown>[] = []
  readonly taken = new Map<MessagePort, number>()
  readonly #ports: MessagePort[] = []
  readonly #answers = new Map<number, (message: CompareToControl) => void>()
  #asked = 0
  #control: MessagePort | null = null

  constructor(memory = createMemory(2)) {
    this.memory = memory
    this.worker = new Worker(MODULE, { workerData: { memory, storePath: '' } })
    this.worker.on('message', (message: ToMain) => this.fromThread.push(message))
    this.connectControl()
    stop = async () => {
      await this.worker.terminate()
      for (const port of this.#ports) port.close()
    }
  }

  tell(message: FromMain): void {
    this.worker.postMessage(message)
  }

  connect(peer: PeerName): MessagePort {
    const { port1, port2 } = new MessageChannel()
    this.worker.postMessage({ kind: 'peer', peer, port: port1 }, [port1])
    this.#ports.push(port2)
    return port2
  }

  connectControl(): void {
    this.#control = this.connect('control')
    this.#control.on('message', (message: CompareToControl) => {
      if (message.kind === 'log') this.logs.push(...message.lines.map((line) => JSON.parse(line) as Record<string, unknown>))
      else this.#answers.get(message.id)?.(message)
    })
  }

  connectData(peer: PeerName): MessagePort {
    const port = this.connect(peer)
    port.on('message', ({ bytes }: CompareToData) => this.taken.set(port, (this.taken.get(port) ?? 0) + bytes))
    return port
  }

  configure(...args: Parameters<typeof snapshotOf>): void {
    this.#control?.postMessage({ kind: 'snapshot', snapshot: snapshotOf(...args) } satisfies ControlToCompare)
  }

  send(port: MessagePort, ...pairs: readonly TestPair[]): number {
    const batch = batchOf(...pairs)
    const size = batch.bytes.byteLength
    port.postMessage({ kind: 'pairs', batch } satisfies DataToCompare, [batch.bytes])
    return size
  }

  async findings(route: string | null = null): Promise<readonly Finding[]> {
    const answer = await this.#ask((id) => ({ kind: 'ask-findings', id, route }))
    return answer.kind === 'findings' ? answer.findings : []
  }

  async sample(sample: string): Promise<Sample | null> {
    const answer = await this.#ask((id) => ({ kind: 'ask-sample', id, sample }))
    return answer.kind === 'sample' ? answer.sample : null
  }

  #ask(question: (id: number) => ControlToCompare): Promise<CompareToControl> {
    const id = ++this.#asked
    const { promise, resolve } = Promise.withResolvers<CompareToControl>()
    this.#answers.set(id, resolve)
    this.#control?.postMessage(question(id))
    return promise
  }
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('condition not met in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function counter(thread: Thread, slot: number, name: Parameters<typeof counterOf>[1]): number {
  return counterOf(createReader(thread.memory).slot(slot), name)
}

describe('the compare thread', () => {
  it('compares what data threads send, counts in its region, gives the bytes back, answers questions', async () => {
    const thread = new Thread()
    thread.configure({ orders: { ignore: ['/at'] } })
    await thread.findings()
    const one = thread.connectData('data-0')
    const two = thread.connectData('data-1')
    const sent = thread.send(one, { v1: '{"a":1}', v2: '{"a":2}' }, { v1: '{"a":1}', v2: '{"a":1.0}' })
    const sentToo = thread.send(two, { v1: '{"at":1}', v2: '{"at":2}' }, { v1: { body: '', complete: false }, v2: '' })
    await until(() => thread.taken.get(one) === sent && thread.taken.get(two) === sentToo)
    expect(counter(thread, 1, 'compare_match')).toBe(1)
    expect(counter(thread, 1, 'compare_mismatch')).toBe(1)
    expect(counter(thread, 1, 'compare_ignored')).toBe(1)
    expect(counter(thread, 1, 'compare_incomparable')).toBe(1)
    expect(counter(thread, 1, 'difference_value')).toBe(1)
    const findings = await thread.findings('orders')
    expect(findings).toMatchObject([{ route: 'orders', path: '/a', kind: 'value', count: 1, compared: 3, state: 'learning' }])
    expect(await thread.sample(findings[0]?.examples[0] ?? '')).toMatchObject({
      route: 'orders',
      v1: { body: '{"a":1}' },
      v2: { body: '{"a":2}' },
    })
    expect(await thread.sample('none')).toBeNull()
    await until(() => thread.logs.length > 0)
    expect(thread.logs).toMatchObject([{ level: 40, thread: 'compare', route: 'orders', reason: 'truncated', times: 1 }])
  })

  it('counts comparisons of the other threads as compared', async () => {
    const memory = createMemory(2)
    const thread = new Thread(memory)
    thread.configure({ orders: {} })
    await thread.findings()
    const { createRecorder } = await import('../../src/ledger/recorder.ts')
    const { counterId } = await import('../../src/core/model/observation.ts')
    const recorder = createRecorder(memory, 0)
    for (let i = 0; i < 799; i++) recorder.count(1, counterId('compare_match'))
    const data = thread.connectData('data-0')
    thread.send(data, { v1: '1', v2: '2' })
    await until(() => thread.taken.has(data))
    expect(await thread.findings()).toMatchObject([{ count: 1, compared: 800 }])
  })

  it('drops and counts what comes before the rules, and what does not fit', async () => {
    const thread = new Thread()
    const data = thread.connectData('data-0')
    let sent = thread.send(data, { v1: '{"a":1}', v2: '{"a":2}' })
    await until(() => thread.taken.get(data) === sent)
    expect(counter(thread, 1, 'compare_dropped')).toBe(1)
    thread.configure({ orders: {} })
    expect(await thread.findings()).toEqual([])
    sent += thread.send(data, { v1: 'x'.repeat(65 * 1024 * 1024), v2: '' })
    await until(() => thread.taken.get(data) === sent)
    expect(counter(thread, 1, 'compare_dropped')).toBe(2)
    await until(() => thread.logs.length > 0)
    expect(thread.logs[0]?.['msg']).toContain('dropped')
  })

  it('answers questions while it is busy', async () => {
    const thread = new Thread()
    thread.configure({ orders: {} })
    await thread.findings()
    const data = thread.connectData('data-0')
    const document = JSON.stringify(Array.from({ length: 300 }, (_, i) => ({ id: i, name: `n${i}` })))
    const pairs = Array.from({ length: 3_000 }, (_, i) => ({ v1: document, v2: document.replace('n299', `m${i}`) }))
    const sent = thread.send(data, ...pairs)
    // Asked after the batch, answered before its end.
    const [finding] = await thread.findings()
    expect(finding?.count ?? 0).toBeLessThan(3_000)
    expect(thread.taken.get(data)).toBeUndefined()
    await until(() => thread.taken.get(data) === sent)
    expect((await thread.findings())[0]).toMatchObject({ count: 3_000, state: 'regression' })
  })

  it('counts into banks that are added later', async () => {
    const thread = new Thread()
    const larger = withBank(thread.memory, 1)
    const [, memory] = larger.banks
    if (memory === undefined) throw new Error('no bank')
    thread.configure({ orders: {} }, { orders: 70 })
    const data = thread.connectData('data-0')
    await thread.findings()
    const sent = thread.send(data, { slot: 70, v1: '1', v2: '2' })
    await until(() => thread.taken.get(data) === sent)
    thread.tell({ kind: 'bank', bank: 1, memory })
    await until(() => counterOf(createReader(larger).slot(70), 'compare_mismatch') === 1)
  })

  it('a restarted control gets answers on its new port, a dead data thread’s successor owes nothing', async () => {
    const thread = new Thread()
    thread.configure({ orders: {} })
    await thread.findings()
    const old = thread.connectData('data-0')
    thread.send(old, { v1: '1', v2: '2' })
    await until(() => thread.taken.has(old))
    thread.tell({ kind: 'thread', thread: 'data-0', up: false, why: 'test' })
    const data = thread.connectData('data-0')
    thread.connectControl()
    thread.configure({ orders: {} })
    expect(await thread.findings()).toHaveLength(1)
    expect(thread.taken.has(data)).toBe(false)
    const sent = thread.send(data, { v1: '1', v2: '2' })
    await until(() => thread.taken.get(data) === sent)
    expect((await thread.findings())[0]?.count).toBe(2)
  })

  it('beats, goes on while draining, and says when it has stopped', async () => {
    const thread = new Thread()
    thread.configure({ orders: {} })
    await until(() => readGauge(thread.memory, compareRegion(thread.memory), GAUGE_HEARTBEAT) > 0)
    thread.tell({ kind: 'data-port', port: 1 })
    thread.tell({ kind: 'thread', thread: 'data-1', up: true, why: 'test' })
    thread.tell({ kind: 'drain', delayMs: 0, graceMs: 0 })
    const data = thread.connectData('data-0')
    const sent = thread.send(data, { v1: '1', v2: '2' })
    await until(() => thread.taken.get(data) === sent)
    expect(thread.fromThread).toEqual([])
    thread.tell({ kind: 'stop' })
    await until(() => thread.fromThread.length > 0)
    expect(thread.fromThread).toEqual([{ kind: 'drained' }])
  })
})
