/** When a ramp may raise: days, hours and a time zone. Lowering knows no office hours. */
import { z } from 'zod'
import { text } from './fields.ts'

const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const DAYS = new RegExp(`^${DAY}(?:-${DAY})?(?:,${DAY}(?:-${DAY})?)*$`)
const HOUR = '(?:[01][0-9]|2[0-4])(?::[0-5][0-9])?'
const HOURS = new RegExp(`^${HOUR}-${HOUR}$`)

export const calendar = z
  .strictObject({
    days: text('Days, such as mon-fri or mon,wed.', {
      what: 'a list of days',
      write: 'days such as mon-fri or mon,wed',
      pattern: DAYS,
    }).prefault('mon-fri'),
    hours: text('Hours, such as 09-17 or 09:30-17.', {
      what: 'a span of hours',
      write: 'hours such as 09-17',
      pattern: HOURS,
      problem: (value) =>
        value.slice(0, value.indexOf('-')) < value.slice(value.indexOf('-') + 1)
          ? null
          : `${JSON.stringify(value)} ends before it begins; write hours such as 09-17`,
    }).prefault('09-17'),
    tz: text('Time zone.', {
      write: 'a time zone such as UTC or Europe/Berlin',
      problem: (value) => (isTimeZone(value) ? null : `${JSON.stringify(value)} is no time zone; write one such as UTC or Europe/Berlin`),
    }).prefault('UTC'),
  })
  .meta({ description: 'When the ramp may raise; null = always.' })

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
