/** Answers of the admin port as values, and the one place that writes them. */
import type { ServerResponse } from 'node:http'
import { problemBody } from './problem.ts'
import type { Problem } from './problem.ts'

export type Answer =
  | { readonly kind: 'json'; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'text'; readonly type: string; readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  | Problem

const JSON_TYPE = 'application/json; charset=utf-8'
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

// The answers are for scripts and for the page of this very origin: nobody may frame, sniff or keep them.
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

interface Rendered {
  readonly status: number
  readonly type: string
  readonly text: string
}

function render(answer: Answer): Rendered {
  switch (answer.kind) {
    case 'json':
      return { status: 200, type: JSON_TYPE, text: `${JSON.stringify(answer.body)}\n` }
    case 'text':
      return { status: 200, type: answer.type, text: answer.text }
    case 'problem':
      return { status: answer.status, type: PROBLEM_TYPE, text: problemBody(answer) }
    default:
      return answer satisfies never
  }
}

/**
 * Writes the whole answer, and ends the response only after `bodyDone`.
 *
 * With `close` the connection ends afterwards: a body that was refused unread must not be taken for the
 * next request. The bytes of the answer are out before `bodyDone` is awaited, because closing a socket
 * that still has unread input sends RST, and RST can overtake the answer that explains it.
 */
export async function writeAnswer(res: ServerResponse, answer: Answer, head: boolean, bodyDone: Promise<void> | null): Promise<void> {
  if (res.headersSent || res.destroyed) return
  const { status, type, text } = render(answer)
  const bytes = Buffer.from(text)
  res.writeHead(status, {
    ...SAFE_HEADERS,
    ...answer.headers,
    'content-type': type,
    'content-length': bytes.length,
    ...(bodyDone === null ? {} : { connection: 'close' }),
  })
  if (head) res.flushHeaders()
  else res.write(bytes)
  if (bodyDone !== null) await bodyDone
  res.end()
}
