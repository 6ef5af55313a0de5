/**
 * Where the migration stands: weights, stages, latches, verdicts, rollbacks. Sets of states come from the
 * program, so that a new one cannot be missed.
 */
import { STAGES } from '../../src/core/model/routing.ts'
import { VERDICT_KINDS } from '../../src/core/model/verdict.ts'
import { GATEWAY, ROUTES, q } from './panel.ts'
import type { Row, Word } from './panel.ts'

/** One number per route out of a metric with one series per state: the state's place in the set. */
function placeOf(metric: string, label: string, states: readonly string[]): string {
  return states.map((state, place) => `${place} * max by (route) (${metric}{${ROUTES},${label}="${state}"})`).join(' + ')
}

function words(states: readonly string[], colors: Readonly<Record<string, Word['color']>>): Word[] {
  return states.map((text, value) => ({ value, text, color: colors[text] ?? 'text' }))
}

const VERDICT_COLORS = { healthy: 'green', insufficient: 'blue', suspect: 'yellow', 'baseline-sick': 'orange', regression: 'red' } as const
const STAGE_COLORS = { off: 'text', shadow: 'blue', canary: 'yellow', complete: 'green' } as const

export const NOW: Row = {
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
      shape: { kind: 'number', words: [{ value: 0, text: 'none', color: 'green' }], redFrom: 1 },
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

export const JUDGE: Row = {
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
      queries: [q(`max by (route) (banyan_tripped{${ROUTES}})`, '{{route}}'), q(`max(banyan_killed{${GATEWAY}})`, 'kill switch')],
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
      queries: [q(`histogram_quantile(1, sum by (le) (increase(banyan_rollback_duration_seconds_bucket{${GATEWAY}}[1h])))`, 'slowest')],
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
