/** Metrics that come from the ledger: requests, failures, shadows, comparisons. */
import { COUNTERS, FAILURES, LANE_FALLBACK, LANE_V1, LANE_V2, OUTCOMES, REJECTIONS, REPAIRS } from '../core/model/observation.ts'
import { counterOf, outcomeOf } from '../ledger/totals.ts'
import type { Backend } from '../core/model/config.ts'
import type { Counter, Outcome } from '../core/model/observation.ts'
import type { Family, Sample } from './family.ts'
import type { MetricsReading, RouteReading } from './reading.ts'

/** Lanes in which a backend answers clients. A fallback answer is v1's work, so it is in v1's load. */
export const CLIENT_LANES: Readonly<Record<Backend, readonly number[]>> = { v1: [LANE_V1, LANE_FALLBACK], v2: [LANE_V2] }
export const BACKENDS: readonly Backend[] = ['v1', 'v2']

/** `none`: no whole answer came (refused, reset, timeout, …). `aborted`: the client left before it. */
const CODE_CLASSES: readonly (readonly [codeClass: string, outcomes: readonly Outcome[]])[] = [
  ['1xx', ['1xx']],
  ['2xx', ['2xx']],
  ['3xx', ['3xx']],
  ['4xx', ['4xx']],
  ['5xx', ['5xx']],
  ['none', ['refused', 'reset', 'timeout', 'malformed', 'busy', 'lost']],
  ['aborted', ['aborted']],
]

export const LEDGER_METRICS: readonly Family[] = [
  {
    name: 'banyan_requests_total',
    help: 'Finished user-facing requests by the backend that was asked; v1 includes fallbacks. code_class none: no whole answer came; aborted: the client left.',
    type: 'counter',
    labels: ['route', 'backend', 'code_class'],
    samples: eachRoute(function* (route) {
      for (const backend of BACKENDS) {
        for (const [codeClass, outcomes] of CODE_CLASSES)
          yield [[route.name, backend, codeClass], sumOf(route, CLIENT_LANES[backend], outcomes)]
      }
    }),
  },
  {
    name: 'banyan_upstream_failures_total',
    help: 'Requests that a backend failed, by kind: what the judge counts against v2.',
    type: 'counter',
    labels: ['route', 'backend', 'kind'],
    samples: eachRoute(function* (route) {
      for (const backend of BACKENDS) {
        for (const kind of FAILURES) yield [[route.name, backend, kind], sumOf(route, CLIENT_LANES[backend], [kind])]
      }
    }),
  },
  {
    name: 'banyan_upstream_repaired_total',
    help: 'Answers of a backend with a fault that was repaired before they were passed on.',
    type: 'counter',
    labels: ['backend', 'kind'],
    *samples({ gateway }) {
      for (const backend of BACKENDS) {
        for (const [index, kind] of REPAIRS.entries()) yield [[backend, kind], gateway.repairs[backend][index] ?? 0]
      }
    },
  },
  {
    name: 'banyan_rejected_requests_total',
    help: 'Requests that the gateway itself refused, by reason.',
    type: 'counter',
    labels: ['reason'],
    *samples({ gateway }) {
      for (const [index, reason] of REJECTIONS.entries()) yield [[reason], gateway.rejections[index] ?? 0]
    },
  },
  counterFamily('banyan_fallbacks_total', 'Requests that v1 answered because v2 failed them.', [['fallbacks', '']], null),
  counterFamily('banyan_retries_total', 'Second attempts on a fresh connection to the same backend.', [['retries', '']], null),
  counterFamily('banyan_keyless_requests_total', 'Requests without a sticky key, which v1 answers.', [['keyless', '']], null),
  counterFamily('banyan_shadow_requests_total', 'Shadow requests by what became of them.', withPrefix('mirror_'), 'outcome'),
  counterFamily('banyan_comparisons_total', 'Pairs of answers by outcome of the comparison.', withPrefix('compare_'), 'outcome'),
  counterFamily('banyan_differences_total', 'Differences found in compared answers, by kind.', withPrefix('difference_'), 'kind'),
]

type Named = readonly [counter: Counter, label: string]

/** Counters of one family: `mirror_dropped_queue` is `dropped_queue` among the shadow requests. */
function withPrefix(prefix: string): readonly Named[] {
  return COUNTERS.filter((counter) => counter.startsWith(prefix)).map((counter) => [counter, counter.slice(prefix.length)])
}

function counterFamily(name: string, help: string, counters: readonly Named[], label: string | null): Family {
  return {
    name,
    help,
    type: 'counter',
    labels: label === null ? ['route'] : ['route', label],
    samples: eachRoute(function* (route) {
      for (const [counter, value] of counters) yield [label === null ? [route.name] : [route.name, value], counterOf(route.totals, counter)]
    }),
  }
}

export function eachRoute(samples: (route: RouteReading) => Iterable<Sample>): Family['samples'] {
  return function* (reading: MetricsReading) {
    for (const route of reading.routes) yield* samples(route)
  }
}

function sumOf(route: RouteReading, lanes: readonly number[], outcomes: readonly Outcome[]): number {
  let sum = 0
  for (const lane of lanes) {
    for (const outcome of outcomes) sum += outcomeOf(route.totals, lane, OUTCOMES.indexOf(outcome))
  }
  return sum
}
