/**
 * A listener that never accepts: the first connects succeed and are never served; once its queue is full,
 * further connects hang. It lives in a worker that sleeps, for a thread that runs would accept.
 */
import net from 'node:net'
import { Worker } from 'node:worker_threads'

const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads')
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  Atomics.wait(new Int32Array(workerData), 0, 0)
  server.close()
  process.exit(0)
})
`
/** A connect over loopback that takes longer than this is hanging. */
const HANGS_MS = 150

export interface Frozen {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Connects to it succeed, nobody ever reads. */
export async function frozen(): Promise<Frozen> {
  const lock = new SharedArrayBuffer(4)
  const worker = new Worker(SOURCE, { eval: true, workerData: lock })
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return {
    port,
    close: async () => {
      Atomics.store(new Int32Array(lock), 0, 1)
      Atomics.notify(new Int32Array(lock), 0)
      await new Promise((resolve) => void worker.once('exit', resolve))
    },
  }
}

/** Connects to it hang. */
export async function hungConnect(): Promise<Frozen> {
  const { port, close } = await frozen()
  const fillers: net.Socket[] = []
  while (await connects(port, fillers)) if (fillers.length > 64) throw new Error('the accept queue does not fill')
  return {
    port,
    close: async () => {
      for (const filler of fillers) filler.destroy()
      await close()
    },
  }
}

function connects(port: number, fillers: net.Socket[]): Promise<boolean> {
  const socket = net.connect({ port, host: '127.0.0.1' })
  fillers.push(socket)
  socket.on('error', () => undefined)
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), HANGS_MS)
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
