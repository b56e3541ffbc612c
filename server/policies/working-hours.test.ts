/** Working hours by the clock on the wall of a time zone, also where it is set forward and back. */
import { expect, test } from 'vitest'
import { isOpen, isTimeZone, nextOpening, type WorkingHours } from './working-hours.ts'

const vienna: WorkingHours = { days: [1, 2, 3, 4, 5], from: '09:00', to: '17:00', time_zone: 'Europe/Vienna' }
const at = (text: string) => Date.parse(text)

test.each([
  // Monday in winter (UTC+1) and in summer (UTC+2).
  ['2026-01-05T07:59:59Z', false],
  ['2026-01-05T08:00:00Z', true],
  ['2026-01-05T15:59:59Z', true],
  ['2026-01-05T16:00:00Z', false],
  ['2026-07-06T06:59:59Z', false],
  ['2026-07-06T07:00:00Z', true],
  ['2026-07-06T15:00:00Z', false],
  // Saturday.
  ['2026-01-10T10:00:00Z', false],
])('%s: %s', (when, open) => {
  expect(isOpen(vienna, at(when))).toBe(open)
})

test('the day on which the clock is set forward, and back, has the hours of its clock', () => {
  const night: WorkingHours = { days: [7], from: '01:00', to: '04:00', time_zone: 'Europe/Vienna' }
  const hoursOpen = (from: string) =>
    Array.from({ length: 24 }, (_, hour) => isOpen(night, at(from) + hour * 3_600_000)).filter(Boolean).length
  // 2026-03-29 has no hour from 2 to 3, and 2026-10-25 has it twice.
  expect([
    hoursOpen('2026-03-28T23:00:00Z'),
    hoursOpen('2026-10-24T22:00:00Z'),
    hoursOpen('2026-05-02T22:00:00Z'),
  ]).toEqual([2, 4, 3])
})

test('hours past midnight belong to the day on which they begin', () => {
  const night: WorkingHours = { days: [5], from: '22:00', to: '02:00', time_zone: 'UTC' }
  const open = [
    '2026-01-09T21:59:00Z',
    '2026-01-09T22:00:00Z',
    '2026-01-10T01:59:00Z',
    '2026-01-10T02:00:00Z',
    '2026-01-10T23:00:00Z',
  ]
  expect(open.map(when => isOpen(night, at(when)))).toEqual([false, true, true, false, false])
  const sunday = { ...night, days: [7] }
  expect([isOpen(sunday, at('2026-01-12T01:59:00Z')), isOpen(sunday, at('2026-01-12T02:00:00Z'))]).toEqual([
    true,
    false,
  ])
  expect(isOpen({ ...night, from: '00:00', to: '24:00' }, at('2026-01-09T23:59:59Z'))).toBe(true)
})

test('the next opening is found over a weekend and a change of the clock', () => {
  expect(new Date(nextOpening(vienna, at('2026-03-27T18:00:00Z'))!).toISOString()).toBe('2026-03-30T07:00:00.000Z')
  expect([isTimeZone('Europe/Vienna'), isTimeZone('Nowhere/Land')]).toEqual([true, false])
})
