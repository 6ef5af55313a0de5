/**
 * The rest of the process as control hears of it: main's messages, the other threads' ports, memory on request.
 */
import type { MessagePort } from 'node:worker_threads'
import type { ControlStart, FromMain, PeerName, ToMain } from '../core/model/messages.ts'
import type { Reader } from '../ledger/reader.ts'
import type { AlertSink } from './announce.ts'
import { createBanks } from './banks.ts'
import type { Banks } from './banks.ts'
import { createPeers } from './peers.ts'
import type { Peers } from './peers.ts'
import { readiness } from './readiness.ts'
import type { Readiness } from './readiness.ts'

export interface NeighboursOptions {
  readonly start: Pick<ControlStart, 'memory' | 'dataPort'>
  /** An earlier control thread served this process: what it told the others stands until we know better. */
  readonly rebuilt: boolean
  readonly reader: Pick<Reader, 'addBank'>
  readonly alerts: AlertSink
  readonly configInForce: () => boolean
  readonly tell: (message: ToMain) => void
  readonly onLog: (lines: readonly string[], dropped: number) => void
  readonly onAck: () => void
  /** Main wants everything written and closed. */
  readonly onStop: () => void
  readonly askTimeoutMs?: number | undefined
  readonly bankTimeoutMs?: number | undefined
}

export interface Neighbours {
  readonly peers: Peers
  readonly banks: Banks
  receive(message: FromMain): void
  ready(): Readiness
  /** Tells the data threads about readiness when it has changed. */
  passOnReadiness(): void
  threads(): { readonly data: number; readonly up: number; readonly compare: boolean }
  close(): void
}

export function createNeighbours(options: NeighboursOptions): Neighbours {
  const { start, alerts, reader, tell, onLog, onAck } = options
  const { threads, banks: startBanks } = start.memory
  const peers = createPeers({ threads, onLog, onAck, askTimeoutMs: options.askTimeoutMs })
  const banks = createBanks({
    count: startBanks.length,
    ask: (bank) => tell({ kind: 'need-bank', bank }),
    onBank: (bank, memory) => reader.addBank(bank, memory),
    timeoutMs: options.bankTimeoutMs,
  })
  let draining = false
  let listening = start.dataPort !== null
  /** Whether "not ready" may be said: after a rebuild only once we have been ready ourselves. */
  let mayDeny = !options.rebuilt

  function ready(): Readiness {
    const acknowledged = peers.acks().filter((ack) => ack !== null).length
    return readiness({ draining, configInForce: options.configInForce(), listening, threads: { acknowledged, of: threads } })
  }

  function passOnReadiness(): void {
    const now = ready().ready
    mayDeny ||= now || draining
    if (now || mayDeny) peers.setReady(now)
  }

  function threadChanged(thread: PeerName, up: boolean, why: string): void {
    if (up) return alerts.resolve(`thread/${thread}`, `thread ${thread} runs again`)
    peers.disconnect(thread)
    alerts.raise({
      severity: 'warning',
      incident: `thread/${thread}`,
      text: `thread ${thread} is down: ${why}`,
      route: null,
      evidence: null,
    })
  }

  function receive(message: FromMain): void {
    switch (message.kind) {
      case 'peer':
        // The type of a port is lost in core/model, which knows no node types.
        return peers.connect(message.peer, message.port as MessagePort)
      case 'bank':
        return banks.arrived(message.bank, message.memory)
      case 'thread':
        return threadChanged(message.thread, message.up, message.why)
      case 'data-port':
        listening = true
        return passOnReadiness()
      case 'drain':
        draining = true
        return passOnReadiness()
      case 'stop':
        return options.onStop()
      default:
        message satisfies never
    }
  }

  return {
    peers,
    banks,
    receive,
    ready,
    passOnReadiness,
    threads: () => ({ data: threads, up: peers.up().data, compare: peers.up().compare }),
    close: () => {
      banks.close()
      peers.close()
    },
  }
}
