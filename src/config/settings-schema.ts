/**
 * The settings that `defaults` gives and a route may override: schema, built-in defaults and editor texts in one.
 *
 * Keys are as operators write them, results as the model has them. A default stands in the written form, so that
 * the editor's schema shows `10s` and not 10000.
 */
import { z } from 'zod'
import { STAGES } from '../core/model/routing.ts'
import { Wrong, field, readNumber } from './field.ts'
import { amount, choice, count, duration, share, size, text, toggle } from './fields.ts'
import { calendar } from './calendar.ts'
import { pointer, requestHeader, safeMethod } from './names.ts'

const timeouts = z
  .strictObject({
    head: duration('Time a client has to send a request head.').prefault('10s'),
    connect: duration('Time to connect to a backend, waiting for a pooled connection included.').prefault('1s'),
    firstByte: duration("Time from a request's end to the head of its answer.").prefault('30s'),
    idle: duration('Longest silence inside a body.').prefault('60s'),
    total: duration('Time for a whole exchange; 0s = no limit.').prefault('0s'),
    keepAlive: duration("How long an idle client connection stays open: above the load balancer's idle time.").prefault('75s'),
    tunnel: duration('Longest silence in a WebSocket.').prefault('1h'),
  })
  .meta({ description: 'Deadlines; 0s = none.' })
  .transform((written) => ({
    headMs: written.head,
    connectMs: written.connect,
    firstByteMs: written.firstByte,
    idleMs: written.idle,
    totalMs: written.total,
    keepAliveMs: written.keepAlive,
    tunnelMs: written.tunnel,
  }))

const FALLBACK_WRITE = 'connect, timeout, or a status from 400 to 599'
const fallbackReason = field({
  doc: 'connect (refused or reset), timeout, or a status.',
  what: 'a reason to fall back',
  write: FALLBACK_WRITE,
  json: { anyOf: [{ enum: ['connect', 'timeout'] }, { type: 'integer', minimum: 400, maximum: 599 }] },
  read: (raw) => {
    if (raw === 'connect' || raw === 'timeout') return raw
    const status = readNumber(raw)
    if (status === undefined) return undefined
    return Number.isInteger(status) && status >= 400 && status <= 599
      ? status
      : new Wrong(`${status} is no error status; write ${FALLBACK_WRITE}`)
  },
})

const fallback = z
  .strictObject({
    on: z
      .array(fallbackReason)
      .meta({ description: 'When v1 answers in place of v2; [] = never.' })
      .prefault(['connect', 'timeout', 502, 503, 504]),
    after: duration('v1 is asked when v2 has not begun to answer by then; 0s = only when v2 failed.').prefault('5s'),
  })
  .meta({ description: 'v1 answers when v2 failed and the request may be repeated.' })
  .transform(({ on, after }) => ({
    connect: on.includes('connect'),
    timeout: on.includes('timeout'),
    statuses: [...new Set(on.filter((reason) => typeof reason === 'number'))],
    afterMs: after,
  }))

const mirror = z
  .strictObject({
    sample: share('Share of eligible requests that are copied to v2, percent.').prefault(100),
    methods: z.array(safeMethod('A safe method.')).meta({ description: 'Methods that are mirrored.' }).prefault(['GET', 'HEAD']),
    maxBody: size('Bodies above this are not kept: such requests are not mirrored, such answers not compared.').prefault('1MiB'),
    timeout: duration('Time for a shadow request, its wait in the queue included.', 1).prefault('5s'),
    concurrency: count('Shadow requests at once, per data thread.', 0, 65_536).prefault(64),
    queue: count('Shadow requests that may wait, per data thread.', 0, 1_048_576).prefault(256),
    reverse: share('Share of v2-served safe requests copied back to v1, percent.').prefault(5),
  })
  .meta({ description: 'Shadow requests to the other backend.' })
  .transform(({ maxBody, timeout, ...rest }) => ({ ...rest, maxBodyBytes: maxBody, timeoutMs: timeout }))

const arrayRule = z
  .strictObject({
    path: pointer('Where the array stands.'),
    key: text('Member that names an element.', { write: 'the name of a member, such as id' }).optional(),
    unordered: toggle('Order does not matter.').optional(),
  })
  .transform(({ path, key, unordered }, context) => {
    if ((key === undefined) === (unordered !== true))
      context.issues.push({
        code: 'custom',
        message: 'needs either key or unordered; write { path: /items, key: id } or { path: /tags, unordered: true }',
        input: path,
      })
    return { path, key: key ?? null, unordered: unordered ?? false }
  })

const toleranceRule = z
  .strictObject({
    path: pointer('Where the number stands.'),
    abs: amount('Largest difference.', 0).optional(),
    rel: amount("Largest difference, as a fraction of v1's number.", 0).optional(),
  })
  .transform(({ path, abs, rel }, context) => {
    if (abs === undefined && rel === undefined)
      context.issues.push({ code: 'custom', message: 'tolerates nothing; write { path: /total, abs: 0.01 } or rel', input: path })
    return { path, abs: abs ?? 0, rel: rel ?? 0 }
  })

