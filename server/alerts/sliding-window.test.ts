/** A window that moves is at each step what its points are when they are merged. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BucketCounts, mergeTimes, observe, type Point, quantile } from '../history/point.ts'
import { SlidingWindow, type WindowPoint } from './sliding-window.ts'

const quantileOf = (point: WindowPoint, share: number) => {
  const { buckets = [] } = point
  return buckets instanceof BucketCounts ? buckets.quantile(share, point) : quantile(buckets, share, point)
}

test('whatever was in it before, it is what its points are together', () => {
  const values = fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 4 })
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 8 }), (steps, length) => {
      const points = new Map<number, Point>()
      steps.forEach((all, place) => {
        for (const value of all) points.set(place * 5, observe(points.get(place * 5), value))
      })
      const window = new SlidingWindow(points, 5, length * 5)
      for (let at = 5; at <= steps.length * 5; at += 5) {
        let merged: Point | undefined
        for (let place = at - length * 5; place < at; place += 5) {
          const point = points.get(place)
          if (point) merged = mergeTimes(merged, point)
        }
        const found = window.pointAt(at)
        expect(found && { ...found, buckets: undefined }).toEqual(merged && { ...merged, buckets: undefined })
        if (!merged) continue
        for (const share of [0.5, 0.99]) {
          expect(quantileOf(found!, share)).toBe(quantile(merged.buckets!, share, merged))
        }
      }
    }),
  )
})
