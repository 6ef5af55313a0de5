/** Requests that node:http could not read: answered on the bare socket, in the same form as all others. */
import type { Duplex } from 'node:stream'
import { PROBLEM_TYPE } from './answer.ts'
import { problem, problemBody } from './problem.ts'
import type { Problem } from './problem.ts'

export function answerMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  // After a reset there is nobody to tell.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const told = problemOf(error.code)
  const body = problemBody(told)
  socket.end(
    `HTTP/1.1 ${told.status} ${told.code}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}

function problemOf(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem('request-timeout', 'the request did not arrive completely in time')
  if (code === 'HPE_HEADER_OVERFLOW') return problem('head-too-large', 'the head of the request is larger than 16 KiB')
  return problem('request-malformed', 'this is no HTTP/1.1 request')
}
