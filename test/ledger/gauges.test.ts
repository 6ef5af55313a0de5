import { describe, expect, test } from 'vitest'
import {
  clearRow,
  controlRow,
  createGauges,
  GAUGE_HEARTBEAT,
  GAUGE_HELD_BYTES,
  GAUGE_INFLIGHT,
  readGauge,
  sumGauge,
} from '../../src/ledger/gauges.ts'
import { compareRegion } from '../../src/ledger/layout.ts'
import { createMemory } from '../../src/supervisor/memory.ts'

describe('gauges', () => {
  test('of one thread are read by another, and sum over the data threads only', () => {
    const memory = createMemory(2)
    const rows = [0, 1, compareRegion(memory), controlRow(memory)].map((row) => createGauges(memory, row))
    rows.forEach((gauges, index) => gauges.set(GAUGE_INFLIGHT, 10 + index))
    rows[1]!.add(GAUGE_INFLIGHT, -3)
    expect(rows[1]!.get(GAUGE_INFLIGHT)).toBe(8)
    expect(readGauge(memory, controlRow(memory), GAUGE_INFLIGHT)).toBe(13)
    expect(sumGauge(memory, GAUGE_INFLIGHT)).toBe(18)
  })

  test('the connections of all threads count against one cap, and a dead thread’s are given back', () => {
    const memory = createMemory(2)
    const [dead, alive] = [createGauges(memory, 0), createGauges(memory, 1)]
    expect(dead.connected(255)).toBe(1)
    expect(alive.connected(255)).toBe(2)
    expect(dead.connected(255)).toBe(3)
    alive.disconnected(255)
    expect(alive.connections(255)).toBe(2)
    dead.set(GAUGE_HELD_BYTES, 4_096)
    dead.beat()
    clearRow(memory, 0)
    clearRow(memory, 0)
    expect(alive.connections(255)).toBe(0)
    expect(readGauge(memory, 0, GAUGE_HELD_BYTES)).toBe(0)
    expect(readGauge(memory, 0, GAUGE_HEARTBEAT)).toBe(1)
  })
})
