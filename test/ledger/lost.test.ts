import { describe, expect, test } from 'vitest'
import { ASSIGNED_BY_BUCKET, LANE_MIRROR, LANE_V1, LANE_V2, OUTCOME_LOST, outcomeOfStatus } from '../../src/core/model/observation.ts'
import { mapRegion, slotCell, STARTED } from '../../src/ledger/layout.ts'
import { bookLost } from '../../src/ledger/lost.ts'
import { createReader } from '../../src/ledger/reader.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import { inFlightOf, outcomeOf } from '../../src/ledger/totals.ts'
import { createMemory, withBank } from '../../src/supervisor/memory.ts'

const OK = outcomeOfStatus(200)

describe('what a dead thread had in flight', () => {
  test('is booked as lost once, per lane and slot, and its successor continues the region', () => {
    const memory = withBank(createMemory(2), 1)
    const dead = createRecorder(memory, 1)
    const alive = createRecorder(memory, 0)
    const reader = createReader(memory)
    for (let n = 0; n < 3; n++) dead.started(7, LANE_V2)
    dead.finished(7, LANE_V2, ASSIGNED_BY_BUCKET, OK, 1, 1)
    dead.started(100, LANE_MIRROR)
    alive.started(7, LANE_V2)
    reader.slot(7)
    expect(bookLost(memory, 1)).toBe(3)
    expect(bookLost(memory, 1)).toBe(0)
    const totals = reader.slot(7)
    expect(outcomeOf(totals, LANE_V2, OUTCOME_LOST)).toBe(2)
    expect(inFlightOf(totals, LANE_V2)).toBe(1)
    expect(outcomeOf(reader.slot(100), LANE_MIRROR, OUTCOME_LOST)).toBe(1)
    createRecorder(memory, 1).started(7, LANE_V2)
    expect(inFlightOf(reader.slot(7), LANE_V2)).toBe(2)
  })

  test('is found across the wrap', () => {
    const memory = createMemory(1)
    const { cells } = mapRegion(memory.banks[0]!, 0)
    const recorder = createRecorder(memory, 0)
    recorder.finished(1, LANE_V1, ASSIGNED_BY_BUCKET, OK, -1, -1)
    cells[slotCell(1) + OK] = 2 ** 32 - 1
    cells[slotCell(1) + STARTED + LANE_V1] = 1
    expect(bookLost(memory, 0)).toBe(2)
  })
})
