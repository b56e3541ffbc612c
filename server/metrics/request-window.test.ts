/** The window against a plain list of all requests. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestWindow } from './request-window.ts'

const request = fc.record({
  isFailure: fc.boolean(),
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 150_000 })),
  durationMs: fc.oneof(
    fc.double({ min: 0.02, max: 50, noNaN: true }),
    fc.double({ min: 50, max: 90_000, noNaN: true }),
  ),
})

test('the window tells the same as a list of all requests', () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 80 }), fc.integer({ min: 0, max: 70_000 }), (requests, restMs) => {
      const window = new RequestWindow()
      const all: { second: number; durationMs: number; isFailure: boolean }[] = []
      let now = 0
      const check = () => {
        const recent = all.filter(({ second }) => second > Math.floor(now / 1000) - 60)
        const sorted = recent.map(each => each.durationMs).sort((a, b) => a - b)
        const reading = window.read(now)
        expect(reading.count).toBe(sorted.length)
        expect(reading.failed).toBe(recent.filter(({ isFailure }) => isFailure).length)
        const mean = sorted.length === 0 ? 0 : sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
        expect(Math.abs(reading.averageMs - mean)).toBeLessThanOrEqual(0.0011)
        for (const [share, ms] of [
          [0.5, reading.p50Ms],
          [0.95, reading.p95Ms],
          [0.99, reading.p99Ms],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0
          expect(Math.abs(ms - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.0006)
        }
      }
      for (const { waitMs, durationMs, isFailure } of requests) {
        now += waitMs
        window.record(durationMs, now, isFailure)
        all.push({ second: Math.floor(now / 1000), durationMs, isFailure })
        check()
      }
      now += restMs
      check()
    }),
    { numRuns: 200 },
  )
})

test('a quiet minute empties the window without a rest, however many requests there were', () => {
  const window = new RequestWindow()
  for (let index = 0; index < 100_000; index++) window.record(0.1 + index / 7, index)
  window.record(0.3, 160_000 + 5_000_000)
  expect(window.read(5_160_500)).toMatchObject({ count: 1, averageMs: 0.3 })
  expect(window.read(5_220_000)).toEqual({ count: 0, failed: 0, averageMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 })
})

test('a nonsensical duration cannot spoil the figures', () => {
  const window = new RequestWindow()
  for (const ms of [Number.NaN, -5, Number.POSITIVE_INFINITY]) window.record(ms, 10)
  const reading = window.read(10)
  expect(reading.count).toBe(3)
  expect(Object.values(reading).every(value => Number.isFinite(value) && value >= 0)).toBe(true)
})
