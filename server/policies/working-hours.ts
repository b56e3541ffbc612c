/** Working hours in a time zone of the IANA database, with daylight saving time. */
import type { TokenPolicy } from '../../contract/policy.ts'

export type WorkingHours = NonNullable<TokenPolicy['sending']['hours']>

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const quarter = 15 * 60_000
/** Quarter hours searched for the next opening: a week and a day, since working hours repeat weekly. */
const quartersAhead = 8 * 24 * 4

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/**
 * Returns whether it is within working hours, by local time. Hours that end before they begin run past midnight, and
 * belong to the day on which they begin.
 */
export function isOpen({ days: open, from, to, time_zone: timeZone }: WorkingHours, at: number): boolean {
  const { day, minute } = wallClock(timeZone, at)
  const [begin, end] = [minutesOf(from), minutesOf(to)]
  if (begin < end) return open.includes(day) && minute >= begin && minute < end
  const yesterday = day === 1 ? 7 : day - 1
  return (open.includes(day) && minute >= begin) || (open.includes(yesterday) && minute < end)
}

/** Returns the next opening, to the quarter hour, as time zone offsets are; undefined if there is none. */
export function nextOpening(hours: WorkingHours, after: number): number | undefined {
  const first = Math.ceil(after / quarter) * quarter
  const next = Array.from({ length: quartersAhead }, (_, index) => first + index * quarter)
  return next.find(at => isOpen(hours, at))
}

function wallClock(timeZone: string, at: number): { day: number; minute: number } {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', weekday: 'short', hour: '2-digit', minute: '2-digit' },
  })
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return { day: days.indexOf(parts.weekday ?? '') + 1, minute: Number(parts.hour) * 60 + Number(parts.minute) }
}

function minutesOf(clock: string): number {
  const [hour = '0', minute = '0'] = clock.split(':')
  return Number(hour) * 60 + Number(minute)
}
