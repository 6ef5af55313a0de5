import { afterEach, describe, expect, it } from 'vitest'
import { createBoard } from '../../src/control/board.ts'
import { openNotes } from '../../src/control/notes.ts'
import { createPublisher } from '../../src/control/publisher.ts'
import type { Publisher, PublisherInput } from '../../src/control/publisher.ts'
import type { Ack } from '../../src/control/slots.ts'
import { openWords } from '../../src/control/words.ts'
import type { GatewayConfig, RouteConfig } from '../../src/core/model/config.ts'
import type { AppliedRoute, ControlState, GroupState } from '../../src/core/model/control.ts'
import { CONTROL_NOTES_CELLS, LATCHED, LIVE, MAX_ROUTES, SLOTS_PER_BANK, weightOf } from '../../src/core/model/routing.ts'
import type { Snapshot } from '../../src/core/model/snapshot.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const match = (path: string): AppliedRoute['match'] => ({ path, methods: [], host: null, header: {} })

const group = (changes: Partial<GroupState> = {}): GroupState => ({
  stage: 'canary',
  wantedBps: 1_000,
  beforeTripBps: 0,
  latch: null,
  epoch: 0,
  trips: [],
  resalt: '',
  changedAt: 0,
  firstStepBps: 100,
  removedAt: null,
  ...changes,
})

/** Only what the publisher looks at. */
const route = (name: string): RouteConfig =>
  ({ name, group: name, match: match(`/${name}`), mirror: { sample: 100 } }) as unknown as RouteConfig

function input(names: readonly string[], groups: ControlState['groups'] = {}): () => PublisherInput {
  const all = { ...Object.fromEntries(names.map((name) => [name, group()])), ...groups }
  const state: ControlState = { revision: 1, groups: all, killed: null, ceiling: { env: null, file: null, redis: null }, applied: null }
  const config = { routes: names.map(route) } as unknown as GatewayConfig
  return () => ({ config, state, endpoints: { v1: [], v2: [] } })
}

interface World {
  readonly publisher: Publisher
  readonly published: Snapshot[]
  /** Words as they were when the last snapshot went out. */
  readonly wordsThen: number[]
  readonly acks: (Ack | null)[]
  readonly reused: number[]
  readonly asked: number[]
  readonly main: { banks: number; gives: () => Promise<boolean> }
  readonly word: (slot: number) => number
}

function world(notes = new SharedArrayBuffer(4 * CONTROL_NOTES_CELLS), memory = new SharedArrayBuffer(4 * MAX_ROUTES)): World {
  const words = openWords(memory)
  const board = createBoard(words, () => 0)
  closing.push(() => board.close())
  const published: Snapshot[] = []
  const wordsThen: number[] = []
  const acks: (Ack | null)[] = [null]
  const reused: number[] = []
  const asked: number[] = []
  const main = {
    banks: 1,
    gives: (): Promise<boolean> => {
      main.banks++
      return Promise.resolve(true)
    },
  }
  const publisher = createPublisher({
    notes: openNotes(notes),
    board,
    peers: {
      publish: (snapshot) => {
        published.push(snapshot)
        wordsThen.splice(0, Infinity, ...new Int32Array(memory))
      },
      acks: () => acks,
    },
    banks: () => main.banks,
    needBank: (bank) => {
      asked.push(bank)
      return main.gives()
    },
    onReused: (slots) => reused.push(...slots),
    onPublished: () => {},
  })
  return { publisher, published, wordsThen, acks, reused, asked, main, word: (slot) => words.read(slot) }
}

