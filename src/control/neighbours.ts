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
  return new ProcessNeighbours(options)
}

class ProcessNeighbours implements Neighbours {
  readonly peers: Peers
  readonly banks: Banks
  readonly #options: NeighboursOptions
  #draining = false
  #listening: boolean
  /** Whether "not ready" may be said: after a rebuild only once this control has been ready itself. */
  #mayDeny: boolean

  constructor(options: NeighboursOptions) {
    const { start, reader, tell, onLog, onAck } = options
    this.#options = options
    // At the first start main knows the port before anybody listens on it.
    this.#listening = options.rebuilt && start.dataPort !== null
    this.#mayDeny = !options.rebuilt
    this.peers = createPeers({ threads: start.memory.threads, onLog, onAck, askTimeoutMs: options.askTimeoutMs })
    this.banks = createBanks({
      count: start.memory.banks.length,
      ask: (bank) => tell({ kind: 'need-bank', bank }),
      onBank: (bank, memory) => reader.addBank(bank, memory),
      timeoutMs: options.bankTimeoutMs,
    })
  }

  receive(message: FromMain): void {
    switch (message.kind) {
      case 'peer':
        // The type of a port is lost in core/model, which knows no node types.
        return this.peers.connect(message.peer, message.port as MessagePort)
      case 'bank':
        return this.banks.arrived(message.bank, message.memory)
      case 'thread':
        return this.#threadChanged(message.thread, message.up, message.why)
      case 'data-port':
        this.#listening = true
        return this.passOnReadiness()
      case 'drain':
        this.#draining = true
        return this.passOnReadiness()
      case 'stop':
        return this.#options.onStop()
      default:
        message satisfies never
    }
  }

  ready(): Readiness {
    const acks = this.peers.acks()
    const acknowledged = acks.filter((ack) => ack !== null).length
    const configInForce = this.#options.configInForce()
    return readiness({ draining: this.#draining, configInForce, listening: this.#listening, threads: { acknowledged, of: acks.length } })
  }

  passOnReadiness(): void {
    const { ready } = this.ready()
    this.#mayDeny ||= ready || this.#draining
    if (this.#mayDeny) this.peers.setReady(ready)
  }

  threads(): { readonly data: number; readonly up: number; readonly compare: boolean } {
    const { data, compare } = this.peers.up()
    return { data: this.#options.start.memory.threads, up: data, compare }
  }

  close(): void {
    this.banks.close()
    this.peers.close()
  }

  #threadChanged(thread: PeerName, up: boolean, why: string): void {
    const { alerts } = this.#options
    const incident = `thread/${thread}`
    if (up) return alerts.resolve(incident, `thread ${thread} runs again`)
    this.peers.disconnect(thread)
    // Threads that end while draining are meant to.
    if (this.#draining) return
    alerts.raise({ severity: 'warning', incident, text: `thread ${thread} is down: ${why}`, route: null, evidence: null })
  }
}
