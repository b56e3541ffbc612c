/** What is learned of a mail server that allows an account few connections. */
import { expect, test, vi } from 'vitest'
import { PoolSize } from './server-limit.ts'

test('each refusal of one more connection doubles the delay before the next attempt, up to an hour', () => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const waits: (number | undefined)[] = []
  const size = new PoolSize(
    () => 10,
    undefined,
    limit => waits.push(limit?.waitMs),
  )
  const unwatched = { isWatched: false, watching: 0 }
  for (let refusal = 0; refusal < 8; refusal++) {
    size.refused(3)
    expect(size.most(unwatched)).toBe(3)
    // Another attempt of the same moment is refused for the same reason.
    size.refused(3)
    now += waits.at(-1)!
    expect(size.most(unwatched)).toBe(4)
  }
  expect(waits.map(ms => ms! / 60_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
})

test('a limit that was known before is used, within its bounds', () => {
  const limits = [1, 600_000, 24 * 60 * 60_000].map(waitMs => {
    let now = 0
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    const size = new PoolSize(() => 10, { connections: 0, waitMs })
    const most = () => size.most({ isWatched: false, watching: 0 })
    expect([size.serverLimit, most()]).toEqual([1, 1])
    while (most() === 1) now += 60_000
    clock.mockRestore()
    return now / 60_000
  })
  expect(limits).toEqual([1, 10, 60])
})
