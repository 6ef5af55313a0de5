/**
 * The supervisor's own log lines: JSON in the shape of pino's, which control writes.
 *
 * Main carries no logger, because it must be able to speak when nothing else works.
 */
type Level = 'info' | 'warn' | 'error' | 'fatal'
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void

/** pino's numbers. */
const NUMBERS: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: 100 }

/** `least`: lines below this level are not written; an unknown name means info. */
export function createLog(write: (line: string) => void, least: string | undefined): Log {
  const threshold = NUMBERS[least?.toLowerCase() ?? 'info'] ?? 30
  return (level, message, fields = {}) => {
    const number = NUMBERS[level] ?? 30
    if (number < threshold) return
    write(JSON.stringify({ level: number, time: Date.now(), pid: process.pid, thread: 'main', ...fields, msg: message }))
  }
}
