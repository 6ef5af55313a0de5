/** Metrics that come from control: stages, weights, latches, verdicts, config, store, threads. */
import { STAGES } from '../core/model/routing.ts'
import { VERDICT_KINDS } from '../core/model/verdict.ts'
import { BACKENDS, eachRoute } from './ledger-metrics.ts'
import { ROLLBACK_CAUSES } from './reading.ts'
import type { Family, Sample } from './family.ts'
import type { MetricsReading, RouteReading, ThreadReading } from './reading.ts'

export const STATE_METRICS: readonly Family[] = [
  ofRoute('banyan_weight_percent', 'Share of v2 in force, percent.', (route) => route.effectiveBps / 100),
  ofRoute(
    'banyan_weight_wanted_percent',
    'Share of v2 that is wanted, percent, before ceilings and latches.',
    (route) => route.wantedBps / 100,
  ),
  ofRoute('banyan_tripped', '1 while a latch holds the route at v1.', (route) => bit(route.tripped)),
  oneHot('banyan_stage', '1 for the stage the route is in.', 'stage', STAGES, (route) => route.stage),
  oneHot('banyan_verdict', "1 for the judge's present verdict on the route.", 'verdict', VERDICT_KINDS, (route) => route.verdict),
  {
    name: 'banyan_rollbacks_total',
    help: 'Times the route was sent to v1, by cause.',
    type: 'counter',
    labels: ['route', 'cause'],
    samples: eachRoute(function* (route) {
      for (const cause of ROLLBACK_CAUSES) yield [[route.name, cause], route.rollbacks[cause]]
    }),
  },
  {
    name: 'banyan_ceiling_percent',
    help: "Ceiling of v2's share by source, percent; lowest is the one in force, silent sources are absent.",
    type: 'gauge',
    labels: ['source'],
    *samples({ ceiling }) {
      for (const source of ['env', 'file', 'redis', 'lowest'] as const) {
        const percent = ceiling[source]
        if (percent !== null) yield [[source], percent]
      }
    },
  },
  {
    name: 'banyan_backend_up',
    help: '1 while the backend answers its probe, or has no probe.',
    type: 'gauge',
    labels: ['backend'],
    *samples({ backendUp }) {
      for (const backend of BACKENDS) yield [[backend], bit(backendUp[backend])]
    },
  },
  ofGateway('banyan_killed', '1 while the global latch is set.', ({ killed }) => bit(killed)),
  ofGateway('banyan_store_up', '1 while the control state can be saved.', ({ storeUp }) => bit(storeUp)),
  ofGateway('banyan_inflight_requests', 'User-facing requests in flight now.', ({ inflight }) => inflight),
  ofGateway('banyan_judge_lag_seconds', 'How late the last tick of the judge was.', ({ judgeLagMs }) => judgeLagMs / 1_000),
  ofGateway('banyan_config_last_reload_successful', '1 unless the newest config was refused.', (reading) =>
    bit(reading.lastReloadSuccessful),
  ),
  {
    name: 'banyan_config_reloads_total',
    help: 'Configs read after a change, by result; an invalid one changes nothing.',
    type: 'counter',
    labels: ['result'],
    samples: ({ configReloads }) => [
      [['applied'], configReloads.applied],
      [['invalid'], configReloads.invalid],
    ],
  },
  {
    name: 'banyan_log_dropped_total',
    help: 'Log lines dropped because the log could not keep up; requests never wait for it.',
    type: 'counter',
    labels: [],
    samples: ({ logDropped }) => [[[], logDropped]],
  },
  {
    name: 'banyan_alerts_total',
    help: 'Alerts by receiver and result.',
    type: 'counter',
    labels: ['receiver', 'result'],
    *samples({ alerts }) {
      for (const { receiver, result, count } of alerts) yield [[receiver, result], count]
    },
  },
  {
    name: 'banyan_build_info',
    help: '1, with the version as a label.',
    type: 'gauge',
    labels: ['version'],
    samples: ({ version }) => [[[version], 1]],
  },
  ofThread('banyan_thread_up', '1 while the thread works.', (thread) => bit(thread.up)),
  ofThread('banyan_thread_loop_lag_seconds', "Lateness of the thread's clock at its last tick.", (thread) => thread.loopLagMs / 1_000),
  ofThread('banyan_thread_client_connections', 'Open client connections of the thread.', (thread) => thread.clientConnections),
  ofThread('banyan_thread_held_bytes', 'Bytes of bodies and answers the thread holds in memory.', (thread) => thread.heldBytes),
]

function ofRoute(name: string, help: string, value: (route: RouteReading) => number): Family {
  return { name, help, type: 'gauge', labels: ['route'], samples: eachRoute((route) => [[[route.name], value(route)]]) }
}

function ofGateway(name: string, help: string, value: (reading: MetricsReading) => number): Family {
  return { name, help, type: 'gauge', labels: [], samples: (reading) => [[[], value(reading)]] }
}

function ofThread(name: string, help: string, value: (thread: ThreadReading) => number): Family {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['thread'],
    samples: ({ threads }) => threads.map((thread): Sample => [[thread.name], value(thread)]),
  }
}

/** One series per member of a closed set: alerts can ask for the one that is 1. */
function oneHot(name: string, help: string, label: string, members: readonly string[], present: (route: RouteReading) => string): Family {
  const samples = eachRoute((route) => members.map((member): Sample => [[route.name, member], bit(member === present(route))]))
  return { name, help, type: 'gauge', labels: ['route', label], samples }
}

function bit(value: boolean): number {
  return value ? 1 : 0
}
