/** The delivery rate is what was sent in the last minute, whenever it is read. */
import { expect, test } from 'vitest'
import { StreamFigures } from './stream-figures.ts'

/** Sends `perSecond` events in each second, and marks its end. */
function run(figures: StreamFigures, from: number, seconds: number, perSecond: number): number {
  for (let second = 1; second <= seconds; second++) {
    figures.sent(perSecond)
    figures.mark(from + second * 1000)
  }
  return from + seconds * 1000
}

test('nothing is said of a rate before there is anything to measure it by', () => {
  const figures = new StreamFigures()
  figures.sent(100)
  expect(figures.sentPerSecond(5_000)).toBe(0)
  figures.mark(5_000)
  expect(figures.sentPerSecond(5_000)).toBe(0)
})

test('in the first minute the rate is over the time since the start', () => {
  const figures = new StreamFigures()
  figures.mark(0)
  expect(figures.sentPerSecond(run(figures, 0, 10, 25))).toBe(25)
})

test('later the rate is over the last 60 s, and quiet brings it down to nothing', () => {
  const figures = new StreamFigures()
  figures.mark(0)
  const busy = run(figures, 0, 200, 100)
  expect(figures.sentPerSecond(busy)).toBe(100)
  const half = run(figures, busy, 30, 0)
  expect(figures.sentPerSecond(half)).toBe(50)
  expect(figures.sentPerSecond(run(figures, half, 30, 0))).toBe(0)
})

test('a timer that comes late does not make the rate higher than it was', () => {
  const figures = new StreamFigures()
  figures.mark(0)
  figures.sent(1_000)
  figures.mark(100_000)
  expect(figures.sentPerSecond(100_000)).toBe(10)
})
