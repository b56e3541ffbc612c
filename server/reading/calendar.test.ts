/** Invitations as calendars of all kinds write them. */
import { expect, test } from 'vitest'
import { readCalendar } from './calendar.ts'

const berlin = [
  'BEGIN:VTIMEZONE',
  'TZID:W. Europe Standard Time',
  'BEGIN:STANDARD',
  'DTSTART:16010101T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
]
const event = (...lines: string[]) => {
  const all = ['BEGIN:VCALENDAR', 'METHOD:REQUEST', ...berlin, 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR']
  return readCalendar({ source: all.join('\r\n') })
}
const first = (...lines: string[]) => event(...lines)?.events[0]

test.each([
  ['DTSTART:20261201T100000Z', '2026-12-01T10:00:00', 'UTC', '2026-12-01T10:00:00.000Z'],
  [
    'DTSTART;TZID=W. Europe Standard Time:20261201T100000',
    '2026-12-01T10:00:00',
    'W. Europe Standard Time',
    '2026-12-01T09:00:00.000Z',
  ],
  [
    'DTSTART;TZID="W. Europe Standard Time":20260701T100000',
    '2026-07-01T10:00:00',
    'W. Europe Standard Time',
    '2026-07-01T08:00:00.000Z',
  ],
  [
    'DTSTART;TZID=America/New_York:20260701T100000',
    '2026-07-01T10:00:00',
    'America/New_York',
    '2026-07-01T14:00:00.000Z',
  ],
  ['DTSTART;TZID=Nowhere:20260701T100000', '2026-07-01T10:00:00', 'Nowhere', null],
  ['DTSTART:20260701T100000', '2026-07-01T10:00:00', null, null],
  ['DTSTART;VALUE=DATE:20260701', '2026-07-01', null, null],
])('%s', (line, local, zone, utc) => {
  expect(first(line)?.start).toEqual({ local, time_zone: zone, utc })
})

test('what is said of an event is told, and people by name and address', () => {
  const told = first(
    'UID:1@x',
    'SUMMARY:Tea\\, and\r\n  cake',
    'LOCATION:Room 1',
    'STATUS:confirmed',
    'DTSTART:20261201T100000Z',
    'DURATION:PT1H30M',
    'RRULE:FREQ=WEEKLY;COUNT=3',
    'ORGANIZER;CN="Ann, B":MAILTO:ann@x.org',
    'ATTENDEE;PARTSTAT=accepted;CN=Bob:mailto:bob@x.org',
    'ATTENDEE:mailto:eve@x.org',
    'DESCRIPTION:a line that is no use \u0007',
    'this is no line at all',
  )
  expect(told).toEqual({
    uid: '1@x',
    summary: 'Tea, and cake',
    location: 'Room 1',
    start: { local: '2026-12-01T10:00:00', time_zone: 'UTC', utc: '2026-12-01T10:00:00.000Z' },
    end: { local: '2026-12-01T11:30:00', time_zone: 'UTC', utc: '2026-12-01T11:30:00.000Z' },
    recurrence: 'FREQ=WEEKLY;COUNT=3',
    recurrence_id: null,
    sequence: null,
    status: 'CONFIRMED',
    organizer: { name: 'Ann, B', email: 'ann@x.org' },
    attendees: [
      { name: 'Bob', email: 'bob@x.org', status: 'ACCEPTED' },
      { name: null, email: 'eve@x.org', status: null },
    ],
    attendee_count: 2,
  })
})

test.each(['REQUEST', 'CANCEL', 'REPLY'])('a %s of one occurrence says which one, and how new it is', method => {
  const occurrence = 'RECURRENCE-ID;TZID=W. Europe Standard Time:20260708T100000'
  const lines = ['UID:series@x', occurrence, 'SEQUENCE:3', 'ATTENDEE;PARTSTAT=DECLINED:mailto:bob@x.org']
  const source = [
    'BEGIN:VCALENDAR',
    `METHOD:${method}`,
    ...berlin,
    'BEGIN:VEVENT',
    ...lines,
    'END:VEVENT',
    'END:VCALENDAR',
  ]
  const told = readCalendar({ source: source.join('\r\n') })
  expect(told?.method).toBe(method)
  expect(told?.events[0]).toMatchObject({
    uid: 'series@x',
    recurrence_id: {
      local: '2026-07-08T10:00:00',
      time_zone: 'W. Europe Standard Time',
      utc: '2026-07-08T08:00:00.000Z',
    },
    sequence: 3,
    attendees: [{ email: 'bob@x.org', status: 'DECLINED' }],
  })
  for (const broken of ['SEQUENCE:-1', 'RECURRENCE-ID:never']) {
    expect(first('UID:1@x', broken)).toMatchObject({ recurrence_id: null, sequence: null })
  }
})

test('what is broken costs itself alone, and what is no calendar is none', () => {
  expect(first('SUMMARY:Tea', 'DTSTART:garbage', 'DTEND:20261301T999999', 'RRULE:nonsense')).toMatchObject({
    summary: 'Tea',
    start: null,
  })
  for (const source of ['', 'hello', 'BEGIN:VCARD\r\nEND:VCARD', 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT']) {
    expect([source, readCalendar({ source })?.events.length ?? null]).toEqual([source, null])
  }
})

test('of many events and people the first are told, and all are counted', () => {
  const people = Array.from({ length: 60 }, (_, index) => `ATTENDEE:mailto:p${index}@x.org`)
  expect(first(...people)).toMatchObject({ attendee_count: 60, attendees: { length: 50 } })
  const many = Array.from({ length: 30 }, () => ['END:VEVENT', 'BEGIN:VEVENT']).flat()
  expect(event(...many)).toMatchObject({ event_count: 31, events: { length: 20 } })
})

const zone = (rule: string, count = 1) => {
  const change = [
    'BEGIN:STANDARD',
    'DTSTART:19700101T000000',
    'TZOFFSETFROM:+0200',
    'TZOFFSETTO:+0100',
    `RRULE:${rule}`,
  ]
  const changes = Array.from({ length: count }, () => [...change, 'END:STANDARD']).flat()
  return ['BEGIN:VTIMEZONE', 'TZID:Europe/Berlin', ...changes, 'END:VTIMEZONE']
}

test.each([
  ['each second', zone('FREQ=SECONDLY')],
  ['each day', zone('FREQ=DAILY')],
  ['in each second of a year', zone('FREQ=YEARLY;BYMONTH=1;BYHOUR=1;BYMINUTE=1,2,3;BYSECOND=1,2,3')],
  ['on all days', zone('FREQ=YEARLY;BYDAY=MO')],
  ['never', zone('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30')],
  ['on the sixth Sunday of March', zone('FREQ=YEARLY;BYMONTH=3;BYDAY=6SU')],
  ['by hundreds of rules', zone('FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU', 300)],
])('a time zone that changes %s is not worked out: its name tells', (_, described) => {
  const start = 'DTSTART;TZID=Europe/Berlin:20260701T100000'
  const all = ['BEGIN:VCALENDAR', ...described, 'BEGIN:VEVENT', start, 'END:VEVENT', 'END:VCALENDAR']
  const told = readCalendar({ source: all.join('\r\n') })
  expect(told?.events[0]?.start).toEqual({
    local: '2026-07-01T10:00:00',
    time_zone: 'Europe/Berlin',
    utc: '2026-07-01T08:00:00.000Z',
  })
})

test('times at the end of time cost no more than others', () => {
  const start = 'DTSTART;TZID=W. Europe Standard Time:99991201T100000'
  expect(first(start)?.start).toEqual({
    local: '9999-12-01T10:00:00',
    time_zone: 'W. Europe Standard Time',
    utc: null,
  })
  for (const duration of ['P99999999999999999W', '-P99999999999999999W', 'PT999999999999999999999S']) {
    expect(first('DTSTART:20261201T100000Z', `DURATION:${duration}`)).toMatchObject({ end: null })
  }
})
