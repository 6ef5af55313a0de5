import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SharedMemory } from '../../src/core/model/messages.ts'
import {
  ASSIGNED_BY_BUCKET,
  ASSIGNED_OTHERWISE,
  COUNTERS,
  counterId,
  LANE_FALLBACK,
  LANE_MIRROR,
  LANE_V1,
  LANE_V2,
  LANES,
  OUTCOMES,
  outcomeOfStatus,
  REJECTIONS,
  REPAIRS,
} from '../../src/core/model/observation.ts'
import { bankBytes, compareRegion, mapRegion, slotCell, STARTED } from '../../src/ledger/layout.ts'
import { createReader } from '../../src/ledger/reader.ts'
import { createRecorder } from '../../src/ledger/recorder.ts'
import { counterOf, failuresOf, finishedOf, inFlightOf, laneId, outcomeOf, since } from '../../src/ledger/totals.ts'
import { createMemory, withBank } from '../../src/supervisor/memory.ts'

const OK = outcomeOfStatus(200)
const BROKEN = outcomeOfStatus(503)

/** Every cell of a region set to one value: counters about to wrap. */
function preset(memory: SharedMemory, region: number, value: number): void {
  for (const bank of memory.banks) mapRegion(bank, region).cells.fill(value)
}

describe('what recorders count', () => {
  test('a reader finds, summed over all threads, in the same cells', () => {
    const call = fc.record({
      region: fc.integer({ min: 0, max: 2 }),
      slot: fc.integer({ min: 0, max: 127 }),
      lane: fc.integer({ min: 0, max: LANES.length - 1 }),
      assigned: fc.integer({ min: 0, max: 1 }),
      outcome: fc.integer({ min: 0, max: OUTCOMES.length - 1 }),
      counter: fc.integer({ min: 0, max: COUNTERS.length - 1 }),
    })
    fc.assert(
      fc.property(fc.array(call, { maxLength: 120 }), (calls) => {
        const memory = withBank(createMemory(2), 1)
        const recorders = [0, 1, 2].map((region) => createRecorder(memory, region))
        const reader = createReader(memory)
        const expected = new Map<string, number>()
        const note = (key: string) => expected.set(key, (expected.get(key) ?? 0) + 1)
        for (const { region, slot, lane, assigned, outcome, counter } of calls) {
          recorders[region]!.started(slot, lane)
          recorders[region]!.finished(slot, lane, assigned, outcome, 5, 7)
          recorders[region]!.count(slot, counter)
          note(`o ${slot} ${lane} ${assigned} ${outcome}`)
          note(`c ${slot} ${counter}`)
          if (calls.length % 3 === 0) reader.slot(slot)
        }
        for (const [key, count] of expected) {
          const [kind, slot = 0, lane = 0, assigned = 0, outcome = 0] = key
            .split(' ')
            .map((part, index) => (index === 0 ? part : Number(part)))
          const totals = reader.slot(Number(slot))
          if (kind === 'o') expect(outcomeOf(totals, Number(lane), Number(outcome), Number(assigned))).toBe(count)
          else expect(totals.counters[Number(lane)]).toBe(count)
        }
        for (let slot = 0; slot < 128; slot++) {
          const totals = reader.slot(slot)
          const ofSlot = calls.filter((each) => each.slot === slot)
          expect(totals.outcomes.reduce((sum, count) => sum + count, 0)).toBe(ofSlot.length)
          LANES.forEach((_, lane) => expect(finishedOf(totals, lane)).toBe(ofSlot.filter((each) => each.lane === lane).length))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('failures are the outcomes that are the backend’s fault, of one class or of both', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    OUTCOMES.forEach((_, outcome) => recorder.finished(3, LANE_V2, ASSIGNED_BY_BUCKET, outcome, -1, -1))
    recorder.finished(3, LANE_V2, ASSIGNED_OTHERWISE, BROKEN, -1, -1)
    const totals = createReader(memory).slot(3)
    expect(failuresOf(totals, LANE_V2, ASSIGNED_BY_BUCKET)).toBe(6)
    expect(failuresOf(totals, LANE_V2)).toBe(7)
    expect(failuresOf(totals, LANE_V1)).toBe(0)
    expect(finishedOf(totals, LANE_V2, ASSIGNED_BY_BUCKET)).toBe(OUTCOMES.length)
  })

  test('in flight is started minus finished, and a mirror is nobody’s', () => {
    const memory = withBank(createMemory(1), 1)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    recorder.started(1, LANE_V1)
    recorder.started(70, LANE_V2)
    recorder.started(70, LANE_FALLBACK)
    recorder.started(70, LANE_MIRROR)
    recorder.finished(70, LANE_FALLBACK, ASSIGNED_OTHERWISE, OK, 1, 1)
    expect(reader.inFlight()).toBe(2)
    expect(inFlightOf(reader.slot(70), LANE_MIRROR)).toBe(1)
    recorder.finished(70, LANE_V2, ASSIGNED_OTHERWISE, OK, 1, 1)
    expect(reader.inFlight()).toBe(1)
  })

  test('latency and duration have histograms and sums of their own, and below zero counts in neither', () => {
    const memory = createMemory(2)
    createRecorder(memory, 0).finished(5, LANE_V2, ASSIGNED_BY_BUCKET, OK, 10, 2_000)
    createRecorder(memory, 1).finished(5, LANE_V2, ASSIGNED_BY_BUCKET, OK, 20.5, -1)
    createRecorder(memory, 1).finished(5, LANE_V2, ASSIGNED_BY_BUCKET, BROKEN, -1, 1)
    createRecorder(memory, 1).finished(5, LANE_V1, ASSIGNED_BY_BUCKET, OK, 99, 99)
    const reader = createReader(memory)
    expect(reader.latency(5, LANE_V2)).toMatchObject({ count: 2, sumMs: 30.5 })
    expect(reader.duration(5, LANE_V2)).toMatchObject({ count: 2, sumMs: 2_001 })
    expect(reader.latency(5, LANE_V1)).toMatchObject({ count: 1, sumMs: 99 })
    expect(reader.latency(6, LANE_V2)).toMatchObject({ count: 0, sumMs: 0 })
  })

  test('refusals and repairs belong to the gateway, not to a slot', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    recorder.rejected(REJECTIONS.indexOf('no_backend'))
    recorder.rejected(REJECTIONS.indexOf('bad_request'))
    recorder.repaired(0, REPAIRS.indexOf('chunk_size_space'))
    recorder.repaired(1, REPAIRS.indexOf('obs_fold'))
    recorder.repaired(1, REPAIRS.indexOf('obs_fold'))
    const { rejections, repairs } = reader.gateway()
    expect([...rejections]).toEqual(REJECTIONS.map((name) => (name === 'no_backend' || name === 'bad_request' ? 1 : 0)))
    expect([...repairs.v1]).toEqual(REPAIRS.map((name) => (name === 'chunk_size_space' ? 1 : 0)))
    expect([...repairs.v2]).toEqual(REPAIRS.map((name) => (name === 'obs_fold' ? 2 : 0)))
    expect(reader.slot(0).outcomes.every((count) => count === 0)).toBe(true)
  })

  test('a counter that does not exist touches nothing', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    recorder.count(1, -1)
    recorder.count(1, COUNTERS.length)
    expect(mapRegion(memory.banks[0]!, 0).cells.every((cell) => cell === 0)).toBe(true)
  })
})

describe('a reader', () => {
  test('goes on through the wrap of every cell at 2^32', () => {
    const memory = createMemory(1)
    preset(memory, 0, 2 ** 32 - 2)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    const before = reader.slot(9)
    const latencyBefore = reader.latency(9, LANE_V2).count
    const rejectedBefore = reader.gateway().rejections[0]!
    for (let n = 0; n < 5; n++) {
      recorder.started(9, LANE_V2)
      recorder.finished(9, LANE_V2, ASSIGNED_BY_BUCKET, OK, 3, 4)
      recorder.count(9, counterId('retries'))
      recorder.rejected(0)
    }
    const delta = since(reader.slot(9), before)
    expect(finishedOf(delta, LANE_V2)).toBe(5)
    expect(delta.started[LANE_V2]).toBe(5)
    expect(counterOf(delta, 'retries')).toBe(5)
    expect(reader.latency(9, LANE_V2).count - latencyBefore).toBe(5)
    expect(reader.gateway().rejections[0]! - rejectedBefore).toBe(5)
  })

  test('reads histograms unasked before one of their cells could wrap unseen', () => {
    const memory = createMemory(1)
    const reader = createReader(memory)
    const recorder = createRecorder(memory, 0)
    const { cells } = mapRegion(memory.banks[0]!, 0)
    let expected = 0
    // Five leaps of 2^30 requests: past 2^32 in all, the histogram asked for only at the end.
    for (let leap = 0; leap < 5; leap++) {
      recorder.finished(2, LANE_V1, ASSIGNED_BY_BUCKET, OK, 1, -1)
      for (const [cell, count] of cells.entries()) if (count > 0) cells[cell] = count + 2 ** 30
      expected += 1 + 2 ** 30
      reader.slot(2)
    }
    expect(reader.latency(2, LANE_V1).count).toBe(expected)
  })

  test('sees a cell that became visible after its change counter', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    recorder.started(4, LANE_V1)
    const { cells } = mapRegion(memory.banks[0]!, 0)
    const cell = slotCell(4) + STARTED + LANE_V1
    cells[cell] = 0
    expect(reader.slot(4).started[LANE_V1]).toBe(0)
    cells[cell] = 1
    expect(reader.slot(4).started[LANE_V1]).toBe(1)
  })

  test('gives values: an earlier one does not change with later counts', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    recorder.started(1, LANE_V1)
    const early = reader.slot(1)
    recorder.started(1, LANE_V1)
    expect(reader.slot(1).started[LANE_V1]).toBe(2)
    expect(early.started[LANE_V1]).toBe(1)
  })

  test('a slot with a new owner begins at zero, the others keep their counts', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    for (const slot of [1, 2]) recorder.finished(slot, LANE_V1, ASSIGNED_BY_BUCKET, OK, 10, 20)
    reader.forget(1)
    expect(finishedOf(reader.slot(1), LANE_V1)).toBe(0)
    expect(reader.latency(1, LANE_V1)).toMatchObject({ count: 0, sumMs: 0 })
    recorder.finished(1, LANE_V1, ASSIGNED_BY_BUCKET, OK, 5, 6)
    reader.forget(3)
    expect(reader.latency(1, LANE_V1)).toMatchObject({ count: 1, sumMs: 5 })
    expect(reader.duration(1, LANE_V1)).toMatchObject({ count: 1, sumMs: 6 })
    expect(reader.latency(2, LANE_V1)).toMatchObject({ count: 1, sumMs: 10 })
  })

  test('a slot whose bank does not exist yet counts nothing', () => {
    const reader = createReader(createMemory(1))
    expect(finishedOf(reader.slot(500), LANE_V1)).toBe(0)
    expect(reader.latency(500, LANE_V1)).toMatchObject({ count: 0, sumMs: 0 })
    expect(() => reader.forget(500)).not.toThrow()
  })
})