const pointers = (description: string, item: string) => z.array(pointer(item)).meta({ description }).prefault([])

const compare = z
  .strictObject({
    control: share('Share of mirrored safe requests that v1 is asked twice, percent: its own noise.').prefault(1),
    confirm: toggle('Ask both again before a mismatch counts.').prefault(true),
    headers: z
      .array(requestHeader('A header name.', 'content-type'))
      .meta({ description: 'Headers that are compared.' })
      .prefault(['content-type']),
    ignore: pointers('Fields that may differ.', 'JSON Pointer; * = any one segment.'),
    arrays: z.array(arrayRule).meta({ description: 'Arrays whose order does not matter, or whose elements have a key.' }).prefault([]),
    tolerance: z.array(toleranceRule).meta({ description: 'Numbers that may differ a little.' }).prefault([]),
    redact: pointers('Fields whose values are never kept or shown.', 'JSON Pointer; * = any one segment.'),
  })
  .meta({ description: 'How answers of v1 and v2 are compared.' })

const errorRate = z.strictObject({
  max: share('Highest share of failures, percent.').prefault(5),
  ratio: amount("Highest multiple of v1's share.", 1).prefault(2),
  excess: share("Highest distance from v1's share, points.").prefault(5),
})

const latency = z
  .strictObject({
    p95: duration('Limit of the 95th percentile; 0s = none.').prefault('500ms'),
    p99: duration('Limit of the 99th percentile; 0s = none.').prefault('1s'),
    ratio: amount("Highest multiple of v1's 95th percentile.", 1).prefault(1.5),
    floor: duration("Distance from v1's that never counts.").prefault('20ms'),
  })
  .transform(({ p95, p99, ratio, floor }) => ({ p95Ms: p95, p99Ms: p99, ratio, floorMs: floor }))

const health = z
  .strictObject({
    errorRate: errorRate.prefault({}),
    latency: latency.prefault({}),
    clientErrors: z
      .strictObject({
        ratio: amount("Highest multiple of v1's share of 4xx.", 1).prefault(2),
        excess: share("Highest distance from v1's share, points.").prefault(5),
      })
      .prefault({}),
    mismatchRate: z
      .strictObject({
        max: share('Highest share of mismatches, percent.').prefault(1),
        action: choice('hold: the ramp waits; trip: v2 is dropped to zero.', ['hold', 'trip']).prefault('hold'),
      })
      .prefault({}),
    minRequests: count('Requests before v2 is called healthy; never delays a trip.', 0).prefault(20),
    sustain: duration('Bad answers must span this long (0s for unsafe methods).').prefault('1s'),
  })
  .meta({ description: 'Limits that v2 is judged by.' })
  .transform(({ sustain, ...rest }) => ({ ...rest, sustainMs: sustain }))

const steps = z
  .array(share('A step, percent.', 0.01))
  .min(1)
  .meta({ description: 'Weights of the ramp, percent, rising.' })
  .superRefine((list, context) => {
    const at = list.findIndex((step, index) => index > 0 && step <= (list[index - 1] ?? 0))
    if (at > 0)
      context.addIssue({
        code: 'custom',
        path: [at],
        message: `${list[at]} does not rise above ${list[at - 1]}; write the steps in rising order`,
      })
  })

const ramp = z
  .strictObject({
    steps: steps.prefault([1, 5, 10, 25, 50, 75, 90, 95, 100]),
    hold: duration('Healthy time before the next step.').prefault('24h'),
    minRequests: count('Requests of v2 before the next step.', 0).prefault(1_000),
    parity: amount('Lowest share of equal answers, percent.', 0, 100).prefault(99.9),
    approve: z.array(share('A step, percent.', 0.01)).meta({ description: 'Steps that a person must approve.' }).prefault([50, 100]),
    calendar: calendar.nullable().prefault(null),
  })
  .meta({ description: 'How the weight climbs by itself.' })
  .transform(({ hold, ...rest }) => ({ ...rest, holdMs: hold }))

export const settingsShape = {
  stage: choice('off: all v1. shadow: all v1, copies to v2. canary: split by weight. complete: all v2.', STAGES).prefault('off'),
  weight: share('Share of v2 in the canary stage, percent.').prefault(0),
  stickyGroup: text('Routes of one sticky group send a user to the same backend.', { write: 'a name such as gateway' }).prefault('gateway'),
  timeouts: timeouts.prefault({}),
  fallback: fallback.prefault({}),
  mirror: mirror.prefault({}),
  compare: compare.prefault({}),
  health: health.prefault({}),
  ramp: ramp.prefault({}),
}

export const defaultsSchema = z.strictObject(settingsShape).meta({ description: 'What holds for every route that says nothing else.' })
