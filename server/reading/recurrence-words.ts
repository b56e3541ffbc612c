/** Describes a recurrence rule (RFC 5545, section 3.3.10) in words; null where words would lose part of the rule. */

export interface RecurrenceRule {
  frequency: string
  interval: number
  count: number | null
  until: Day | null
  /** `BYDAY` and the other BY parts. */
  by: Readonly<Record<string, readonly (string | number)[]>>
}

export interface Day {
  year: number
  month: number
  day: number
}

/** Maximum length of a description; longer ones help no reader. */
const maxWords = 200

const weekdays: Readonly<Record<string, string>> = {
  MO: 'Monday',
  TU: 'Tuesday',
  WE: 'Wednesday',
  TH: 'Thursday',
  FR: 'Friday',
  SA: 'Saturday',
  SU: 'Sunday',
}
const dayNames = Object.keys(weekdays)
const workdays = dayNames.slice(0, 5)
const months = Array.from({ length: 12 }, (_, month) =>
  new Intl.DateTimeFormat('en-GB', { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2026, month, 1)),
)
const ordinals = new Map([
  [1, 'first'],
  [2, 'second'],
  [3, 'third'],
  [4, 'fourth'],
  [5, 'fifth'],
  [-1, 'last'],
  [-2, 'second to last'],
])
const units: Readonly<Record<string, string>> = { HOURLY: 'hour', MINUTELY: 'minute', SECONDLY: 'second' }

/** @param start Provides the parts that the rule leaves open. */
export function recurrenceWords(rule: RecurrenceRule, start: Day | null): string | null {
  const { interval, count, until } = rule
  if (![interval, count ?? 1].every(number => Number.isSafeInteger(number) && number > 0)) return null
  const words = timesOf(rule, start)
  if (words === null) return null
  const end = until ? ` until ${dayWords(until)}` : count === null ? '' : count === 1 ? ', once' : `, ${count} times`
  const whole = words + end
  return whole.length > maxWords ? null : whole
}

function timesOf(rule: RecurrenceRule, start: Day | null): string | null {
  const { BYMONTH: inMonths, ...by } = rule.by
  if (rule.frequency === 'YEARLY') return yearly(rule, start)
  const kinds: Record<string, (rule: RecurrenceRule, start: Day | null) => string | null> = {
    DAILY: daily,
    WEEKLY: weekly,
    MONTHLY: monthly,
  }
  const unit = units[rule.frequency]
  const plain = unit !== undefined && hasOnly(by) ? every(rule.interval, unit) : null
  const words = kinds[rule.frequency]?.({ ...rule, by }, start) ?? plain
  if (words === null || inMonths === undefined) return words
  const names = namesOfMonths(inMonths)
  return names && `${words} in ${names}`
}

function daily(rule: RecurrenceRule): string | null {
  const { interval, by } = rule
  if (hasOnly(by)) return every(interval, 'day')
  return interval === 1 ? weekly(rule, null) : null
}

function weekly({ interval, by }: RecurrenceRule, start: Day | null): string | null {
  if (!hasOnly(by, 'BYDAY')) return null
  const named = by.BYDAY ?? (start ? [dayNameOf(start)] : [])
  const days = dayNames.filter(day => named.includes(day))
  // A numbered day belongs to months and years.
  if (days.length !== new Set(named).size) return null
  if (days.length === 0) return every(interval, 'week')
  if (interval > 1) return `every ${interval} weeks on ${daysWords(days)}`
  if (days.length === dayNames.length) return 'every day'
  return `every ${daysWords(days)}`
}

function monthly({ interval, by }: RecurrenceRule, start: Day | null): string | null {
  if (interval === 1 && hasOnly(by, 'BYDAY') && by.BYDAY?.every(day => Object.hasOwn(weekdays, day))) {
    return weekly({ frequency: 'WEEKLY', interval, count: null, until: null, by }, start)
  }
  const days = daysOfMonth(hasOnly(by) && start ? { BYMONTHDAY: [start.day] } : by)
  if (days === null) return hasOnly(by) ? every(interval, 'month') : null
  return interval === 1 ? `on ${days} of every month` : `every ${interval} months on ${days}`
}

