/**
 * The commands of the API: a checked body becomes a command value, and `apply` says what comes of it.
 *
 * Nothing here tells lowering from raising. A reason, an `If-Match` or a `force` is handed on as given;
 * that a lowering needs none of them is core/control's rule, the same for the CLI, the judge and a reload.
 */
import { COMMAND_BODY_BYTES } from './body.ts'
import { DRY_RUN_QUERY, REARM_BODY, REARM_GLOBAL_BODY, ROLLBACK_BODY, STAGE_BODY, WEIGHT_BODY, readJson, readQuery } from './input.ts'
import { isProblem, noSuchRoute, problemOfRefusal } from './problem.ts'
import { isRefusal } from '../core/control/state.ts'
import { percentToBps } from '../core/units.ts'
import type { Answer } from './answer.ts'
import type { Problem } from './problem.ts'
import type { Call, Endpoint, Method } from './router.ts'
import type { AdminSource } from './source.ts'
import type { Command, CommandBase } from '../core/model/control.ts'

const JSON_ONLY = { types: ['application/json'], capBytes: COMMAND_BODY_BYTES } as const

export function mutationEndpoints(source: AdminSource): readonly Endpoint[] {
  const onRoute = (method: Method, verb: string, toCommand: ToCommand): Endpoint => ({
    method,
    path: `/api/v1/routes/:name/${verb}`,
    need: 'operator',
    takes: JSON_ONLY,
    run: (call) => runOnRoute(source, call, toCommand),
  })
  const onGateway = (verb: string, toCommand: ToCommand): Endpoint => ({
    method: 'POST',
    path: `/api/v1/${verb}`,
    need: 'operator',
    takes: JSON_ONLY,
    run: (call) => submit(source, call, toCommand(call, ''), null),
  })
  return [
    onRoute('PUT', 'weight', weight),
    onRoute('PUT', 'stage', stage),
    onRoute('POST', 'rollback', rollback),
    onRoute('POST', 'rearm', rearm),
    onGateway('rollback', kill),
    onGateway('rearm', rearmGlobal),
  ]
}

type ToCommand = (call: Call, group: string) => Command | Problem

function weight(call: Call, group: string): Command | Problem {
  const body = readJson(WEIGHT_BODY, call.body)
  if (isProblem(body)) return body
  return { ...base(call, body), kind: 'weight', group, weightBps: percentToBps(body.percent) }
}

function stage(call: Call, group: string): Command | Problem {
  const body = readJson(STAGE_BODY, call.body)
  if (isProblem(body)) return body
  return { ...base(call, body), kind: 'stage', group, stage: body.stage }
}

function rollback(call: Call, group: string): Command | Problem {
  const body = readJson(ROLLBACK_BODY, call.body)
  if (isProblem(body)) return body
  return { ...base(call, body), kind: 'rollback', group }
}

function rearm(call: Call, group: string): Command | Problem {
  const body = readJson(REARM_BODY, call.body)
  if (isProblem(body)) return body
  const { to, resalt } = body
  return {
    ...base(call, body),
    kind: 'rearm',
    group,
    ...(to === undefined ? {} : { toBps: percentToBps(to) }),
    ...(resalt === undefined ? {} : { resalt }),
  }
}

function kill(call: Call): Command | Problem {
  const body = readJson(ROLLBACK_BODY, call.body)
  if (isProblem(body)) return body
  return { ...base(call, body), kind: 'kill' }
}

function rearmGlobal(call: Call): Command | Problem {
  const body = readJson(REARM_GLOBAL_BODY, call.body)
  if (isProblem(body)) return body
  return { ...base(call, body), kind: 'rearm-global' }
}

function base(call: Call, body: { readonly reason?: string | undefined; readonly force?: boolean | undefined }): CommandBase {
  const ifRevision = revisionOf(call.ifMatch)
  return {
    actor: call.actor,
    reason: body.reason?.trim() ?? '',
    ...(body.force === undefined ? {} : { force: body.force }),
    ...(ifRevision === null ? {} : { ifRevision }),
  }
}

/** What no revision can be equal to: an `If-Match` we cannot read refuses a raise, and no lowering. */
const UNREADABLE = -1

/** `12`, `"12"` or `W/"12"`; null = no condition. */
function revisionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null
  const digits = /^\s*(?:W\/)?(?:"(\d{1,15})"|(\d{1,15}))\s*$/.exec(ifMatch)
  return digits === null ? UNREADABLE : Number(digits[1] ?? digits[2])
}

function runOnRoute(source: AdminSource, call: Call, toCommand: ToCommand): Answer | Promise<Answer> {
  const route = call.params['name'] ?? ''
  const group = source.groupOf(route)
  if (group === null) return noSuchRoute(source.status(), route)
  return submit(source, call, toCommand(call, group), route)
}

async function submit(source: AdminSource, call: Call, command: Command | Problem, route: string | null): Promise<Answer> {
  const query = readQuery(DRY_RUN_QUERY, call.query)
  if (isProblem(query)) return query
  if (isProblem(command)) return command
  const dryRun = query.dryRun === 'true'
  const result = await source.submit(command, { dryRun })
  if (isRefusal(result)) return problemOfRefusal(result)
  const status = source.status()
  return {
    kind: 'json',
    body: {
      dryRun,
      revision: status.revision,
      saved: !dryRun && result.saved !== false,
      applied: result.entry,
      killed: status.killed,
      route: status.routes.find(({ name }) => name === route) ?? null,
    },
    headers: { etag: `"${status.revision}"` },
  }
}
