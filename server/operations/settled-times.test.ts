/** Settling times of operations are monotonic, whatever the clock does. */
import { expect, test } from 'vitest'
import { SettledTimes } from './settled-times.ts'

const day = 24 * 60 * 60_000
const lease = () => ({ name: 'operations:a', fence: async () => undefined })
const mine = lease()

test('two in the same millisecond, and those after the clock was set back, are later than the one before', async () => {
  let now = 10 * day
  const times = new SettledTimes(() => now)
  await times.goOn(lease(), async () => null)
  const [first, second] = [times.next(), times.next()]
  now -= 3_600_000
  expect([first, second, times.next()]).toEqual([0, 1, 2].map(ms => new Date(10 * day + ms).toISOString()))
  const after = new SettledTimes(() => now)
  await after.goOn(mine, async () => second!)
  await after.goOn(mine, () => Promise.reject(new Error('nobody else has settled any')))
  expect(after.next() > second).toBe(true)
  now += 2 * 3_600_000
  expect(after.next()).toBe(new Date(now).toISOString())
})

test('a clock that was more than a day ahead is not followed', async () => {
  const times = new SettledTimes(() => 10 * day)
  await times.goOn(mine, async () => new Date(12 * day).toISOString())
  expect(times.next()).toBe(new Date(10 * day).toISOString())
})