describe('the publisher', () => {
  it('writes the word of every route before the snapshot that names its slot', async () => {
    const { publisher, published, wordsThen } = world()
    expect(await publisher.publish(input(['a', 'b']))).toBeNull()
    const [snapshot] = published
    for (const name of ['a', 'b']) {
      const word = wordsThen[snapshot!.slots[name]!]!
      expect([word & LIVE, weightOf(word)]).toEqual([LIVE, 1_000])
    }
  })

  it('publishes within the call when nothing is missing', () => {
    const { publisher, published } = world()
    void publisher.publish(input(['a']))
    expect(published.map(({ revision }) => revision)).toEqual([1])
    expect(publisher.current()?.snapshot).toBe(published[0])
  })

  it('waits for the bank of a slot, and publishes what is true by then', async () => {
    const { publisher, published, asked, main } = world()
    const { promise, resolve: give } = Promise.withResolvers<boolean>()
    main.gives = () => promise
    const names = Array.from({ length: SLOTS_PER_BANK }, (_, index) => `r${index}`)
    let latest = input(names)
    const done = publisher.publish(() => latest())
    expect([published.length, asked]).toEqual([0, [1]])
    latest = input(names, { r0: group({ wantedBps: 7 }) })
    main.banks = 2
    give(true)
    expect(await done).toBeNull()
    expect(published.length).toBe(1)
    expect(Math.max(...Object.values(published[0]!.slots))).toBe(SLOTS_PER_BANK)
  })

  it('says so and keeps the last snapshot when no bank comes', async () => {
    const { publisher, published, main } = world()
    await publisher.publish(input(['a']))
    main.gives = () => Promise.resolve(false)
    const names = Array.from({ length: SLOTS_PER_BANK }, (_, index) => `r${index}`)
    expect(await publisher.publish(input(names))).toMatch(/bank 1 did not come/)
    expect(published.length).toBe(1)
  })

  it.each([
    ['before', null],
    ['before', { revision: 3, oldest: 1 }],
    ['after', { revision: 3, oldest: 2 }],
  ])('takes LIVE from a removed route at once and gives its slot away only %s all is acknowledged: %j', async (when, ack) => {
    const { publisher, published, acks, word, reused } = world()
    await publisher.publish(input(['a', 'b']))
    const old = published[0]!.slots['a']!
    await publisher.publish(input(['b']))
    expect(word(old) & LIVE).toBe(0)
    const filling = ['b', ...Array.from({ length: SLOTS_PER_BANK - 3 }, (_, index) => `r${index}`)]
    await publisher.publish(input(filling))
    acks[0] = ack
    publisher.acknowledged()
    await publisher.publish(input([...filling, 'next']))
    expect(published.at(-1)!.slots['next'] === old).toBe(when === 'after')
    expect(reused.includes(old)).toBe(true)
    expect(reused.filter((slot) => slot === old).length).toBe(when === 'after' ? 2 : 1)
  })

  it('refuses more routes than slots, and publishes by itself when acknowledgements make room', async () => {
    const { publisher, published, acks } = world()
    const many = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
    expect(await publisher.publish(input(many('a', MAX_ROUTES)))).toMatch(/1024 routes and tombstones are more than the 1023/)
    await publisher.publish(input(many('a', 1_000)))
    expect(await publisher.publish(input(many('b', 1_000)))).toMatch(/do not fit beside those removed a moment ago/)
    expect(published.length).toBe(1)
    // The threads move on to a smaller snapshot in between.
    await publisher.publish(input(many('b', 10)))
    void publisher.publish(input(many('b', 1_000)))
    acks[0] = { revision: 2, oldest: 2 }
    publisher.acknowledged()
    await publisher.publish(input(many('b', 1_000)))
    expect(Object.keys(published.at(-1)!.slots).length).toBe(1_000)
  })

  it('keeps what a latched route matched at v1 when the route is removed, ahead of every other route', async () => {
    const latch = { at: 0, cause: 'errors', reason: 'v2 failed', epoch: 1, actor: 'judge' }
    const tombstones = [
      { name: 'a', match: match('/a/**') },
      { name: 'a', match: match('/old/**') },
    ]
    const { publisher, published, word } = world()
    await publisher.publish(input(['b'], { a: group({ latch, wantedBps: 0, tombstones, removedAt: 0 }) }))
    const { config, slots } = published[0]!
    expect(config.routes.map(({ name, match: { path } }) => [name, path])).toEqual([
      ['a (removed)', '/a/**'],
      ['a (removed 2)', '/old/**'],
      ['b', '/b'],
    ])
    expect(word(slots['a (removed)']!) & (LATCHED | LIVE)).toBe(LATCHED | LIVE)
    expect([...publisher.current()!.inForce.tombstones]).toEqual(['a (removed)', 'a (removed 2)'])
  })

  it('publishes the salts that rearms chose', async () => {
    const { publisher, published } = world()
    await publisher.publish(input(['a', 'b'], { a: group({ resalt: 'r1' }) }))
    expect(published[0]!.resalts).toEqual({ a: 'r1' })
  })

  it('goes on over the death of control: same slots, later revision, words of unchanged routes untouched', async () => {
    const notes = new SharedArrayBuffer(4 * CONTROL_NOTES_CELLS)
    const memory = new SharedArrayBuffer(4 * MAX_ROUTES)
    const first = world(notes, memory)
    await first.publisher.publish(input(['a', 'b']))
    const second = world(notes, memory)
    await second.publisher.publish(input(['c', 'b']))
    const [before, after] = [first.published[0]!, second.published[0]!]
    expect(after.slots['b']).toBe(before.slots['b'])
    expect(after.slots['c']).not.toBe(before.slots['a'])
    expect(after.revision).toBeGreaterThan(before.revision)
    expect(second.word(before.slots['a']!) & LIVE).toBe(0)
  })
})
