/** Asks through the engine with strict `node:http`, and keeps the raw bytes beside what node made of them. */
import http from 'node:http'
import net from 'node:net'
import type { HeaderLine } from './message.ts'
import { pairs } from './node-server.ts'

export interface NodeAnswer {
  /** Null when node read no whole answer: an error or a cut. */
  readonly answer: { readonly status: number; readonly headers: readonly HeaderLine[]; readonly body: Buffer } | null
  readonly error: string | null
  /** Everything the engine sent, until a moment after the answer. */
  readonly raw: Buffer
  readonly ended: 'fin' | 'rst' | null
}

export function askByNode(port: number, method: string, close: boolean): Promise<NodeAnswer> {
  const raw: Buffer[] = []
  let ended: NodeAnswer['ended'] = null
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('data', (chunk) => raw.push(Buffer.from(chunk)))
    socket.on('end', () => (ended ??= 'fin'))
    socket.on('error', () => (ended ??= 'rst'))
    let settled = false
    const done = (answer: NodeAnswer['answer'], error: string | null): void => {
      if (settled) return
      settled = true
      // Some turns more, so that anything behind the answer would be seen.
      let turns = 4
      const finish = (): void => {
        if (turns-- > 0) setImmediate(finish)
        else {
          socket.destroy()
          resolve({ answer, error, raw: Buffer.concat(raw), ended })
        }
      }
      finish()
    }
    const request = http.request({
      createConnection: () => socket,
      insecureHTTPParser: false,
      method,
      path: '/fuzz',
      headers: { host: 'a', connection: close ? 'close' : 'keep-alive' },
    })
    request.setTimeout(8_000, () => request.destroy(new Error('no end within 8 s')))
    request.on('error', (error) => done(null, error.message))
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (error) => done(null, error.message))
      response.on('close', () => done(null, 'closed early'))
      response.on('end', () => {
        const whole = { status: response.statusCode ?? 0, headers: pairs(response.rawHeaders), body: Buffer.concat(chunks) }
        done(response.complete ? whole : null, response.complete ? null : 'incomplete')
      })
    })
    request.end()
  })
}
