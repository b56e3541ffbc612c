/** The words of figures that the assistant reads. */
import { expect, test } from 'vitest'
import { requestRate } from './dashboard-tools.ts'

test('one request is no plural, and a part of one is', () => {
  expect([0, 0.5, 1, 1.0001, 2, 1234.5].map(requestRate)).toEqual([
    '0 requests/min',
    '0.5 requests/min',
    '1 request/min',
    '1 request/min',
    '2 requests/min',
    '1235 requests/min',
  ])
})
