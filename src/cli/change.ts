/**
 * Commands that change the running gateway: send, ask only if it is a raise, send again.
 *
 * Whether a change raises is the gateway's to say, not ours: a raise without a reason is refused with
 * `reason-required`. So a lowering is one request and no question, whatever the terminal, and the rule stays in
 * one place. A raise that was agreed to carries the revision the person saw.
 */
import type { Command } from 'commander'
import type { AuditEntry } from '../core/model/control.ts'
import type { StatusBody } from '../core/model/status.ts'
import type { Reply, Success } from './client.ts'
import { EXIT_FAILED, EXIT_OK } from './io.ts'
import { fail, printJson } from './session.ts'
import type { ExitCode, Session } from './session.ts'
import { plain } from './table.ts'

export interface Change {
  readonly method: 'PUT' | 'POST'
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  /** For the question: `raise orders to 10 %`. */
  readonly what: string
}

export interface ChangeOptions {
  readonly reason?: string
  readonly yes?: boolean
  readonly dryRun?: boolean
}

interface Changed {
  readonly dryRun: boolean
  readonly revision: number
  readonly saved: boolean
  readonly applied: Omit<AuditEntry, 'id'>
}

export function changeOptions(command: Command): Command {
  return command
    .option('--reason <text>', 'why; raising and rearm need one, lowering does not')
    .option('-y, --yes', 'do not ask before raising')
    .option('--dry-run', 'say what would change, change nothing')
}

export async function runChange(session: Session, change: Change, options: ChangeOptions): Promise<ExitCode> {
  const reply =
    options.dryRun === true
      ? await send(session, change, { ...options, reason: options.reason ?? 'dry run' })
      : await sendAsking(session, change, options)
  if (reply === null) {
    session.io.stderr('banyan: nothing was changed')
    return EXIT_FAILED
  }
  if (!reply.ok) return fail(session.io, reply)
  show(session, reply)
  return EXIT_OK
}

/** null = the person said no. */
async function sendAsking(session: Session, change: Change, options: ChangeOptions): Promise<Reply<Changed> | null> {
  const asks = session.terminal.interactive && options.yes !== true
  if (options.reason !== undefined && !asks) return send(session, change, options)
  // Without the reason this goes through at once if it lowers. A reason given for a lowering still belongs in the audit.
  const first = options.reason === undefined ? await send(session, change, options) : await send(session, change, { dryRun: true })
  if (first.ok) return options.reason === undefined ? first : send(session, change, options)
  if (first.code !== 'reason-required' || !session.terminal.interactive) return first
  return askAndSend(session, change, options)
}

async function askAndSend(session: Session, change: Change, options: ChangeOptions): Promise<Reply<Changed> | null> {
  const seen = await session.client.ask<StatusBody>('GET', '/api/v1/status')
  if (!seen.ok) return seen
  const reason = options.reason ?? (await session.terminal.ask(`Reason to ${change.what}: `))
  if (reason === null || reason.trim() === '') return null
  if (options.yes !== true) {
    const answer = await session.terminal.ask(`Really ${change.what}? [y/N] `)
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) return null
  }
  return send(session, change, { ...options, reason }, seen.body.revision)
}

function send(session: Session, change: Change, options: ChangeOptions, ifRevision?: number): Promise<Reply<Changed>> {
  return session.client.ask<Changed>(change.method, change.path, {
    body: { ...change.body, ...(options.reason === undefined ? {} : { reason: options.reason }) },
    query: options.dryRun === true ? [['dryRun', 'true']] : [],
    ...(ifRevision === undefined ? {} : { ifRevision }),
  })
}

function show(session: Session, { body }: Success<Changed>): void {
  if (session.json) return printJson(session.io, body)
  const { subject, before, after } = body.applied
  const name = subject === '*' ? 'gateway' : plain(subject)
  const change = before === after ? `${plain(after)} (as before)` : `${plain(before)} → ${plain(after)}`
  session.io.stdout(body.dryRun ? `would change ${name}: ${change}` : `${name}: ${change} (revision ${body.revision})`)
  if (!body.dryRun && !body.saved) session.io.stderr('banyan: in force, but not saved to disk yet; `banyan status` says when it is')
}
