/** What backends do in these tests, beyond answering: hang, refuse in the middle, close at the worst moment. */
import { answerBytes, ok, type Script } from '../wire/backend.ts'

/** Answers every whole request with its own name, in a body that says what it was asked. */
export function answerAs(name: string): Script {
  return async (exchange) => {
    if (!(await exchange.whole)) return
    const { method, target, body } = exchange.request
    const text = `${name} ${method} ${target} ${body.length}`
    await exchange.send(
      method === 'HEAD' ? `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n` : ok(text, 'Content-Type: text/plain'),
    )
  }
}

/** The same answer from whoever is asked. */
export function same(body = 'same', ...headers: string[]): Script {
  return answerBytes(ok(body, 'Content-Type: text/plain', ...headers))
}

/** Takes requests and never answers. */
export const hang: Script = () => undefined

/** A status with a short body. */
export function status(code: number, body = `status ${code}`, ...headers: string[]): Script {
  const lines = headers.map((line) => `${line}\r\n`).join('')
  return answerBytes(`HTTP/1.1 ${code} Some Reason\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`)
}

/** Answers what `then` says once `gate` is open. */
export function after(gate: Promise<void>, then: Script): Script {
  return async (exchange) => {
    await gate
    await then(exchange)
  }
}

export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}

/** A script per request, in order; the last one for all that follow. */
export function inTurn(...scripts: readonly Script[]): Script {
  return (exchange) => (scripts[exchange.index] ?? scripts[scripts.length - 1])?.(exchange)
}
