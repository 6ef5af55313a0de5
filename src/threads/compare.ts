/**
 * The compare thread: takes pairs of answers from the data threads, answers control's questions.
 *
 * Nobody waits for it. It runs at a lower priority, its backlog is bounded, and when it dies its
 * successor starts with empty books while the counts go on in the ledger.
 */
import { randomBytes } from 'node:crypto'
import { setPriority } from 'node:os'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Backlog, BACKLOG_LIMITS, type Task } from '../compare/backlog.ts'
import { Compared } from '../compare/compared.ts'
import { createComparer } from '../compare/comparer.ts'
import { createLoop } from '../compare/loop.ts'
import { Notices } from '../compare/notices.ts'
import type {
  CompareStart,
  CompareToControl,
  CompareToData,
  ControlToCompare,
  DataToCompare,
  FromMain,
  PeerName,
  ToMain,
} from '../core/model/messages.ts'
import { createGauges } from '../ledger/gauges.ts'
import { compareRegion } from '../ledger/layout.ts'
import { createReader } from '../ledger/reader.ts'
import { createRecorder } from '../ledger/recorder.ts'
import { counterOf } from '../ledger/totals.ts'

const BEAT_MS = 500
/** Nice value: below everything that serves a request. */
const PRIORITY = 10

const { memory } = workerData as CompareStart
const region = compareRegion(memory)
const recorder = createRecorder(memory, region)
const reader = createReader(memory)
const gauges = createGauges(memory, region)
const peers = new Map<PeerName, MessagePort>()

const notices = new Notices(Date.now, (line) => tellControl({ kind: 'log', lines: [line], dropped: 0 }))
const compared = new Compared((slot) => {
  const totals = reader.slot(slot)
  return counterOf(totals, 'compare_match') + counterOf(totals, 'compare_mismatch') + counterOf(totals, 'compare_ignored')
})
const comparer = createComparer({
  count: (slot, counter) => recorder.count(slot, counter),
  comparedOn: (route) => compared.on(route),
  random: Math.random,
  sealKey: randomBytes(32),
  onIncomparable: (route, reason) => notices.warn('pairs of answers could not be compared', { route, reason }),
  // The message may quote the answer; name and place of the error do not.
  onFailure: (route, error) => notices.warn('comparing a pair failed', { route, error: placeOf(error) }),
})
const backlog = new Backlog<MessagePort>(BACKLOG_LIMITS)
const loop = createLoop(backlog, work, giveBack)

// On Linux a thread has a nice value of its own; elsewhere this would slow the whole process down.
if (process.platform === 'linux') lowerPriority()
setInterval(() => gauges.beat(), BEAT_MS)
parentPort?.on('message', receive)

function receive(message: FromMain): void {
  switch (message.kind) {
    case 'peer':
      return connect(message.peer, message.port as MessagePort)
    case 'bank':
      recorder.addBank(message.bank, message.memory)
      return reader.addBank(message.bank, message.memory)
    case 'thread':
      if (!message.up) disconnect(message.thread)
      return undefined
    case 'stop':
      // Findings and samples live in memory, so there is nothing to write out.
      loop.stop()
      return tellMain({ kind: 'drained' })
    case 'drain':
    case 'data-port':
      // Data threads still finish exchanges while they drain; their pairs are taken until `stop`.
      return undefined
    default:
      return message satisfies never
  }
}

function connect(peer: PeerName, port: MessagePort): void {
  disconnect(peer)
  peers.set(peer, port)
  if (peer === 'control') port.on('message', (message: ControlToCompare) => answer(message))
  else port.on('message', (message: DataToCompare) => take(message, port))
}

function disconnect(peer: PeerName): void {
  peers.get(peer)?.close()
  peers.delete(peer)
}

function take({ batch }: DataToCompare, sender: MessagePort): void {
  if (backlog.offer(batch, sender)) return loop.wake()
  for (const meta of batch.pairs) {
    comparer.drop(meta)
    notices.warn('pairs of answers were dropped: the comparer is behind', { route: meta.route })
  }
  giveBack(sender, batch.bytes.byteLength)
}

function work({ meta, bytes }: Task<MessagePort>): void {
  comparer.compare(meta, bytes)
}

function answer(message: ControlToCompare): void {
  switch (message.kind) {
    case 'snapshot':
      compared.configure(message.snapshot)
      return comparer.configure(message.snapshot)
    case 'ask-findings':
      return tellControl({ kind: 'findings', id: message.id, findings: comparer.findings(message.route) })
    case 'ask-sample':
      return tellControl({ kind: 'sample', id: message.id, sample: comparer.sample(message.sample) })
    default:
      return message satisfies never
  }
}

function tellControl(message: CompareToControl): void {
  peers.get('control')?.postMessage(message)
}

/** To the port, not to the name: the successor of a dead data thread never sent these bytes. */
function giveBack(sender: MessagePort, bytes: number): void {
  const message: CompareToData = { kind: 'taken', bytes }
  sender.postMessage(message)
}

function tellMain(message: ToMain): void {
  parentPort?.postMessage(message)
}

function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '))
  return `${error.name} ${frame?.trim() ?? ''}`
}

function lowerPriority(): void {
  try {
    setPriority(PRIORITY)
  } catch {
    // Not permitted here: comparing competes with serving on equal terms, which the bounds allow for.
  }
}
