/**
 * A backend with faults on demand: `backend.ts PORT NOTES`. Commands come over IPC; each POST it received is one
 * line in NOTES, written before it is answered, so that even a killed backend tells how often it saw one.
 */
import { appendFileSync } from 'node:fs'
import http from 'node:http'
import type { ServerResponse } from 'node:http'

export type Mode = 'ok' | 'error' | 'reset' | 'hang' | 'trickle' | 'flood'

const [port = '0', notes = ''] = process.argv.slice(2)
let mode: Mode = 'ok'
let served = 0
const FLOOD_BYTES = 10_000_000_000
const filler = Buffer.alloc(65_536, 'x')

process.on('message', (message: { readonly mode?: Mode; readonly ask?: 'served' }) => {
  if (message.mode !== undefined) mode = message.mode
  process.send?.({ mode, served })
})
process.once('disconnect', () => process.exit(0))

const server = http.createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  served++
  req.resume()
  if (req.method === 'POST') appendFileSync(notes, `${String(req.headers['x-order'])}\n`)
  answer(res, req.url ?? '/')
})
server.listen(Number(port), '127.0.0.1', 4_096, () => process.send?.({ listening: true }))

function answer(res: ServerResponse, url: string): void {
  switch (mode) {
    case 'ok':
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ url, name: 'order', note: 'x'.repeat(200) }))
      return
    case 'error':
      res.statusCode = 500
      res.end('{}')
      return
    case 'reset':
      res.socket?.resetAndDestroy()
      return
    case 'hang':
      return
    case 'trickle':
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 })
      trickle(res)
      return
    case 'flood':
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': FLOOD_BYTES })
      flood(res, FLOOD_BYTES)
      return
    default:
      mode satisfies never
  }
}

function trickle(res: ServerResponse): void {
  const timer = setInterval(() => res.write('x'), 1_000)
  res.once('close', () => clearInterval(timer))
}

function flood(res: ServerResponse, left: number): void {
  let rest = left
  const go = (): void => {
    while (rest > 0 && !res.destroyed) {
      rest -= filler.length
      if (!res.write(filler)) return void res.once('drain', go)
    }
  }
  go()
}
