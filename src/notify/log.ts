/** The receiver that is always there: alerts as log lines, critical ones as errors. */
import type { Notice, Receiver, Severity } from './alerts.ts'

/** The part of a logger that is used here; pino fits. */
export interface AlertLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

export function createLogReceiver(log: AlertLog): Receiver {
  return {
    name: 'log',
    send: (notice: Notice) => {
      const { text, severity, incident, event, route, evidence, suppressed } = notice
      const fields = { alert: { severity, incident, event, route, evidence, suppressed } }
      write(log, event === 'resolved' ? 'info' : severity, fields, text)
    },
  }
}

function write(log: AlertLog, severity: Severity, fields: object, text: string): void {
  switch (severity) {
    case 'critical':
      return log.error(fields, text)
    case 'warning':
      return log.warn(fields, text)
    case 'info':
      return log.info(fields, text)
    default:
      severity satisfies never
  }
}
