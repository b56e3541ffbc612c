/** Which messages of a conversation are behind one button. */
import { expect, test } from 'vitest'
import { foldMiddle } from './conversation-folds.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

test('of a long run of read messages the first and the last stay', () => {
  const { before, hidden, after } = foldMiddle(numbers(12), each => each >= 10)
  expect([before, hidden, after]).toEqual([[1], [2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12]])
})

test('a short run stays whole; so does what comes after the first open one', () => {
  expect(foldMiddle(numbers(5), each => each === 5)).toEqual({ before: numbers(5), hidden: [], after: [] })
  expect(foldMiddle(numbers(20), each => each === 1).hidden).toEqual([])
  expect(foldMiddle([], () => true)).toEqual({ before: [], hidden: [], after: [] })
})
