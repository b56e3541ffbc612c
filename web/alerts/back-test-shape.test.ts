/** A back-test as it is drawn: a spike stays, a gap is a gap, and what fired is a band. */
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

test('values, threshold and what fired stand where they were', () => {
  const { line, threshold, bands } = backTestShape({ threshold: 5 }, data, instance)
  expect(bands).toEqual([{ from: 50, width: 10 }])
  expect(threshold).toBe(45)
  expect(line).toBe('M10 85L10 85M20 85L20 85M50 5L50 5M100 85L100 85')
})

test('it is said in words', () => {
  expect(backTestWords(data, 30)).toBe('It would have fired once in the last 30 days, for 10 s (in steps of 15 min).')
  const words = backTestWords({ ...data, fired: 3, flapped: 2, firing_seconds: 9_000 }, 7)
  expect(words).toContain('3 times in the last 7 days, for 3 h, 2 of them within an hour')
  expect(backTestWords({ ...data, fired: 0 }, 7)).toContain('would not have fired')
})
