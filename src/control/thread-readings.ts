/** What the threads say of themselves in the gauges, for metrics. */
import type { PeerName, SharedMemory } from '../core/model/messages.ts'
import { controlRow, GAUGE_CLIENT_CONNECTIONS, GAUGE_HELD_BYTES, GAUGE_LOOP_LAG_MS, readGauge } from '../ledger/gauges.ts'
import { compareRegion } from '../ledger/layout.ts'

export interface ThreadReading {
  readonly name: string
  readonly up: boolean
  readonly loopLagMs: number
  readonly clientConnections: number
  readonly heldBytes: number
}

export function threadReadings(memory: SharedMemory, isUp: (thread: PeerName) => boolean): readonly ThreadReading[] {
  const data = Array.from({ length: memory.threads }, (_, index) => `data-${index}` as const)
  return [
    ...data.map((name, row) => reading(memory, name, row, isUp(name))),
    reading(memory, 'compare', compareRegion(memory), isUp('compare')),
    reading(memory, 'control', controlRow(memory), true),
  ]
}

function reading(memory: SharedMemory, name: PeerName, row: number, up: boolean): ThreadReading {
  return {
    name,
    up,
    loopLagMs: readGauge(memory, row, GAUGE_LOOP_LAG_MS),
    clientConnections: readGauge(memory, row, GAUGE_CLIENT_CONNECTIONS),
    heldBytes: readGauge(memory, row, GAUGE_HELD_BYTES),
  }
}
