/** Estimates of the remaining indexing time. */
import { expect, test } from 'vitest'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { type IndexSample, remainingSeconds, sampleOf, withSample } from './index-rate.ts'

const status = (change: Partial<IndexStatus>): IndexStatus => ({
  level: 'text',
  default_level: 'text',
  state: 'building',
  folders: 1,
  messages: 0,
  server_messages: 1_000,
  places: 0,
  texts: 0,
  size_bytes: 0,
  looked_at: null,
  ...change,
})
const after = (...all: [number, Partial<IndexStatus>][]) =>
  all.reduce<readonly IndexSample[]>((known, [atMs, change]) => withSample(known, sampleOf(status(change), atMs)), [])

test('what is left takes as long for each as what was done in the last minute', () => {
  const headers = { level: 'headers' } as const
  const samples = after([0, { ...headers, places: 100 }], [10_000, { ...headers, places: 300 }])
  // 700 left, 20 per second.
  expect(remainingSeconds(samples)).toBe(35)
})

test('texts count too: each message has one', () => {
  const samples = after([0, { places: 500, messages: 500 }], [10_000, { places: 1_000, messages: 1_000, texts: 0 }])
  // 1,000 texts left, 50 per second.
  expect(remainingSeconds(samples)).toBe(20)
})

test('nothing is said of too short a time, of what stands still, and after a rebuild began', () => {
  expect(remainingSeconds([])).toBeUndefined()
  expect(remainingSeconds(after([0, { places: 1 }], [1_000, { places: 2 }]))).toBeUndefined()
  expect(remainingSeconds(after([0, { places: 5 }], [20_000, { places: 5 }]))).toBeUndefined()
  expect(remainingSeconds(after([0, { places: 900 }], [20_000, { places: 5 }]))).toBeUndefined()
  expect(
    after(...Array.from({ length: 500 }, (_, at) => [at * 1_000, { places: at }] as [number, object])).length,
  ).toBeLessThanOrEqual(61)
})
