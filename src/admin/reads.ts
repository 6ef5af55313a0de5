/** What the API shows: status, routes, findings, samples, audit, and what a config would change. */
import { parseDuration } from '../core/units.ts'
import { CONFIG_BODY_BYTES } from './body.ts'
import { explainEndpoint } from './explain.ts'
import { AUDIT_QUERY, DIFFS_QUERY, NO_QUERY, readQuery } from './input.ts'
import { isProblem, noSuchRoute, problem } from './problem.ts'
import type { Answer } from './answer.ts'
import type { Need } from './auth.ts'
import type { Call, Endpoint } from './router.ts'
import type { AdminSource } from './source.ts'

const YAML_OR_JSON = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'application/json'] as const
const AUDIT_LIMIT = 100

export function readEndpoints(source: AdminSource, now: () => number): readonly Endpoint[] {
  const get = (path: string, run: Endpoint['run'], need: Need = 'viewer'): Endpoint => ({ method: 'GET', path, need, takes: null, run })
  return [
    get('/api/v1/status', (call) => withoutQuery(call, () => status(source))),
    get('/api/v1/routes/:name', (call) => withoutQuery(call, () => route(source, call))),
    get('/api/v1/diffs', (call) => diffs(source, call)),
    get('/api/v1/samples/:id', (call) => withoutQuery(call, () => sample(source, call))),
    get('/api/v1/audit', (call) => audit(source, call, now())),
    explainEndpoint(source),
    {
      method: 'POST',
      path: '/api/v1/plan',
      // Changes nothing, so a viewer may ask; it is POST because a config does not fit a query.
      need: 'viewer',
      takes: { types: YAML_OR_JSON, capBytes: CONFIG_BODY_BYTES },
      run: (call) => withoutQuery(call, () => plan(source, call)),
    },
  ]
}

function withoutQuery(call: Call, run: () => Answer | Promise<Answer>): Answer | Promise<Answer> {
  const query = readQuery(NO_QUERY, call.query)
  return isProblem(query) ? query : run()
}

function status(source: AdminSource): Answer {
  const body = source.status()
  return { kind: 'json', body, headers: { etag: `"${body.revision}"` } }
}

function route(source: AdminSource, call: Call): Answer {
  const { revision, routes } = source.status()
  const name = call.params['name'] ?? ''
  const found = routes.find((route) => route.name === name)
  if (found === undefined) return noSuchRoute(source.status(), name)
  return { kind: 'json', body: { ...found, revision }, headers: { etag: `"${revision}"` } }
}

async function diffs(source: AdminSource, call: Call): Promise<Answer> {
  const query = readQuery(DIFFS_QUERY, call.query)
  if (isProblem(query)) return query
  const route = query.route ?? null
  if (route !== null && source.groupOf(route) === null) return noSuchRoute(source.status(), route)
  return { kind: 'json', body: { findings: await source.findings(route) } }
}

async function sample(source: AdminSource, call: Call): Promise<Answer> {
  const id = call.params['id'] ?? ''
  const found = await source.sample(id)
  if (found !== null) return { kind: 'json', body: found }
  return problem(
    'no-such-sample',
    `there is no sample ${JSON.stringify(id)}: it may have aged out; GET /api/v1/diffs lists the ids there are as "examples"`,
  )
}

async function audit(source: AdminSource, call: Call, now: number): Promise<Answer> {
  const query = readQuery(AUDIT_QUERY, call.query)
  if (isProblem(query)) return query
  const sinceMs = query.since === undefined ? null : timeOf(query.since, now)
  if (Number.isNaN(sinceMs)) {
    return problem(
      'query-invalid',
      `since is ${JSON.stringify(query.since)}: it must be a duration like 24h, or a time like 2026-01-31T12:00:00Z`,
    )
  }
  const limit = query.limit === undefined ? AUDIT_LIMIT : Number(query.limit)
  return { kind: 'json', body: { entries: await source.audit({ sinceMs, limit }) } }
}

/** A duration back from now, or a point in time; NaN when it is neither. */
function timeOf(text: string, now: number): number {
  const duration = parseDuration(text)
  if (duration !== null) return now - duration
  return /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
}

async function plan(source: AdminSource, call: Call): Promise<Answer> {
  const body = await source.plan(call.body)
  if (!('problems' in body)) return { kind: 'json', body }
  const { problems } = body
  return problem(
    'config-invalid',
    `the config has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${problems[0] ?? ''}`,
    { extra: { problems } },
  )
}
