/**
 * A data thread: accept → decide → forward → mirror. Everything it does is `src/proxy`; this is where it
 * is joined to the other threads.
 *
 * It waits for its first snapshot before it listens, and after that needs nobody: with control or compare
 * gone it goes on with the last snapshot and the routing words.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { ControlToData, DataStart, DataToControl, FromMain, PeerName, ToMain } from '../core/model/messages.ts'
import type { PairBatch } from '../core/model/pair.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { counterId } from '../core/model/observation.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import { createEngine } from '../proxy/engine.ts'
import type { Engine } from '../proxy/engine.ts'
import { createFaults } from '../proxy/faults.ts'

/** Bytes of pairs the compare thread may owe; above it they are dropped and counted, never queued. */
const OUTSTANDING_BYTES = 33_554_432
const HOUSEKEEPING_MS = 100
/** A thread that fails thrice in this time is not to be trusted with more requests. */
const UNUSABLE_GRACE_MS = 5_000

const start = workerData as DataStart
const memory = { ...start.memory, banks: [...start.memory.banks] }
const errorCounter = counterId('errors_internal')
const peers = new Map<PeerName, MessagePort>()
let engine: Engine | null = null
let outstanding = 0
let ready = false
let acknowledged = { revision: -1, oldest: -1 }
const faults = createFaults(() => performance.now())

parentPort?.on('message', (message: FromMain) => receive(message))
setInterval(housekeeping, HOUSEKEEPING_MS)
process.on('uncaughtException', (error) => onFault(error))
process.on('unhandledRejection', (error) => onFault(error))

function receive(message: FromMain): void {
  switch (message.kind) {
    case 'peer':
      // The type of a port is lost in core/model, which knows no node types.
      connect(message.peer, message.port as MessagePort)
      return
    case 'bank':
      memory.banks[message.bank] = message.memory
      engine?.ctx.recorder.addBank(message.bank, message.memory)
      return
    case 'thread':
      if (!message.up) disconnect(message.thread)
      return
    case 'drain':
      void drain(message.delayMs, message.graceMs)
      return
    case 'data-port':
    case 'stop':
      return
    default:
      message satisfies never
  }
}

function connect(peer: PeerName, port: MessagePort): void {
  disconnect(peer)
  peers.set(peer, port)
  if (peer === 'compare') {
    outstanding = 0
    port.on('message', (message: { readonly bytes: number }) => void (outstanding -= message.bytes))
  } else {
    acknowledged = { revision: -1, oldest: -1 }
    port.on('message', (message: ControlToData) => fromControl(message))
  }
}

function disconnect(peer: PeerName): void {
  peers.get(peer)?.close()
  peers.delete(peer)
}

function fromControl(message: ControlToData): void {
  switch (message.kind) {
    case 'snapshot':
      adopt(message.snapshot)
      return
    case 'readiness':
      ready = message.ready
      engine?.setReady(ready)
      return
    default:
      message satisfies never
  }
}

function adopt(snapshot: Snapshot): void {
  if (engine === null) void listen(snapshot)
  else engine.setSnapshot(snapshot)
  acknowledge(snapshot.revision)
}

async function listen(snapshot: Snapshot): Promise<void> {
  const { listen: where } = start
  engine = createEngine({
    snapshot,
    memory,
    region: start.index,
    listen: { host: where.host, port: where.port, socket: where.socket, reusePort: memory.threads > 1, tls: where.tls },
    pairs: sendPairs,
    onError: onFault,
  })
  engine.setReady(ready)
  try {
    tellMain({ kind: 'listening', port: await engine.listen() })
  } catch (error) {
    tellMain({ kind: 'unusable', why: describe(error) })
  }
}

function sendPairs(batch: PairBatch): boolean {
  const port = peers.get('compare')
  if (port === undefined || outstanding + batch.bytes.byteLength > OUTSTANDING_BYTES) return false
  outstanding += batch.bytes.byteLength
  port.postMessage({ kind: 'pairs', batch }, [batch.bytes])
  return true
}

/** Log lines go to control in batches; while control is away they wait, up to the batch's bound. */
function housekeeping(): void {
  if (engine === null) return
  const control = peers.get('control')
  if (control === undefined) return
  const batch = engine.ctx.accessLog.take()
  if (batch !== null) control.postMessage({ kind: 'log', ...batch } satisfies DataToControl)
  acknowledge(engine.ctx.runtime.snapshot.revision)
}

function acknowledge(revision: number): void {
  const oldest = Math.min(revision, engine?.oldestRevision() ?? revision)
  if (oldest === acknowledged.oldest && revision === acknowledged.revision) return
  const control = peers.get('control')
  if (control === undefined) return
  acknowledged = { revision, oldest }
  control.postMessage({ kind: 'ack', revision, oldest } satisfies DataToControl)
}

async function drain(delayMs: number, graceMs: number): Promise<void> {
  await engine?.drain(delayMs, graceMs)
  housekeeping()
  tellMain({ kind: 'drained' })
}

/** The exchange it happened in is already cut; here it is counted, and the thread judged. */
function onFault(error: unknown): void {
  engine?.ctx.recorder.count(GATEWAY_SLOT, errorCounter)
  engine?.ctx.accessLog.line({
    level: 50,
    time: Date.now(),
    msg: 'internal error in a data thread',
    thread: start.index,
    error: describe(error),
  })
  if (faults.note()) void giveUp()
}

async function giveUp(): Promise<void> {
  await engine?.drain(0, UNUSABLE_GRACE_MS)
  housekeeping()
  tellMain({ kind: 'unusable', why: 'three internal errors within ten seconds' })
}

function tellMain(message: ToMain): void {
  parentPort?.postMessage(message)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
