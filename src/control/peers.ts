/**
 * The other threads as control sees them: a port each, what was published to them, how far they are.
 *
 * Ports come from main at every (re)start of a thread, in any order and at any time; whoever comes late
 * gets the latest snapshot at once. Nothing here is awaited: a thread that hangs only fails to acknowledge.
 */
import type { MessagePort } from 'node:worker_threads'
import type { Finding, Sample } from '../core/model/finding.ts'
import type { CompareToControl, ControlToCompare, ControlToData, DataToControl, PeerName } from '../core/model/messages.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { createAsks } from './asks.ts'
import type { Ack } from './slots.ts'

export interface PeersOptions {
  /** Data threads of the process. */
  readonly threads: number
  readonly onLog: (lines: readonly string[], dropped: number) => void
  readonly onAck: () => void
  readonly askTimeoutMs?: number | undefined
}

export interface Peers {
  connect(peer: PeerName, port: MessagePort): void
  /** The thread is gone: what it acknowledged counts no more. */
  disconnect(peer: PeerName): void
  publish(snapshot: Snapshot): void
  setReady(ready: boolean): void
  /** One entry a data thread; null = not connected, or nothing acknowledged yet. */
  acks(): readonly (Ack | null)[]
  /** Connected threads. */
  up(): { readonly data: number; readonly compare: boolean }
  isUp(peer: PeerName): boolean
  findings(route: string | null): Promise<readonly Finding[]>
  sample(id: string): Promise<Sample | null>
  close(): void
}

export function createPeers(options: PeersOptions): Peers {
  const data = createDataPeers(options)
  const compare = createComparePeer(options)
  return {
    connect: (peer, port) => (peer === 'compare' ? compare.connect(port) : data.connect(indexOf(peer), port)),
    disconnect: (peer) => (peer === 'compare' ? compare.disconnect() : data.disconnect(indexOf(peer))),
    publish: (snapshot) => {
      data.publish(snapshot)
      compare.publish(snapshot)
    },
    setReady: data.setReady,
    acks: data.acks,
    up: () => ({ data: data.count(), compare: compare.up() }),
    isUp: (peer) => (peer === 'compare' ? compare.up() : data.up(indexOf(peer))),
    findings: compare.findings,
    sample: compare.sample,
    close: () => {
      data.close()
      compare.close()
    },
  }
}

function indexOf(peer: PeerName): number {
  return Number(peer.slice('data-'.length))
}

interface DataPeer {
  readonly port: MessagePort
  ack: Ack | null
}

function createDataPeers({ threads, onLog, onAck }: PeersOptions) {
  const peers = new Map<number, DataPeer>()
  let latest: Snapshot | null = null
  // Not told before it is known: after control's own death the threads go on with what its predecessor said.
  let ready: boolean | null = null
  const send = (port: MessagePort, message: ControlToData): void => port.postMessage(message)

  function disconnect(index: number): void {
    peers.get(index)?.port.close()
    peers.delete(index)
  }

  return {
    connect: (index: number, port: MessagePort): void => {
      disconnect(index)
      const peer: DataPeer = { port, ack: null }
      peers.set(index, peer)
      port.on('message', (message: DataToControl) => {
        if (message.kind === 'log') return onLog(message.lines, message.dropped)
        peer.ack = { revision: message.revision, oldest: message.oldest }
        onAck()
      })
      if (latest !== null) send(port, { kind: 'snapshot', snapshot: latest })
      if (ready !== null) send(port, { kind: 'readiness', ready })
    },
    disconnect,
    publish: (snapshot: Snapshot): void => {
      latest = snapshot
      for (const { port } of peers.values()) send(port, { kind: 'snapshot', snapshot })
    },
    setReady: (now: boolean): void => {
      if (ready === now) return
      ready = now
      for (const { port } of peers.values()) send(port, { kind: 'readiness', ready: now })
    },
    acks: (): readonly (Ack | null)[] => Array.from({ length: threads }, (_, index) => peers.get(index)?.ack ?? null),
    count: (): number => peers.size,
    up: (index: number): boolean => peers.has(index),
    close: (): void => {
      for (const index of peers.keys()) disconnect(index)
    },
  }
}

function createComparePeer({ onLog, askTimeoutMs }: PeersOptions) {
  const findings = createAsks<readonly Finding[]>(askTimeoutMs)
  const samples = createAsks<Sample | null>(askTimeoutMs)
  let peer: MessagePort | null = null
  let latest: Snapshot | null = null

  /** False when there is nobody to send to. */
  function send(message: ControlToCompare): boolean {
    peer?.postMessage(message)
    return peer !== null
  }

  function receive(message: CompareToControl): void {
    switch (message.kind) {
      case 'log':
        return onLog(message.lines, message.dropped)
      case 'findings':
        return findings.answer(message.id, message.findings)
      case 'sample':
        return samples.answer(message.id, message.sample)
      default:
        message satisfies never
    }
  }

  function disconnect(): void {
    peer?.close()
    peer = null
  }

  return {
    connect: (port: MessagePort): void => {
      disconnect()
      peer = port
      port.on('message', receive)
      if (latest !== null) send({ kind: 'snapshot', snapshot: latest })
    },
    disconnect,
    publish: (snapshot: Snapshot): void => {
      latest = snapshot
      send({ kind: 'snapshot', snapshot })
    },
    up: (): boolean => peer !== null,
    findings: (route: string | null) => findings.ask((id) => send({ kind: 'ask-findings', id, route }), []),
    sample: (id: string) => samples.ask((ask) => send({ kind: 'ask-sample', id: ask, sample: id }), null),
    close: (): void => {
      disconnect()
      findings.close()
      samples.close()
    },
  }
}
