import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeers } from '../../src/control/peers.ts'
import type { Peers, PeersOptions } from '../../src/control/peers.ts'
import type { CompareToControl, ControlToCompare, ControlToData, DataToControl } from '../../src/core/model/messages.ts'
import type { Snapshot } from '../../src/core/model/snapshot.ts'
import { until } from '../support/wire/until.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0).toReversed()) clean()
})

interface Thread<In, Out> {
  readonly port: MessagePort
  readonly received: In[]
  send(message: Out): void
}

/** The far end of a port, as a thread would hold it. */
function thread<In, Out>(answer?: (message: In, send: (message: Out) => void) => void): Thread<In, Out> {
  const { port1, port2 } = new MessageChannel()
  const received: In[] = []
  const send = (message: Out): void => port2.postMessage(message)
  port2.on('message', (message: In) => {
    received.push(message)
    answer?.(message, send)
  })
  cleanups.push(() => port2.close())
  return { port: port1, received, send }
}

const dataThread = (): Thread<ControlToData, DataToControl> => thread()

function peers(options: Partial<PeersOptions> = {}): Peers {
  const made = createPeers({ threads: 2, onLog: () => {}, onAck: () => {}, askTimeoutMs: 30, ...options })
  cleanups.push(() => made.close())
  return made
}

/** Only its revision is looked at here. */
const snapshot = (revision: number): Snapshot => ({ revision }) as unknown as Snapshot

describe('the peers', () => {
  it('give a thread that comes late the latest snapshot and the readiness, and every later one', async () => {
    const made = peers()
    made.publish(snapshot(1))
    made.publish(snapshot(2))
    made.setReady(true)
    const late = dataThread()
    made.connect('data-1', late.port)
    made.publish(snapshot(3))
    await until('three messages', () => late.received.length === 3)
    expect(late.received).toEqual([
      { kind: 'snapshot', snapshot: { revision: 2 } },
      { kind: 'readiness', ready: true },
      { kind: 'snapshot', snapshot: { revision: 3 } },
    ])
  })

  it('say null for a thread that is not there, has said nothing yet, or was replaced', async () => {
    let acks = 0
    const made = peers({ onAck: () => acks++ })
    const first = dataThread()
    made.connect('data-0', first.port)
    expect(made.acks()).toEqual([null, null])
    first.send({ kind: 'ack', revision: 4, oldest: 3 })
    await until('the acknowledgement', () => acks === 1)
    expect(made.acks()).toEqual([{ revision: 4, oldest: 3 }, null])
    const second = dataThread()
    made.connect('data-0', second.port)
    expect(made.acks()).toEqual([null, null])
    second.send({ kind: 'ack', revision: 5, oldest: 5 })
    await until('the successor', () => acks === 2)
    made.disconnect('data-0')
    expect(made.acks()).toEqual([null, null])
    expect(made.up()).toEqual({ data: 0, compare: false })
  })

  it('hand on log lines with what was dropped', async () => {
    const lines: unknown[] = []
    const made = peers({ onLog: (some, dropped) => lines.push([some, dropped]) })
    const data = dataThread()
    made.connect('data-0', data.port)
    data.send({ kind: 'log', lines: ['{"a":1}'], dropped: 2 })
    await until('a line', () => lines.length === 1)
    expect(lines).toEqual([[['{"a":1}'], 2]])
  })

  it('ask compare and match answers to questions', async () => {
    const made = peers()
    const compare = thread<ControlToCompare, CompareToControl>((message, send) => {
      if (message.kind === 'ask-sample') send({ kind: 'sample', id: message.id, sample: null })
      if (message.kind === 'ask-findings') send({ kind: 'findings', id: message.id, findings: [{ route: message.route } as never] })
    })
    made.connect('compare', compare.port)
    const [orders, all, sample] = await Promise.all([made.findings('orders'), made.findings(null), made.sample('x')])
    expect([orders, all, sample]).toEqual([[{ route: 'orders' }], [{ route: null }], null])
  })

  it('answer with nothing when compare is silent, or not there', async () => {
    const made = peers()
    expect(await made.findings(null)).toEqual([])
    const silent = thread<ControlToCompare, CompareToControl>()
    made.connect('compare', silent.port)
    expect(await made.findings(null)).toEqual([])
    expect(await made.sample('x')).toBeNull()
    expect(silent.received.length).toBe(2)
  })
})
