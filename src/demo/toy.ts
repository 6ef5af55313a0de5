/**
 * One toy backend in a process of its own, so that killing v2 is killing v2.
 *
 *     node toy.ts RELEASE PORT
 *
 * It ends with whoever started it: when the channel closes, and if that was because the demo was killed
 * outright, it takes the gateway and the demo's folder with it.
 */
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, RELEASES } from './toy-api.ts'
import type { Release } from './toy-api.ts'
import type { Deployed, Inheritance, Listening, Witness } from './toy-messages.ts'

/** A legacy takes its time. */
const THINKING_MS: Readonly<Record<Release, number>> = { legacy: 5, '2.0': 2, '2.1': 2, '2.2': 1 }

let release = releaseNamed(process.argv[2] ?? '') ?? 'legacy'
let seen: Witness = { users: 0, copies: 0, lastUserAt: null }
let inheritance: Inheritance | null = null

const server = createServer((request, response) => {
  const target = request.url ?? '/'
  if (target === '/health') return reply(response, 200, '{"ok":true}')
  if (target.startsWith('/toy/')) return void control(request, response, target).catch(() => response.destroy())
  const copy = request.headers['x-banyan-shadow'] !== undefined
  seen = copy ? { ...seen, copies: seen.copies + 1 } : { ...seen, users: seen.users + 1, lastUserAt: Date.now() }
  const { status, body } = answer(release, target)
  setTimeout(() => reply(response, status, body), THINKING_MS[release])
})
// The gateway closes idle connections first (pool.idle), so a request never meets a closing one.
server.keepAliveTimeout = 30_000
server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port } satisfies Listening)
})
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})

process.on('message', (message) => {
  // Our own parent's word, of the one kind it says.
  inheritance = message as Inheritance
})
process.on('disconnect', () => {
  if (inheritance !== null) clearAway(inheritance)
  process.exit()
})
// Ctrl-C reaches the whole group; the demo says when it is over.
process.on('SIGINT', () => undefined)

/** The toy's own little admin: which release answers, and what has been asked. */
async function control(request: IncomingMessage, response: ServerResponse, target: string): Promise<void> {
  if (target === '/toy/seen') return reply(response, 200, JSON.stringify(seen))
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
  const wanted = releaseNamed(text.trim())
  if (target !== '/toy/release' || request.method !== 'PUT' || wanted === null) {
    return reply(response, 400, JSON.stringify({ error: `PUT /toy/release takes one of ${RELEASES.join(', ')}; GET /toy/seen counts` }))
  }
  release = wanted
  reply(response, 200, JSON.stringify({ at: Date.now() } satisfies Deployed))
}

function releaseNamed(text: string): Release | null {
  return RELEASES.find((name) => name === text) ?? null
}

function reply(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}

function clearAway({ gatewayPid, folder }: Inheritance): void {
  try {
    process.kill(gatewayPid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
