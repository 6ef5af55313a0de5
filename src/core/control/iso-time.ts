/**
 * Milliseconds since the epoch as ISO 8601 in UTC, without `Date`: the core has no clock, and this keeps
 * even the type that carries one out of it.
 *
 * Civil date from day number by Howard Hinnant, "chrono-compatible low-level date algorithms"
 * (days_from_civil and its inverse): years start in March, so the leap day is a year's last.
 */
const DAY_MS = 86_400_000
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAY = 719_468
/** Days in 400 Gregorian years. */
const ERA_DAYS = 146_097
/** The range of four-digit years: anything else comes from a broken clock and is shown at the edge. */
const FIRST_MS = -62_167_219_200_000
const LAST_MS = 253_402_300_799_999

export function isoTime(ms: number): string {
  const at = Number.isFinite(ms) ? Math.min(Math.max(Math.trunc(ms), FIRST_MS), LAST_MS) : 0
  const day = Math.floor(at / DAY_MS)
  const inDay = at - day * DAY_MS
  const clock = [Math.floor(inDay / 3_600_000), Math.floor(inDay / 60_000) % 60, Math.floor(inDay / 1_000) % 60]
  return `${dateOf(day)}T${clock.map((part) => digits(part, 2)).join(':')}.${digits(inDay % 1_000, 3)}Z`
}

function dateOf(day: number): string {
  const shifted = day + EPOCH_DAY
  const era = Math.floor(shifted / ERA_DAYS)
  const dayOfEra = shifted - era * ERA_DAYS
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(dayOfMonth, 2)}`
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
