/** Health, metrics, the start page, and the endpoints whose features come with a later version. */
import { START_PAGE } from './dashboard/page.ts'
import { problem } from './problem.ts'
import type { Answer } from './answer.ts'
import type { Endpoint, Method } from './router.ts'
import type { AdminSource } from './source.ts'
import type { AdminConfig } from '../core/model/config.ts'

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** These take any query: probes and scrapers like to add one. */
export function pageEndpoints(source: AdminSource, metrics: AdminConfig['metrics']): readonly Endpoint[] {
  const open = { method: 'GET', need: 'nothing', takes: null } as const
  return [
    { ...open, path: '/', run: () => ({ kind: 'text', type: 'text/html; charset=utf-8', text: START_PAGE }) },
    { ...open, path: '/healthz', run: () => ({ kind: 'json', body: { alive: true } }) },
    { ...open, path: '/readyz', run: () => readiness(source) },
    {
      ...open,
      path: '/metrics',
      need: metrics === 'open' ? 'nothing' : 'viewer',
      run: async () => ({ kind: 'text', type: METRICS_TYPE, text: await source.metrics() }),
    },
  ]
}

function readiness(source: AdminSource): Answer {
  const { ready, why } = source.ready()
  if (ready) return { kind: 'json', body: { ready, why } }
  return problem('not-ready', why.join('; ') || 'not ready', { extra: { ready, why } })
}

/** 501 instead of 404: a script written against the contract learns that it is early, not wrong. */
export function laterEndpoints(): readonly Endpoint[] {
  const later = (method: Method, path: string, what: string): Endpoint => ({
    method,
    path,
    need: method === 'GET' ? 'viewer' : 'operator',
    takes: null,
    run: () => problem('not-yet', `${what} come with a later version of Banyan`),
  })
  return [
    later('GET', '/api/v1/events', 'live events'),
    later('POST', '/api/v1/routes/:name/ramp', 'ramps'),
    later('POST', '/api/v1/routes/:name/evidence', 'outside signals for the judge'),
  ]
}
