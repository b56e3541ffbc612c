/** The shape of a back-test: spikes are kept, gaps stay gaps, and firing times are bands. */
import { expect, test } from 'vitest'
import type { BackTest } from '../../contract/alerts.ts'
import { backTestShape, backTestWords } from './back-test-shape.ts'

const instance = {
  labels: {},
  fired: 1,
  firings: [{ from: '1970-01-01T00:00:50.000Z', to: '1970-01-01T00:01:00.000Z', worst: 9 }],
  at: [10, 20, 50, 60, 100],
  values: [1, 1, 9, null, 1],
}
const data: BackTest = {
  ...{ from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:01:40.000Z', step_seconds: 900, window_seconds: 900 },
  ...{ fired: 1, flapped: 0, firing_seconds: 10, instances: [instance], instances_left_out: 0 },
}

test('values, thresholds and what fired stand where they were', () => {
  const { line, threshold, clear, bands, low, high } = backTestShape(
    { threshold: 5, clear_threshold: 1 },
    data,
    instance,
  )
  expect(bands).toEqual([{ from: 50, width: 10 }])
  expect([threshold, clear, low, high]).toEqual([45, 85, 0, 9])
  expect(line).toBe('M10 85L10 85M20 85L20 85M50 5L50 5M100 85L100 85')
  expect(backTestShape({ threshold: 5, clear_threshold: null }, data, instance).clear).toBeUndefined()
})

test('it is said in words', () => {
  const once = 'It would have fired once in the last 30 days, 10 s in all. Tested in steps of 15 min.'
  expect(backTestWords(data, 30)).toBe(once)
  const words = backTestWords({ ...data, fired: 3, flapped: 1, firing_seconds: 2_520 }, 7)
  expect(words).toContain('3 times in the last 7 days, 42 min in all, 1 flap (again within an hour).')
  expect(backTestWords({ ...data, fired: 0 }, 1)).toContain('would not have fired in the last 24 hours.')
})
