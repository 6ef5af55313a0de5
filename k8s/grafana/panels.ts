/**
 * What the dashboard shows, as data: rows of panels, each with its queries and one sentence that says how to
 * read it.
 *
 * Everything is summed over pods; states and weights, which are the same in all of them, take the highest
 * (or, where low is bad, the lowest). Sets of states come from the program, so a new one cannot be missed.
 */
import { STAGES } from '../../src/core/model/routing.ts'
import { VERDICT_KINDS } from '../../src/core/model/verdict.ts'

export interface Query {
  readonly expr: string
  readonly legend: string
}

export interface Panel {
  readonly title: string
  readonly about: string
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly width: number
  readonly queries: readonly Query[]
  readonly shape:
    | { readonly kind: 'lines'; readonly stacked?: boolean }
    /** Steps: what changes by decision, not by measurement. */
    | { readonly kind: 'steps' }
    | { readonly kind: 'bars' }
    /** Numbers with their words; a word in red is bad. */
    | { readonly kind: 'states' | 'number'; readonly words: readonly Word[] }
}

export interface Word {
  readonly value: number
  readonly text: string
  readonly color: 'green' | 'blue' | 'yellow' | 'orange' | 'red' | 'text'
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** Of the gateway, and of the chosen routes. */
const GATEWAY = 'job=~"$job"'
const ROUTES = `${GATEWAY},route=~"$route"`

const rate = (metric: string, matchers: string): string => `rate(${metric}{${matchers}}[$__rate_interval])`
const q = (expr: string, legend: string): Query => ({ expr, legend })

function percentile(quantile: number): Panel {
  const cells = rate('banyan_request_duration_seconds_bucket', ROUTES)
  return {
    title: `p${quantile * 100}`,
    about: `Time to the head of the answer that ${quantile * 100} % of the answers kept. v1 includes what it answered in v2's place.`,
    unit: 's',
    width: 8,
    shape: { kind: 'lines' },
    queries: [q(`histogram_quantile(${quantile}, sum by (le, backend) (${cells}))`, '{{backend}}')],
  }
}

/** One number per route out of a metric with one series per state: the state's place in the set. */
function placeOf(metric: string, label: string, states: readonly string[]): string {
  return states.map((state, place) => `${place} * max by (route) (${metric}{${ROUTES},${label}="${state}"})`).join(' + ')
}

function words(states: readonly string[], colors: Readonly<Record<string, Word['color']>>): Word[] {
  return states.map((text, value) => ({ value, text, color: colors[text] ?? 'text' }))
}

const VERDICT_COLORS = { healthy: 'green', insufficient: 'blue', suspect: 'yellow', 'baseline-sick': 'orange', regression: 'red' } as const
const STAGE_COLORS = { off: 'text', shadow: 'blue', canary: 'yellow', complete: 'green' } as const

const NOW: Row = {
  title: 'Now',
  panels: [
    {
      title: 'Weight of v2',
      about: 'In force, per route: after ceiling, latch and stage.',
      unit: 'percent',
      width: 6,
      shape: { kind: 'number', words: [] },
      queries: [q(`max by (route) (banyan_weight_percent{${ROUTES}})`, '{{route}}')],
    },
    {
      title: 'Ceiling of v2',
      about: 'The lowest of all sources. Below 100 it holds weights down.',
      unit: 'percent',
      width: 3,
      shape: { kind: 'number', words: [] },
      queries: [q(`min(banyan_ceiling_percent{${GATEWAY},source="lowest"})`, 'ceiling')],
    },
    {
      title: 'Latched routes',
      about: 'Held at v1 until somebody rearms them.',
      unit: 'none',
      width: 3,
      shape: { kind: 'number', words: [{ value: 0, text: 'none', color: 'green' }] },
      queries: [q(`sum(max by (route) (banyan_tripped{${ROUTES}}))`, 'latched')],
    },
    {
      title: 'Kill switch',
      about: 'The global latch: everybody gets v1 until banyan rearm --global.',
      unit: 'none',
      width: 3,
      shape: {
        kind: 'number',
        words: [
          { value: 0, text: 'off', color: 'green' },
          { value: 1, text: 'KILLED', color: 'red' },
        ],
      },
      queries: [q(`max(banyan_killed{${GATEWAY}})`, 'killed')],
    },
    {
      title: 'Backends',
      about: 'By their probes; a backend without one counts as up.',
      unit: 'none',
      width: 6,
      shape: {
        kind: 'number',
        words: [
          { value: 0, text: 'down', color: 'red' },
          { value: 1, text: 'up', color: 'green' },
        ],
      },
      queries: [q(`min by (backend) (banyan_backend_up{${GATEWAY}})`, '{{backend}}')],
    },
    {
      title: 'Newest config',
      about: 'A refused one changes nothing: the last good config stays in force.',
      unit: 'none',
      width: 3,
      shape: {
        kind: 'number',
        words: [
          { value: 0, text: 'refused', color: 'red' },
          { value: 1, text: 'in force', color: 'green' },
        ],
      },
      queries: [q(`min(banyan_config_last_reload_successful{${GATEWAY}})`, 'config')],
    },
  ],
}

const SPLIT: Row = {
  title: 'Split',
  panels: [
    {
      title: 'Requests by backend',
      about: 'Finished user-facing requests, by the backend that was asked. A fallback was asked of both.',
      unit: 'reqps',
      width: 8,
      shape: { kind: 'lines', stacked: true },
      queries: [q(`sum by (backend) (${rate('banyan_requests_total', ROUTES)})`, '{{backend}}')],
    },
    {
      title: "v2's share beside its weight",
      about: 'Keyless, allowed and denied users pull the share away from the weight; a wide gap is worth a look at explain.',
      unit: 'percent',
      width: 8,
      shape: { kind: 'lines' },
      queries: [
        q(
          `100 * sum by (route) (${rate('banyan_requests_total', `${ROUTES},backend="v2"`)}) / sum by (route) (${rate('banyan_requests_total', ROUTES)})`,
          '{{route}} share',
        ),
        q(`max by (route) (banyan_weight_percent{${ROUTES}})`, '{{route}} weight'),
      ],
    },
    {
      title: 'Wanted weight, ceiling, keyless',
      about: 'What is wanted before ceilings and latches; who has no sticky key and so gets v1.',
      unit: 'percent',
      width: 8,
      shape: { kind: 'steps' },
      queries: [
        q(`max by (route) (banyan_weight_wanted_percent{${ROUTES}})`, '{{route}} wanted'),
        q(`min by (source) (banyan_ceiling_percent{${GATEWAY}})`, 'ceiling {{source}}'),
        q(
          `100 * sum(${rate('banyan_keyless_requests_total', ROUTES)}) / sum(${rate('banyan_requests_total', ROUTES)})`,
          'keyless requests',
        ),
      ],
    },
  ],
}

const ERRORS: Row = {
  title: 'Errors',
  panels: [
    {
      title: 'Failed, v1 and v2',
      about: 'Share of requests that the backend failed: 5xx, refused, reset, timeout, malformed. What the judge counts.',
      unit: 'percent',
      width: 8,
      shape: { kind: 'lines' },
      queries: [
        q(
          `100 * sum by (backend) (${rate('banyan_upstream_failures_total', ROUTES)}) / sum by (backend) (${rate('banyan_requests_total', ROUTES)})`,
          '{{backend}}',
        ),
      ],
    },
    {
      title: 'Failures by kind',
      about: 'Only kinds that happen are drawn.',
      unit: 'reqps',
      width: 8,
      shape: { kind: 'lines' },
      queries: [q(`sum by (backend, kind) (${rate('banyan_upstream_failures_total', ROUTES)}) > 0`, '{{backend}} {{kind}}')],
    },
    {
      title: 'Answers by class',
      about: 'none: no whole answer came. aborted: the client left before it.',
      unit: 'reqps',
      width: 8,
      shape: { kind: 'lines' },
      queries: [q(`sum by (backend, code_class) (${rate('banyan_requests_total', ROUTES)}) > 0`, '{{backend}} {{code_class}}')],
    },
    {
      title: 'Fallbacks and retries',
      about: 'Requests that v1 answered because v2 failed them: faults of v2 that no user saw.',
      unit: 'reqps',
      width: 12,
      shape: { kind: 'lines' },
      queries: [
        q(`sum by (route) (${rate('banyan_fallbacks_total', ROUTES)})`, '{{route}} fallbacks'),
        q(`sum(${rate('banyan_retries_total', ROUTES)})`, 'retries'),
      ],
    },
    {
      title: 'Refused by the gateway',
      about: 'Requests that reached no backend, by reason. Only reasons that happen are drawn.',
      unit: 'reqps',
      width: 12,
      shape: { kind: 'lines' },
      queries: [q(`sum by (reason) (${rate('banyan_rejected_requests_total', GATEWAY)}) > 0`, '{{reason}}')],
    },
  ],
}

const LATENCY: Row = { title: 'Latency, v1 and v2', panels: [percentile(0.5), percentile(0.95), percentile(0.99)] }

const JUDGE: Row = {
  title: 'Judge and rollbacks',
  panels: [
    {
      title: 'Verdict',
      about: "The judge's opinion of v2 on each route.",
      unit: 'none',
      width: 8,
      shape: { kind: 'states', words: words(VERDICT_KINDS, VERDICT_COLORS) },
      queries: [q(placeOf('banyan_verdict', 'verdict', VERDICT_KINDS), '{{route}}')],
    },
    {
      title: 'Stage',
      about: 'off and shadow: all v1. canary: split by weight. complete: all v2.',
      unit: 'none',
      width: 8,
      shape: { kind: 'states', words: words(STAGES, STAGE_COLORS) },
      queries: [q(placeOf('banyan_stage', 'stage', STAGES), '{{route}}')],
    },
    {
      title: 'Latches',
      about: 'A trip or a rollback holds until it is rearmed with a reason.',
      unit: 'none',
      width: 8,
      shape: {
        kind: 'states',
        words: [
          { value: 0, text: 'open', color: 'green' },
          { value: 1, text: 'latched', color: 'red' },
        ],
      },
      queries: [
        q(`max by (route) (banyan_tripped{${ROUTES}})`, '{{route}}'),
        q(`max(banyan_killed{${GATEWAY}})`, 'kill switch'),
      ],
    },
    {
      title: 'Rollbacks by cause',
      about: 'errors: the judge. rollback: a person. kill and ceiling: everything at once.',
      unit: 'none',
      width: 8,
      shape: { kind: 'bars' },
      queries: [q(`sum by (route, cause) (increase(banyan_rollbacks_total{${ROUTES}}[$__rate_interval])) > 0`, '{{route}} {{cause}}')],
    },
    {
      title: 'Command to zero',
      about: 'How long rollbacks of the last hour took until every thread obeyed, at most.',
      unit: 's',
      width: 8,
      shape: { kind: 'lines' },
      queries: [
        q(`histogram_quantile(1, sum by (le) (increase(banyan_rollback_duration_seconds_bucket{${GATEWAY}}[1h])))`, 'slowest'),
      ],
    },
    {
      title: 'Lateness of the judge',
      about: 'It looks ten times a second; a judge that is late trips late.',
      unit: 's',
      width: 8,
      shape: { kind: 'lines' },
      queries: [q(`max(banyan_judge_lag_seconds{${GATEWAY}})`, 'lag')],
    },
  ],
}

export const FIRST_ROWS: readonly Row[] = [NOW, SPLIT, ERRORS, LATENCY, JUDGE]
export { GATEWAY, ROUTES, q, rate }
