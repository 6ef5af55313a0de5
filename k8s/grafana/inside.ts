/** Shadow requests with what comparing them found, and the gateway itself. */
import { GATEWAY, ROUTES, q, rate } from './panel.ts'
import type { Row } from './panel.ts'

const SHADOW: Row = {
  title: 'Shadow and comparison',
  panels: [
    {
      title: 'Shadow requests by outcome',
      about: 'Every one that was not sent has its reason. None of them delays a user.',
      unit: 'reqps',
      width: 8,
      shape: { kind: 'lines', stacked: true },
      queries: [q(`sum by (outcome) (${rate('banyan_shadow_requests_total', ROUTES)}) > 0`, '{{outcome}}')],
    },
    {
      title: 'Comparisons by outcome',
      about: 'ignored: they differ, and the config says that is meant. incomparable: never a match.',
      unit: 'ops',
      width: 8,
      shape: { kind: 'lines', stacked: true },
      queries: [q(`sum by (outcome) (${rate('banyan_comparisons_total', ROUTES)}) > 0`, '{{outcome}}')],
    },
    {
      title: 'Mismatching share',
      about: 'Of the pairs that could be compared, per route. `banyan diffs` says in which fields.',
      unit: 'percent',
      width: 8,
      shape: { kind: 'lines' },
      queries: [
        q(
          `100 * sum by (route) (${rate('banyan_comparisons_total', `${ROUTES},outcome="mismatch"`)}) / sum by (route) (${rate('banyan_comparisons_total', `${ROUTES},outcome=~"match|mismatch"`)})`,
          '{{route}}',
        ),
      ],
    },
    {
      title: 'Differences by kind',
      about: 'Differing fields, not answers: one answer may have many.',
      unit: 'ops',
      width: 24,
      shape: { kind: 'lines' },
      queries: [q(`sum by (route, kind) (${rate('banyan_differences_total', ROUTES)}) > 0`, '{{route}} {{kind}}')],
    },
  ],
}

const ITSELF: Row = {
  title: 'The gateway itself',
  panels: [
    {
      title: 'In flight',
      about: 'Requests between their head and the end of their answer, and client connections.',
      unit: 'none',
      width: 8,
      shape: { kind: 'lines' },
      queries: [
        q(`sum(banyan_inflight_requests{${GATEWAY}})`, 'requests'),
        q(`sum(banyan_thread_client_connections{${GATEWAY}})`, 'connections'),
      ],
    },
    {
      title: 'Config reloads',
      about: 'Changes of the config files, by what became of them.',
      unit: 'none',
      width: 8,
      shape: { kind: 'bars' },
      queries: [q(`sum by (result) (increase(banyan_config_reloads_total{${GATEWAY}}[$__rate_interval]))`, '{{result}}')],
    },
    {
      title: 'Repaired answers',
      about: 'Faults of a backend that were repaired before the answer was passed on.',
      unit: 'reqps',
      width: 8,
      shape: { kind: 'lines' },
      queries: [q(`sum by (backend, kind) (${rate('banyan_upstream_repaired_total', GATEWAY)}) > 0`, '{{backend}} {{kind}}')],
    },
    {
      title: 'What gets lost',
      about: 'Should be flat zero: a store that cannot save, log lines dropped, alerts nobody got, threads that are down.',
      unit: 'none',
      width: 8,
      shape: { kind: 'lines' },
      queries: [
        q(`sum(1 - banyan_store_up{${GATEWAY}})`, 'stores down'),
        q(`sum(${rate('banyan_log_dropped_total', GATEWAY)})`, 'log lines a second'),
        q(`sum(${rate('banyan_alerts_total', `${GATEWAY},result="failed"`)})`, 'alerts a second'),
        q(`sum(1 - banyan_thread_up{${GATEWAY}})`, 'threads down'),
      ],
    },
    {
      title: 'Loop lag',
      about: 'How late the clocks of the threads are, at most: what a request may wait for nothing.',
      unit: 's',
      width: 8,
      shape: { kind: 'lines' },
      queries: [q(`max by (thread) (banyan_thread_loop_lag_seconds{${GATEWAY}})`, '{{thread}}')],
    },
    {
      title: 'Memory',
      about: 'Of the processes, and of bodies and answers held in it.',
      unit: 'bytes',
      width: 4,
      shape: { kind: 'lines' },
      queries: [q(`sum(process_resident_memory_bytes{${GATEWAY}})`, 'resident'), q(`sum(banyan_thread_held_bytes{${GATEWAY}})`, 'held')],
    },
    {
      title: 'Processor',
      about: 'Cores in use, all threads together.',
      unit: 'none',
      width: 4,
      shape: { kind: 'lines' },
      queries: [q(`sum(${rate('process_cpu_seconds_total', GATEWAY)})`, 'cores')],
    },
  ],
}

export const INSIDE: readonly Row[] = [SHADOW, ITSELF]
