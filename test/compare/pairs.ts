/** Pairs, batches and snapshots as the other threads send them. */
import type { CompareConfig } from '../../src/core/model/config.ts'
import type { AnswerMeta, PairBatch, PairMeta } from '../../src/core/model/pair.ts'
import type { Snapshot } from '../../src/core/model/snapshot.ts'

const utf8 = new TextEncoder()

export interface TestAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly complete?: boolean
}

export interface TestPair extends Partial<Omit<PairMeta, 'v1' | 'v2'>> {
  readonly v1: TestAnswer | string
  readonly v2: TestAnswer | string
}

const AT = Date.UTC(2024, 0, 1)

export function batchOf(...pairs: readonly TestPair[]): PairBatch {
  const bodies = pairs.flatMap(({ v1, v2 }) => [bodyOf(v1), bodyOf(v2)])
  const bytes = new ArrayBuffer(bodies.reduce((sum, body) => sum + body.length, 0))
  const all = new Uint8Array(bytes)
  let offset = 0
  const place = (answer: TestAnswer | string): AnswerMeta => {
    const body = bodyOf(answer)
    all.set(body, offset)
    const { status = 200, headers = { 'content-type': 'application/json' }, complete = true } = typeof answer === 'string' ? {} : answer
    const meta = { status, headers, offset, length: body.length, complete, latencyMs: 1 }
    offset += body.length
    return meta
  }
  const base = { slot: 1, route: 'orders', method: 'GET', target: '/orders/1', requestId: 'r-1', at: AT }
  return { bytes, pairs: pairs.map((pair) => ({ ...base, ...pair, v1: place(pair.v1), v2: place(pair.v2) })) }
}

function bodyOf(answer: TestAnswer | string): Uint8Array {
  const body = typeof answer === 'string' ? answer : (answer.body ?? '')
  return typeof body === 'string' ? utf8.encode(body) : body
}

/** Only what the compare thread reads of a snapshot. */
export function snapshotOf(
  routes: Readonly<Record<string, Partial<CompareConfig>>>,
  slots: Readonly<Record<string, number>> = {},
): Snapshot {
  const none: CompareConfig = { control: 0, confirm: false, headers: ['content-type'], ignore: [], arrays: [], tolerance: [], redact: [] }
  const names = Object.keys(routes)
  return {
    revision: 1,
    config: { routes: names.map((name) => ({ name, compare: { ...none, ...routes[name] } })) },
    slots: { ...Object.fromEntries(names.map((name, index) => [name, index + 1])), ...slots },
  } as unknown as Snapshot
}
