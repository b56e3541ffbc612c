/** The past of each account's connections. */
import { expect, test } from 'vitest'
import { AccountHistory } from './account-history.ts'

const only = (...ids: string[]) => ({ accounts: new Set(ids) })

test('at each place the connections of the accounts asked for are summed, and the oldest place is written again', () => {
  const history = new AccountHistory(3)
  history.keep(0, [['a', { open: 1 }]])
  history.keep(1, [
    ['a', { open: 2 }],
    ['b', { open: 70 }],
  ])
  history.keep(2, [])
  expect([...history.sumOf(only('a', 'b', 'gone'))]).toEqual([1, 72, 0])
  expect([...history.sumOf(only('a'))]).toEqual([1, 2, 0])
  history.keep(0, [['b', { open: 5 }]])
  expect([...history.sumOf(only('a', 'b'))]).toEqual([5, 72, 0])
  expect([...history.sumOf(only())]).toEqual([0, 0, 0])
})

test('an account that had no connection for as long as samples are kept takes no room, and may come back', () => {
  const history = new AccountHistory(3)
  history.keep(0, [['a', { open: 4 }]])
  for (const place of [1, 2, 0]) history.keep(place, [])
  expect([...history.sumOf(only('a'))]).toEqual([0, 0, 0])
  history.keep(1, [['a', { open: 3 }]])
  expect([...history.sumOf(only('a'))]).toEqual([0, 3, 0])
})
