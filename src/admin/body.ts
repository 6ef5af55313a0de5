/**
 * Request bodies, bounded in bytes and in time: an admin port that can be filled up or held open takes
 * the one hand away that can still roll back.
 */
import type { IncomingMessage } from 'node:http'
import { problem } from './problem.ts'
import type { Problem } from './problem.ts'

/** Commands are a few hundred bytes. */
export const COMMAND_BODY_BYTES = 64 * 1024
/** The largest config file that is read at all. */
export const CONFIG_BODY_BYTES = 1024 * 1024

export function hasBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

/** The body as text; a problem when it is larger than `capBytes` or no UTF-8. Rejects when the client goes away. */
export async function readBody(req: IncomingMessage, capBytes: number): Promise<string | Problem> {
  const tooLarge = () => problem('body-too-large', `the body is larger than ${capBytes} bytes, the most this path takes`)
  if (Number(req.headers['content-length'] ?? 0) > capBytes) return tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  // Not `for await`: leaving that loop early destroys the request, and with it the way to answer 413.
  const fits = await new Promise<boolean>((resolve, reject) => {
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > capBytes) {
        req.pause()
        req.removeAllListeners('data')
        resolve(false)
      } else chunks.push(chunk)
    })
    req.once('end', () => resolve(true))
    req.once('error', reject)
    req.once('close', () => reject(new Error('the client left before its request was complete')))
  })
  if (!fits) return tooLarge()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return problem('body-invalid', 'the body is not valid UTF-8')
  }
}

const DRAIN_BYTES = 1024 * 1024
const DRAIN_MS = 1_000

/** Reads and forgets what is left of a refused body, so that closing is not a reset; gives up after a second or a mebibyte. */
export function drainBody(req: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = DRAIN_BYTES
    const timer = setTimeout(done, DRAIN_MS)
    function done(): void {
      clearTimeout(timer)
      req.off('data', count)
      resolve()
    }
    function count(chunk: Buffer): void {
      left -= chunk.length
      if (left < 0) done()
    }
    // Who waits for 100 Continue and was not told to go on sends nothing (RFC 9110 10.1.1).
    if (req.complete || req.destroyed || (req.headers.expect !== undefined && req.readableFlowing === null)) return done()
    req.on('data', count)
    req.once('end', done)
    req.once('error', done)
    req.once('close', done)
    req.resume()
  })
}
