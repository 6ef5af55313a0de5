import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openNotes } from '../../src/control/notes.ts'
import { createSlotTable, MAX_NAMED_ROUTES } from '../../src/control/slots.ts'
import type { Ack, SlotPlan } from '../../src/control/slots.ts'
import { CONTROL_NOTES_CELLS, SLOTS_PER_BANK } from '../../src/core/model/routing.ts'

const memory = (): SharedArrayBuffer => new SharedArrayBuffer(4 * CONTROL_NOTES_CELLS)
const table = (notes: SharedArrayBuffer) => createSlotTable(openNotes(notes).slots)

function planned(plan: SlotPlan | null): SlotPlan {
  if (plan === null) throw new Error('the plan was refused')
  return plan
}

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'))

describe('the slot table', () => {
  it('keeps a name at its slot for as long as the name exists, and gives no slot to two names', () => {
    fc.assert(
      fc.property(fc.array(names, { maxLength: 12 }), (reloads) => {
        const slots = table(memory())
        let before: Readonly<Record<string, number>> = {}
        reloads.forEach((wanted, index) => {
          const plan = planned(slots.plan(wanted, 1))
          expect(Object.keys(plan.slots).toSorted()).toEqual(wanted.toSorted())
          expect(new Set(Object.values(plan.slots)).size).toBe(wanted.length)
          expect(Object.values(plan.slots)).not.toContain(0)
          for (const name of wanted) if (before[name] !== undefined) expect(plan.slots[name]).toBe(before[name])
          slots.published(plan, index + 1)
          slots.reclaim([{ revision: index + 1, oldest: index + 1 }])
          before = plan.slots
        })
      }),
    )
  })

  it('gives a retired slot to another name only when every thread is past the snapshot that had it', () => {
    const slots = table(memory())
    const first = planned(slots.plan(['a', 'b'], 1))
    slots.published(first, 10)
    const second = planned(slots.plan(['b'], 1))
    expect(second.retired).toEqual([first.slots['a']])
    slots.published(second, 11)

    const notYet: readonly (Ack | null)[][] = [
      [{ revision: 11, oldest: 11 }, null],
      [
        { revision: 11, oldest: 11 },
        { revision: 10, oldest: 10 },
      ],
      [
        { revision: 11, oldest: 11 },
        { revision: 11, oldest: 10 },
      ],
    ]
    for (const acks of notYet) expect(slots.reclaim(acks)).toEqual([])
    const all = [
      { revision: 11, oldest: 11 },
      { revision: 12, oldest: 11 },
    ]
    expect(slots.reclaim(all)).toEqual([first.slots['a']])
    expect(slots.reclaim(all)).toEqual([])
  })

  it('does not reclaim a slot whose name came back in time, and it is the same slot', () => {
    const slots = table(memory())
    const first = planned(slots.plan(['a'], 1))
    slots.published(first, 1)
    slots.published(planned(slots.plan([], 1)), 2)
    const again = planned(slots.plan(['a'], 1))
    slots.published(again, 3)
    expect(again.slots).toEqual(first.slots)
    expect(again.added).toEqual([])
    expect(slots.reclaim([{ revision: 3, oldest: 3 }])).toEqual([])
  })

  it('finds every name at its old slot after control was rebuilt, and retires what nobody wants any more', () => {
    const notes = memory()
    const before = planned(table(notes).plan(['a', 'b', 'c'], 1))
    const rebuilt = table(notes)
    const after = planned(rebuilt.plan(['c', 'new', 'a'], 1))
    expect(after.slots['a']).toBe(before.slots['a'])
    expect(after.slots['c']).toBe(before.slots['c'])
    expect(after.retired).toEqual([before.slots['b']])
    expect(after.slots['new']).not.toBe(before.slots['b'])
    expect(after.added).toEqual([after.slots['new']])
  })

  it('prefers a slot that never counted anything, then a reclaimed one, then one in a bank that is not there yet', () => {
    const slots = table(memory())
    const all = Array.from({ length: SLOTS_PER_BANK - 1 }, (_, index) => `r${index}`)
    const full = planned(slots.plan(all.slice(0, -1), 1))
    slots.published(full, 1)
    slots.published(planned(slots.plan(all.slice(1, -1), 1)), 2)
    const freed = slots.reclaim([{ revision: 2, oldest: 2 }])
    expect(freed).toEqual([full.slots['r0']])

    const fresh = planned(slots.plan([...all.slice(1, -1), 'fresh'], 1))
    expect(fresh.slots['fresh']).toBe(SLOTS_PER_BANK - 1)
    const reused = planned(slots.plan([...all.slice(1, -1), 'fresh', 'reused'], 1))
    expect([reused.slots['reused']]).toEqual(freed)
    expect(reused.banks).toBe(1)
    const beyond = planned(slots.plan([...all.slice(1, -1), 'fresh', 'reused', 'beyond'], 1))
    expect(beyond.slots['beyond']).toBe(SLOTS_PER_BANK)
    expect(beyond.banks).toBe(2)
  })

  it('refuses more names than there are slots', () => {
    const many = Array.from({ length: MAX_NAMED_ROUTES + 1 }, (_, index) => `r${index}`)
    const slots = table(memory())
    expect(slots.plan(many, 1)).toBeNull()
    expect(planned(slots.plan(many.slice(1), 1)).banks).toBe(16)
  })
})

describe('the notes', () => {
  it('number snapshots upwards over the death of control', () => {
    const notes = memory()
    const first = openNotes(notes)
    expect([first.lives, first.nextRevision(), first.nextRevision()]).toEqual([1, 1, 2])
    const second = openNotes(notes)
    expect([second.lives, second.nextRevision()]).toEqual([2, 3])
  })

  it('go on beyond 2^31 snapshots', () => {
    const notes = memory()
    new Int32Array(notes)[0] = 2 ** 31 - 1
    const opened = openNotes(notes)
    expect([opened.nextRevision(), opened.nextRevision()]).toEqual([2 ** 31, 2 ** 31 + 1])
  })
})
