/**
 * The log of the process: JSON lines, written by control for all threads and never waited for.
 *
 * Lines go into a bounded buffer that drains in the background. A reader that stops (a full disk, a stuck
 * pipe) costs lines, counted, and neither memory nor a request's time. What names a secret is censored here
 * once more, whatever the caller passed.
 */
import pino from 'pino'
import type { Level, Logger } from 'pino'
import { createLineSink } from './line-sink.ts'

export interface LogOptions {
  /** LOG_LEVEL as found in the environment; what is no level means `info`, with a warning. */
  readonly level: string | undefined
  /** Names this thread in its lines. */
  readonly thread: string
  /** File descriptor; 1 is stdout. */
  readonly fd?: number
  /** Lines waiting to be written, together at most. */
  readonly bufferBytes?: number
}

export interface Log {
  readonly logger: Logger
  /** Finished lines of other threads; `dropped`: how many those threads lost before sending. */
  writeLines(lines: readonly string[], dropped: number): void
  /** Lines lost so far, here and in the threads. */
  dropped(): number
  /** Resolves when everything is written, or after `limitMs` (default 1 s): for the end of the process. */
  flush(limitMs?: number): Promise<void>
}

const BUFFER_BYTES = 8 * 1024 * 1024
const LEVELS: readonly string[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] satisfies (Level | 'silent')[]

const SECRET_KEYS = [
  'token',
  'tokens',
  'secret',
  'password',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'key',
  'apiKey',
] as const
/** Paths three levels deep: `token`, `admin.token`, `request.headers.authorization`. */
const REDACTED_PATHS: readonly string[] = SECRET_KEYS.flatMap((key) => ['', '*', '*.*'].map((above) => `${above}["${key}"]`))

export function createLog(options: LogOptions): Log {
  const wanted = options.level?.toLowerCase() ?? 'info'
  const known = LEVELS.includes(wanted)
  let lost = 0
  const sink = createLineSink(options.fd ?? 1, options.bufferBytes ?? BUFFER_BYTES)
  const logger = pino(
    {
      level: known ? wanted : 'info',
      base: { pid: process.pid, thread: options.thread },
      redact: { paths: [...REDACTED_PATHS], censor: '[redacted]' },
    },
    sink,
  )
  if (!known) logger.warn(`LOG_LEVEL is ${JSON.stringify(options.level)}: it must be one of ${LEVELS.join(', ')}; using info`)

  return {
    logger,
    writeLines(lines, dropped) {
      lost += dropped
      if (lines.length > 0) sink.write(`${lines.join('\n')}\n`)
    },
    dropped: () => lost + sink.dropped(),
    flush: (limitMs = 1_000) => sink.flush(limitMs),
  }
}
