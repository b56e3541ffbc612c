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
    recurrence_words: 'every Tuesday, 3 times',
    exceptions: 0,
    additions: 0,
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

test.each([
  ['FREQ=WEEKLY;BYDAY=TU;UNTIL=20270303T090000Z', 'every Tuesday until 3 March 2027'],
  ['FREQ=WEEKLY', 'every Tuesday'],
  ['FREQ=WEEKLY;BYDAY=TH,TU', 'every Tuesday and Thursday'],
  ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;WKST=SU', 'every 2 weeks on Monday, Wednesday and Friday'],
  ['FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', 'every day from Monday to Friday'],
  ['FREQ=DAILY', 'every day'],
  ['FREQ=DAILY;INTERVAL=3;COUNT=10', 'every 3 days, 10 times'],
  ['FREQ=DAILY;BYDAY=SA,SU', 'every Saturday and Sunday'],
  ['FREQ=DAILY;COUNT=1', 'every day, once'],
  ['FREQ=WEEKLY;BYDAY=MO;BYMONTH=6,7', 'every Monday in June and July'],
  ['FREQ=MONTHLY', 'on the 1st of every month'],
  ['FREQ=MONTHLY;BYMONTHDAY=2,3,11,22', 'on the 2nd, 3rd, 11th and 22nd of every month'],
  ['FREQ=MONTHLY;BYMONTHDAY=-1', 'on the last day of every month'],
  ['FREQ=MONTHLY;INTERVAL=3;BYDAY=2TU', 'every 3 months on the second Tuesday'],
  ['FREQ=MONTHLY;BYDAY=-1FR', 'on the last Friday of every month'],
  ['FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2', 'on the second Tuesday of every month'],
  ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', 'on the last day from Monday to Friday of every month'],
  ['FREQ=MONTHLY;BYDAY=TU', 'every Tuesday'],
  ['FREQ=YEARLY', 'every year on 1 December'],
  ['FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3', 'every year on 3 March'],
  ['FREQ=YEARLY;INTERVAL=2;BYMONTH=10;BYDAY=-1SU', 'every 2 years on the last Sunday of October'],
  ['FREQ=YEARLY;BYMONTH=3,9', 'every year on 1 March and 1 September'],
  ['FREQ=HOURLY;INTERVAL=6', 'every 6 hours'],
  // What prose would misstate is shown as the rule.
  ['FREQ=WEEKLY;BYDAY=TU;BYHOUR=9,17', null],
  ['FREQ=WEEKLY;BYDAY=1TU', null],
  ['FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13', null],
  ['FREQ=MONTHLY;BYDAY=TU,TH;BYSETPOS=1', null],
  ['FREQ=MONTHLY;INTERVAL=2;BYDAY=TU', null],
  ['FREQ=MONTHLY;BYMONTHDAY=-3', null],
  ['FREQ=YEARLY;BYWEEKNO=20', null],
  ['FREQ=YEARLY;BYDAY=53MO', null],
  ['FREQ=YEARLY;BYMONTHDAY=3', null],
  ['RSCALE=HEBREW;FREQ=YEARLY', null],
  ['FREQ=MONTHLY;SKIP=FORWARD;BYMONTHDAY=31', null],
  [
    `FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTHDAY=${Array.from({ length: 31 }, (_, day) => day + 1)}`,
    null,
  ],
])('in plain words %s is %j', (rule, words) => {
  const said = first('DTSTART:20261201T100000Z', `RRULE:${rule}`)
  expect(said).toMatchObject({ recurrence: expect.stringContaining('FREQ='), recurrence_words: words })
})

test.each([
  ['DTSTART;TZID=W. Europe Standard Time:20261208T003000', '20270302T233000Z', '3 March'],
  ['DTSTART;TZID=America/Los_Angeles:20261208T200000', '20270304T040000Z', '3 March'],
  ['DTSTART;TZID=Nowhere:20261208T200000', '20270303T040000Z', '3 March'],
  ['DTSTART;VALUE=DATE:20261208', '20270303', '3 March'],
  ['DTSTART:20261208T100000', '99990303T100000', '3 March'],
])('the last day of a series is one of its own clocks: %s until %s', (start, until, day) => {
  const words = first(start, `RRULE:FREQ=WEEKLY;UNTIL=${until}`)?.recurrence_words
  expect(words).toMatch(new RegExp(`^every Tuesday until ${day} \\d{4}$`))
})

test('what a series leaves out, changes and adds is counted, however long its lines are', () => {
  const dates = Array.from({ length: 900 }, (_, index) => `${20270101 + index}T100000Z`).join()
  const series = ['UID:1@x', 'DTSTART:20261201T100000Z', 'RRULE:FREQ=DAILY']
  const other = ['END:VEVENT', 'BEGIN:VEVENT', 'UID:1@x', 'RECURRENCE-ID:20261202T100000Z', 'EXDATE:20261203T100000Z']
  expect(first(...series)).toMatchObject({ exceptions: 0, additions: 0 })
  const exceptions = [
    'EXDATE;TZID="(GMT+01:00) a:b":20261203T100000,20261204T100000',
    'EXDATE;VALUE=DATE:20261205,nonsense',
  ]
  expect(event(...series, ...exceptions, `EXDATE:${dates}`, ...other)?.events).toMatchObject([
    { exceptions: 904, additions: 0 },
    { exceptions: 0, recurrence_words: null },
  ])
  const added = [
    'UID:2@x',
    'DTSTART:20261201T100000Z',
    'RDATE;VALUE=PERIOD:20261203T100000Z/PT1H,20261204T100000Z/PT1H',
  ]
  expect(first(...added)).toMatchObject({ recurrence: null, recurrence_words: null, additions: 2 })
  for (const other of ['RRULE:FREQ=WEEKLY', 'EXRULE:FREQ=WEEKLY']) {
    expect(first(...series, other)).toMatchObject({ recurrence: 'FREQ=DAILY', recurrence_words: null })
  }
})
