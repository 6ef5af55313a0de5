/**
 * Gives every pair of threads that talk a port of their own.
 *
 * At each start of a thread its pairs get new channels, so a successor never shares a queue with the
 * dead. The other side closes its old port by itself: the far end went with the thread.
 */
import { MessageChannel } from 'node:worker_threads'
import type { PeerName } from '../core/model/messages.ts'
import type { SupervisedThread } from './thread.ts'

/** Data threads talk with control and compare, never with one another. */
export function talk(one: PeerName, other: PeerName): boolean {
  return one !== other && !(isData(one) && isData(other))
}

export function isData(name: PeerName): boolean {
  return name !== 'control' && name !== 'compare'
}

/** Connects a thread that has just started with all that run. */
export function connect(thread: SupervisedThread, others: readonly SupervisedThread[]): void {
  for (const other of others) {
    if (!other.running || !talk(thread.name, other.name)) continue
    const { port1, port2 } = new MessageChannel()
    thread.post({ kind: 'peer', peer: other.name, port: port1 }, [port1])
    other.post({ kind: 'peer', peer: thread.name, port: port2 }, [port2])
  }
}
