/** The past of each account's connections. */
import { expect, test } from 'vitest'
import { AccountHistory } from './account-history.ts'

test('at each place the connections of the accounts asked for are summed, and the oldest place is written again', () => {
  const history = new AccountHistory(3)
  history.keep(0, [['a', 1]])
  history.keep(1, [
    ['a', 2],
    ['b', 70],
  ])
  history.keep(2, [])
  expect([...history.sumOf(new Set(['a', 'b', 'gone']))]).toEqual([1, 72, 0])
  expect([...history.sumOf(new Set(['a']))]).toEqual([1, 2, 0])
  history.keep(0, [['b', 5]])
  expect([...history.sumOf(new Set(['a', 'b']))]).toEqual([5, 72, 0])
  expect([...history.sumOf(new Set())]).toEqual([0, 0, 0])
})

test('an account that had no connection for as long as samples are kept takes no room, and may come back', () => {
  const history = new AccountHistory(3)
  history.keep(0, [['a', 4]])
  for (const place of [1, 2, 0]) history.keep(place, [])
  expect([...history.sumOf(new Set(['a']))]).toEqual([0, 0, 0])
  history.keep(1, [['a', 3]])
  expect([...history.sumOf(new Set(['a']))]).toEqual([0, 3, 0])
})