function yearly({ interval, by: { BYMONTH: inMonths, ...by } }: RecurrenceRule, start: Day | null): string | null {
  const years = every(interval, 'year')
  if (inMonths === undefined && (!start || !hasOnly(by))) return hasOnly(by) ? years : null
  const of = inMonths ?? [start!.month]
  const monthDays = by.BYMONTHDAY ?? (hasOnly(by) && start ? [start.day] : [])
  const names = namesOfMonths(of)
  if (names === null) return null
  if (hasOnly(by, 'BYMONTHDAY') && monthDays.every(day => Number(day) > 0 && Number(day) < 32)) {
    if (monthDays.length === 0) return `${years} in ${names}`
    const days = of.flatMap(month => monthDays.map(day => `${day} ${months[Number(month) - 1]}`))
    return `${years} on ${listed(days)}`
  }
  const days = daysOfMonth(by)
  return days && `${years} on ${days} of ${names}`
}

/** `the 1st and 15th`, `the second Tuesday`, `the last weekday`; null for anything else. */
function daysOfMonth({ BYMONTHDAY, BYDAY, BYSETPOS, ...others }: RecurrenceRule['by']): string | null {
  if (!hasOnly(others)) return null
  if (BYMONTHDAY) return BYDAY || BYSETPOS ? null : monthDayWords(BYMONTHDAY.map(Number))
  if (!BYDAY) return null
  if (!BYSETPOS) return listOrNull(BYDAY.map(numberedDay))
  const days = dayNames.filter(day => BYDAY.includes(day))
  const position = BYSETPOS.length === 1 ? ordinals.get(Number(BYSETPOS[0])) : undefined
  if (position === undefined || days.length !== BYDAY.length) return null
  if (days.length === 1) return `the ${position} ${weekdays[days[0]!]}`
  if (days.length === dayNames.length) return `the ${position} day`
  return days.join() === workdays.join() ? `the ${position} day from Monday to Friday` : null
}

function numberedDay(day: string | number): string | null {
  const [, number = '', name = ''] = /^([+-]?\d{1,2})([A-Z]{2})$/.exec(String(day)) ?? []
  const [ordinal, weekday] = [ordinals.get(Number(number)), weekdays[name]]
  return ordinal && weekday ? `the ${ordinal} ${weekday}` : null
}

function monthDayWords(days: readonly number[]): string | null {
  if (days.length === 1 && days[0] === -1) return 'the last day'
  if (!days.every(day => day >= 1 && day <= 31)) return null
  return `the ${listed(days.map(withEnding))}`
}

function withEnding(day: number): string {
  const isTeen = day > 10 && day < 14
  return `${day}${isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][day % 10] ?? 'th')}`
}

function daysWords(days: readonly string[]): string {
  return days.join() === workdays.join() ? 'day from Monday to Friday' : listed(days.map(day => weekdays[day]!))
}

function namesOfMonths(of: readonly (string | number)[]): string | null {
  return listOrNull(of.map(month => months[Number(month) - 1] ?? null))
}

function listOrNull(words: readonly (string | null)[]): string | null {
  const known = words.filter(word => word !== null)
  return known.length === words.length && known.length > 0 ? listed(known) : null
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

function every(count: number, unit: string): string {
  return count === 1 ? `every ${unit}` : `every ${count} ${unit}s`
}

/** True when the rule has no other parts. */
function hasOnly(by: RecurrenceRule['by'], ...parts: readonly string[]): boolean {
  return Object.keys(by).every(part => parts.includes(part))
}

function dayNameOf({ year, month, day }: Day): string {
  return dayNames[(new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7]!
}

function dayWords({ year, month, day }: Day): string {
  return `${day} ${months[month - 1]} ${year}`
}
