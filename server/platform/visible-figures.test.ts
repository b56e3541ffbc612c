/** Which caller sees which figures. */
import { expect, test } from 'vitest'
import { seesAll, sightKey, visibleAccounts, visibleRows, wholeFigure, wholeSight } from './visible-figures.ts'

const rows = new Map([
  ['a', 1],
  ['b', 20],
  ['c', 300],
])
const only = (...ids: string[]) => ({ accounts: new Set(ids) })

test('a caller gets the rows of the accounts it sees, and none of any other', () => {
  expect([...visibleRows(wholeSight, rows)]).toEqual([1, 20, 300])
  expect([...visibleRows(only('c', 'a', 'gone'), rows)]).toEqual([300, 1])
  expect([...visibleRows(only(), rows)]).toEqual([])
})

test('a figure of the whole server needs the right to all accounts: a list of all there are is less', () => {
  expect(wholeFigure(wholeSight, 7)).toBe(7)
  expect(wholeFigure(only('a', 'b', 'c'), 7)).toBeNull()
  expect([seesAll(wholeSight), seesAll(only('a', 'b', 'c'))]).toEqual([true, false])
})

test('queries are narrowed by the list, and by nothing for callers that see all', () => {
  expect(visibleAccounts(wholeSight)).toBeUndefined()
  expect(visibleAccounts(only())).toEqual(new Set())
})

test('the key is the same for the same accounts in another order, and another for fewer, for none, and for one called all', () => {
  expect(sightKey(only('b', 'a'))).toBe(sightKey(only('a', 'b')))
  const keys = [only('a', 'b'), only('a'), only(), only('all'), only('a,b'), wholeSight].map(sightKey)
  expect(new Set(keys).size).toBe(keys.length)
})
