/** Parses an invitation (RFC 5545) into data. Runs on a thread of `TextWorker`, since strangers write invitations. */
import ICAL from 'ical.js'
import { type Day, recurrenceWords } from './recurrence-words.ts'
import { cutText } from './stranger-text.ts'

export interface CalendarData {
  method: string | null
  events: CalendarEventData[]
  event_count: number
}

export interface CalendarEventData {
  uid: string | null
  summary: string
  location: string | null
  start: CalendarTimeData | null
  end: CalendarTimeData | null
  recurrence: string | null
  recurrence_words: string | null
  exceptions: number
  additions: number
  recurrence_id: CalendarTimeData | null
  sequence: number | null
  status: string | null
  organizer: PersonData | null
  attendees: (PersonData & { status: string | null })[]
  attendee_count: number
}

export interface CalendarTimeData {
  local: string
  time_zone: string | null
  utc: string | null
}

interface PersonData {
  name: string | null
  email: string
}

const maxEvents = 20
const maxAttendees = 50
/** Explicit changes per time zone, more than a century has; zones above it are ignored. */
const maxZoneRules = 400
/** Yearly rules of all time zones of a calendar, since each is expanded year by year. */
const maxYearlyRules = 60
/** Days of a month in such a rule. */
const maxMonthDays = 7
/** Last year of the expansion; later times have no `utc`. */
const lastYear = 2200
/** An event that lasts longer than ten years gets no end. */
const longestSeconds = 10 * 366 * 24 * 60 * 60
/** Lines that are parsed; those above `maxLine` are skipped, since parsing takes time quadratic in their length. */
const readLines =
  /^(?:BEGIN|END|VERSION|METHOD|UID|SUMMARY|LOCATION|DTSTART|DTEND|DUE|DURATION|RRULE|EXRULE|RDATE|RECURRENCE-ID|SEQUENCE|STATUS|ORGANIZER|ATTENDEE|TZID|TZOFFSETFROM|TZOFFSETTO)[;:]/i
/** Dates that a series excludes or adds: they are only counted, however many a line contains. */
const dateList = /^(EXDATE|RDATE)[;:]/i
const listedDate = /^\d{8}(?:T\d{6}Z?)?(?:\/\S+)?$/
const maxLine = 4096
const maxLengths = { uid: 998, summary: 1_000, location: 1_000, rule: 300, word: 40, zone: 100, name: 300, email: 320 }

/** Parses a calendar; null when it is none. */
export function readCalendar({ source }: { source: string }): CalendarData | null {
  const root = parse(source)
  if (root?.name !== 'vcalendar') return null
  const zones = zonesOf(root)
  const parts = root.getAllSubcomponents().filter(({ name }) => name === 'vevent' || name === 'vtodo')
  const changed = changedOccurrences(parts)
  return {
    method: wordOf(root, 'method')?.toUpperCase() ?? null,
    events: parts.slice(0, maxEvents).map(part => toEvent(part, zones, changed)),
    event_count: parts.length,
  }
}

/** Parses the first of several calendars in one part. */
function parse(source: string): ICAL.Component | undefined {
  try {
    const lines = source.replaceAll(/\r?\n[ \t]/g, '').split(/\r?\n/)
    const known = lines.flatMap(line => {
      const kept = line.length <= maxLine && readLines.test(line) ? [line] : []
      return dateList.test(line) ? [...kept, countOfDates(line)] : kept
    })
    const parsed: unknown = ICAL.parse(known.join('\r\n'))
    const first = Array.isArray(parsed) && Array.isArray(parsed[0]) ? parsed[0] : parsed
    return new ICAL.Component(first as never)
  } catch {
    return undefined
  }
}

function countOfDates(line: string): string {
  const [name = ''] = line.split(/[;:]/, 1)
  const dates = line.slice(line.lastIndexOf(':') + 1).split(',')
  return `X-COUNT-${name}:${dates.filter(date => listedDate.test(date.trim())).length}`
}

/** Counts, by series, the occurrences that the calendar overrides. */
function changedOccurrences(parts: readonly ICAL.Component[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const part of parts) {
    const uid = part.hasProperty('recurrence-id') ? textOf(part, 'uid', maxLengths.uid) : null
    if (uid !== null) counts.set(uid, (counts.get(uid) ?? 0) + 1)
  }
  return counts
}

