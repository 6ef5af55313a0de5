/** Users' requests: who answered them, how well and how fast, v1 beside v2. */
import { GATEWAY, ROUTES, q, rate } from './panel.ts'
import type { Panel, Row } from './panel.ts'

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

function percentile(quantile: number): Panel {
  const cells = rate('banyan_request_duration_seconds_bucket', ROUTES)
  return {
    title: `Latency p${quantile * 100}`,
    about: `Time to the head of the answer that ${quantile * 100} % of the answers kept. v1 includes what it answered in v2's place.`,
    unit: 's',
    width: 8,
    shape: { kind: 'lines' },
    queries: [q(`histogram_quantile(${quantile}, sum by (le, backend) (${cells}))`, '{{backend}}')],
  }
}

const LATENCY: Row = { title: 'Latency of v1 and v2', panels: [percentile(0.5), percentile(0.95), percentile(0.99)] }

export const TRAFFIC: readonly Row[] = [SPLIT, ERRORS, LATENCY]
