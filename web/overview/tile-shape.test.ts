/** Paths of the tile charts: gaps stay open, spikes are in the band, and single points are dots. */
import { expect, test } from 'vitest'
import { tileShape } from './tile-shape.ts'

const point = (at: number, value: number, low = value, high = value) => ({ at, value, low, high })

test('points are joined up to a gap, and the band goes from the lowest to the highest', () => {
  const points = [point(0, 5, 0, 10), point(5, 5, 5, 5), point(50, 10)]
  const { line, band } = tileShape(points, { from: 0, to: 100, top: 10, gapSeconds: 12 })
  expect(line).toBe('M0 50L5 50M50 0h0')
  expect(band).toBe('M0 0L5 50L5 50L0 100ZM50 0L50 0Z')
})

test('without an upper edge there is room above the highest', () => {
  const { y } = tileShape([point(0, 20)], { from: 0, to: 10, top: undefined, gapSeconds: 1 })
  expect(y(20)).toBeCloseTo(100 - 100 / 1.15, 1)
  expect(tileShape([], { from: 0, to: 10, top: undefined, gapSeconds: 1 }).line).toBe('')
})