/** The time zones as defined in the calendar, whose names may mean anything. */
function zonesOf(root: ICAL.Component): Map<string, ICAL.Timezone> {
  const described: ICAL.Component[] = []
  let left = maxYearlyRules
  for (const zone of root.getAllSubcomponents('vtimezone')) {
    const changes = zone.getAllSubcomponents()
    const rules = changes.flatMap(change => change.getAllProperties('rrule'))
    if (changes.length > maxZoneRules || rules.length > left || !rules.every(isYearly)) continue
    left -= rules.length
    described.push(zone)
  }
  return new Map(
    described.map(component => {
      const tzid = String(readValue(component.getFirstProperty('tzid')) ?? '')
      return [tzid, new ICAL.Timezone({ component, tzid })] as const
    }),
  )
}

/** True for a rule like those of real zones, on a day of a month. Others may change the clock each second, or never. */
function isYearly(property: ICAL.Property): boolean {
  const rule = readValue(property)
  if (!(rule instanceof ICAL.Recur) || rule.freq !== 'YEARLY') return false
  const { BYMONTH: months = [], BYDAY: days = [], BYMONTHDAY: monthDays = [], ...others } = rule.parts
  const isInMonth = months.length === 1 || days.length + monthDays.length === 0
  const areMonthDays = monthDays.length <= maxMonthDays && monthDays.every(day => Math.abs(Number(day)) <= 28)
  const isDay = (day: unknown) => (monthDays.length > 0 ? /^[A-Z]{2}$/ : /^(?:[+-]?[1-4])?[A-Z]{2}$/).test(String(day))
  return Object.keys(others).length === 0 && isInMonth && days.length <= 1 && days.every(isDay) && areMonthDays
}

function toEvent(
  part: ICAL.Component,
  zones: ReadonlyMap<string, ICAL.Timezone>,
  changed: ReadonlyMap<string, number>,
): CalendarEventData {
  const attendees = part.getAllProperties('attendee')
  const organizer = part.getFirstProperty('organizer')
  const rule = readValue(part.getFirstProperty('rrule'))
  const uid = textOf(part, 'uid', maxLengths.uid)
  const additions = countOf(part, 'x-count-rdate')
  const isSeries = !part.hasProperty('recurrence-id') && (rule !== undefined || additions > 0)
  return {
    uid,
    summary: textOf(part, 'summary', maxLengths.summary) ?? '',
    location: textOf(part, 'location', maxLengths.location),
    start: timeOf(part.getFirstProperty('dtstart'), zones),
    end: timeOf(part.getFirstProperty('dtend') ?? part.getFirstProperty('due'), zones) ?? endByDuration(part, zones),
    recurrence: rule === undefined ? null : oneLine(String(rule), maxLengths.rule),
    recurrence_words: wordsOfRule(part, zones),
    exceptions: isSeries ? countOf(part, 'x-count-exdate') + (changed.get(uid ?? '') ?? 0) : 0,
    additions: isSeries ? additions : 0,
    recurrence_id: timeOf(part.getFirstProperty('recurrence-id'), zones),
    sequence: sequenceOf(part),
    status: wordOf(part, 'status')?.toUpperCase() ?? null,
    organizer: organizer && toPerson(organizer),
    attendees: attendees.slice(0, maxAttendees).map(attendee => ({
      ...toPerson(attendee),
      status: oneLine(parameterOf(attendee, 'partstat').toUpperCase(), maxLengths.word) || null,
    })),
    attendee_count: attendees.length,
  }
}

function countOf(part: ICAL.Component, name: string): number {
  return part.getAllProperties(name).reduce((sum, property) => sum + Number(readValue(property)), 0)
}

/** Null without a rule, with several or an excluding one, and for a rule part unknown to RFC 5545. */
function wordsOfRule(part: ICAL.Component, zones: ReadonlyMap<string, ICAL.Timezone>): string | null {
  const properties = part.getAllProperties('rrule')
  const [rule] = properties.map(readValue)
  if (properties.length !== 1 || part.hasProperty('exrule') || !(rule instanceof ICAL.Recur) || !knowsAll(rule))
    return null
  const first = part.getFirstProperty('dtstart')
  const start = readValue(first)
  const by = Object.fromEntries(Object.entries(rule.parts).map(([name, values]) => [name, [values].flat()]))
  const until = rule.until && lastDay(rule.until, first ? parameterOf(first, 'tzid') : '', zones)
  const { freq, interval, count } = rule
  const plain = { frequency: String(freq), interval, count, until, by: by as Record<string, (string | number)[]> }
  return recurrenceWords(plain, start instanceof ICAL.Time ? dayOf(start) : null)
}

function knowsAll(rule: ICAL.Recur): boolean {
  const known = new Set(Object.keys(new ICAL.Recur({})))
  return Object.keys(rule).every(name => known.has(name))
}

