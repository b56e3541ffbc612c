/** Times at which operations are settled rise, whatever the clock does. */
import { expect, test } from 'vitest'
import { SettledTimes } from './settled-times.ts'

const day = 24 * 60 * 60_000

test('two in the same millisecond, and those after the clock was set back, are later than the one before', () => {
  let now = 10 * day
  const times = new SettledTimes(() => now)
  times.startAfter(null)
  const [first, second] = [times.next(), times.next()]
  now -= 3_600_000
  expect([first, second, times.next()]).toEqual([0, 1, 2].map(ms => new Date(10 * day + ms).toISOString()))
  const after = new SettledTimes(() => now)
  after.startAfter(second)
  expect(after.next() > second).toBe(true)
  now += 2 * 3_600_000
  expect(after.next()).toBe(new Date(now).toISOString())
})

test('a clock that was more than a day ahead is not followed', () => {
  const times = new SettledTimes(() => 10 * day)
  times.startAfter(new Date(12 * day).toISOString())
  expect(times.next()).toBe(new Date(10 * day).toISOString())
})