describe('a bank that arrives late', () => {
  test('takes over what was counted before it came, in flight included', () => {
    const small = createMemory(1)
    const grown = withBank(small, 2)
    const recorder = createRecorder(small, 0)
    recorder.started(130, LANE_V2)
    recorder.started(130, LANE_V2)
    recorder.finished(130, LANE_V2, ASSIGNED_BY_BUCKET, OK, 8, 9)
    recorder.addBank(2, grown.banks[2]!)
    recorder.finished(130, LANE_V2, ASSIGNED_BY_BUCKET, BROKEN, 1, 1)
    const reader = createReader(small)
    reader.addBank(2, grown.banks[2]!)
    const totals = reader.slot(130)
    expect(totals.started[LANE_V2]).toBe(2)
    expect(inFlightOf(totals, LANE_V2)).toBe(0)
    expect(reader.latency(130, LANE_V2)).toMatchObject({ count: 2, sumMs: 9 })
  })

  test('is the same bank when it comes twice', () => {
    const memory = createMemory(1)
    const recorder = createRecorder(memory, 0)
    const reader = createReader(memory)
    recorder.started(1, LANE_V1)
    recorder.addBank(0, memory.banks[0]!)
    expect(reader.slot(1).started[LANE_V1]).toBe(1)
    reader.addBank(0, memory.banks[0]!)
    expect(reader.slot(1).started[LANE_V1]).toBe(1)
  })

  test('has the size of all regions, and banks are only ever added', () => {
    const memory = createMemory(3)
    expect(memory.banks[0]!.byteLength).toBe(bankBytes(3))
    const grown = withBank(memory, 2)
    expect(grown.banks).toHaveLength(3)
    expect(grown.banks[0]).toBe(memory.banks[0])
    expect(withBank(grown, 1)).toBe(grown)
    expect(withBank(grown, 16)).toBe(grown)
    expect(compareRegion(memory)).toBe(3)
  })
})

test('lanes are found by name', () => {
  expect(LANES.map(laneId)).toEqual([0, 1, 2, 3, 4])
})