/** Converts UNTIL to the event's time zone, where an end in UTC may fall on the day before or after. */
function lastDay(until: ICAL.Time, zoneName: string, zones: ReadonlyMap<string, ICAL.Timezone>): Day {
  if (until.zone !== ICAL.Timezone.utcTimezone || until.isDate || until.year > lastYear) return dayOf(until)
  const zone = zones.get(zoneName)
  try {
    if (zone) return dayOf(until.convertToZone(zone))
    const format = new Intl.DateTimeFormat('en-CA', { timeZone: zoneName || 'UTC' })
    const [year = 0, month = 0, day = 0] = format
      .format(until.toUnixTime() * 1000)
      .split('-')
      .map(Number)
    return { year, month, day }
  } catch {
    // The zone is invalid or unknown.
    return dayOf(until)
  }
}

function dayOf({ year, month, day }: ICAL.Time): Day {
  return { year, month, day }
}

function timeOf(property: ICAL.Property | null, zones: ReadonlyMap<string, ICAL.Timezone>): CalendarTimeData | null {
  const value = readValue(property)
  if (!property || !(value instanceof ICAL.Time)) return null
  const isUtc = value.zone === ICAL.Timezone.utcTimezone
  const named = parameterOf(property, 'tzid')
  return toTime(value, isUtc ? 'UTC' : named, isUtc ? ICAL.Timezone.utcTimezone : zones.get(named))
}

function toTime(value: ICAL.Time, name: string, zone: ICAL.Timezone | undefined): CalendarTimeData {
  const local = value.toString().replace(/Z$/, '')
  return {
    local: oneLine(local, maxLengths.word),
    time_zone: oneLine(name, maxLengths.zone) || null,
    utc: value.isDate ? null : zone ? utcOf(value, zone) : utcByName(local, name),
  }
}

function utcOf(value: ICAL.Time, zone: ICAL.Timezone): string | null {
  if (value.year > lastYear) return null
  try {
    const there = value.clone()
    there.zone = zone
    return isoOf(there.toUnixTime() * 1000)
  } catch {
    // The definition of the zone is invalid.
    return null
  }
}

/** Where the calendar does not define the zone, its name may be an IANA one. */
function utcByName(local: string, name: string): string | null {
  const wall = Date.parse(`${local}Z`)
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
    const offsetAt = (ms: number) => {
      const words = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? ''
      const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(words) ?? []
      return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
    }
    return name === '' ? null : isoOf(wall - offsetAt(wall - offsetAt(wall)))
  } catch {
    return null
  }
}

function endByDuration(part: ICAL.Component, zones: ReadonlyMap<string, ICAL.Timezone>): CalendarTimeData | null {
  const start = part.getFirstProperty('dtstart')
  const [value, duration] = [readValue(start), readValue(part.getFirstProperty('duration'))]
  if (!start || !(value instanceof ICAL.Time) || !(duration instanceof ICAL.Duration)) return null
  // ICAL adds durations day by day.
  if (!(Math.abs(duration.toSeconds()) <= longestSeconds)) return null
  const end = value.clone()
  end.addDuration(duration)
  const isUtc = value.zone === ICAL.Timezone.utcTimezone
  const named = parameterOf(start, 'tzid')
  return toTime(end, isUtc ? 'UTC' : named, isUtc ? ICAL.Timezone.utcTimezone : zones.get(named))
}

function toPerson(property: ICAL.Property): PersonData {
  const address = String(readValue(property) ?? '').replace(/^mailto:/i, '')
  return {
    name: oneLine(parameterOf(property, 'cn'), maxLengths.name) || null,
    email: oneLine(address, maxLengths.email),
  }
}

function parameterOf(property: ICAL.Property, name: string): string {
  const value: unknown = property.getParameter(name)
  return typeof value === 'string' ? value : Array.isArray(value) ? String(value[0] ?? '') : ''
}

/** Undefined when the property is missing or invalid. */
function readValue(property: ICAL.Property | null): unknown {
  try {
    return property?.getFirstValue() ?? undefined
  } catch {
    return undefined
  }
}

function sequenceOf(part: ICAL.Component): number | null {
  const value = readValue(part.getFirstProperty('sequence'))
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}

function textOf(part: ICAL.Component, name: string, length: number): string | null {
  const value = readValue(part.getFirstProperty(name))
  return typeof value === 'string' ? oneLine(value, length) || null : null
}

function wordOf(part: ICAL.Component, name: string): string | null {
  return textOf(part, name, maxLengths.word)
}

function oneLine(text: string, length: number): string {
  return cutText(
    text
      .toWellFormed()
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim(),
    length,
  )
}

function isoOf(ms: number): string | null {
  const date = new Date(ms)
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString()
  return /^\d{4}-/.test(text) ? text : null
}
