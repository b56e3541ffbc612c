/** Sparklines show measured readings and nothing else. */
import { expect, test } from 'vitest'
import { sparklineShape } from './sparkline-path.ts'

const every5s = (from: number, to: number, value: (at: number) => number) =>
  Array.from({ length: (to - from) / 5 }, (_, index) => ({ at: from + index * 5, value: value(from + index * 5) }))

test('at most 60 points, however many readings', () => {
  const { line } = sparklineShape(
    every5s(0, 900, at => at),
    900,
    900,
  )
  expect(line.match(/[ML]/g)).toHaveLength(60)
  expect(line.startsWith('M0 ')).toBe(true)
  expect(line).toContain('L100 ')
})

test('a gap is left as a gap', () => {
  const readings = [...every5s(0, 300, () => 1), ...every5s(600, 900, () => 1)]
  expect(sparklineShape(readings, 900, 2).line.match(/M/g)).toHaveLength(2)
})

test('a single reading is a dot, and none draws nothing', () => {
  expect(sparklineShape([{ at: 30, value: 1 }], 900, 2).line).toBe('M100 50h0')
  expect(sparklineShape([], 900, 1)).toEqual({ line: '', area: '' })
})

test('every point is a reading: the newest of its slice', () => {
  const readings = every5s(0, 900, at => at % 7)
  const values = new Set(
    readings.map(({ value }) => 100 - (value / 7) * 100).map(value => Math.round(value * 100) / 100),
  )
  const drawn = [...sparklineShape(readings, 900, 7).line.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(match =>
    Number(match[1]),
  )
  expect(drawn).toHaveLength(60)
  expect(drawn.every(y => values.has(y))).toBe(true)
})

test('what was not measured since the last reading is a gap at the right', () => {
  const { line } = sparklineShape(
    every5s(0, 450, () => 1),
    900,
    2,
    885,
  )
  expect(line.match(/M/g)).toHaveLength(1)
  const xs = [...line.matchAll(/[ML]([\d.]+) /g)].map(match => Number(match[1]))
  expect(Math.max(...xs)).toBeLessThan(51)
  expect(Math.min(...xs)).toBe(0)
})
