/** A thread that stood still for a while: what came meanwhile is read before any deadline strikes. */
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { get } from '../support/wire/client.ts'
import { resolved } from '../support/wire/config.ts'
import { turnOfLoop } from '../support/wire/until.ts'
import { stages } from '../support/proxy/stage.ts'

const open = stages()

/** Answers each request in a thread of its own, after some milliseconds. */
const BACKEND = `
const { parentPort } = require('node:worker_threads')
const server = require('node:http').createServer((request, answer) => {
  setTimeout(() => answer.end('in time'), Number(request.url.slice(1)))
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

function stall(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('a thread that stood still', () => {
  it('passes on the answers that were there in time, and accepts the connections', async () => {
    const worker = new Worker(BACKEND, { eval: true })
    try {
      const port = await new Promise<number>((resolve) => void worker.once('message', resolve))
      const stage = await open({
        endpoints: { v1: resolved([port], 0) },
        route: { timeouts: { firstByteMs: 600, connectMs: 300 }, fallback: { connect: false, timeout: false, statuses: [] } },
      })
      const clients = Array.from({ length: 5 }, () => stage.client())
      for (const client of clients) await client.send(get('/200'))
      while (stage.lane('v1').started < 5) await stage.ticks(1)
      // Right before the loop looks at its timers, and only then at its sockets.
      await turnOfLoop()
      stall(1_500)
      for (const client of clients) {
        const answer = await client.answer()
        expect([answer.status, answer.body.toString()]).toEqual([200, 'in time'])
      }
      expect(stage.counted('v1')).toEqual({ '2xx': 5 })
    } finally {
      await worker.terminate()
    }
  })
})
