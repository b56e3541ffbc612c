/** Ranges of UIDs against sets of numbers, and against what servers send. */
import { expect, test } from 'vitest'
import { commonUids, countUids, eachUid, rangesOfUids, readUidSet, withoutUids, writeUidSet } from './uid-ranges.ts'

test('a set is read in any order, joined, and what is none of it left out', () => {
  expect(writeUidSet(readUidSet('7,3:5,6,1:*,0,10:9,x,4294967296,-1,12:')).toString()).toBe('3:7,9:10')
  expect(readUidSet('1:4294967295')).toEqual([[1, 4_294_967_295]])
  expect(countUids(readUidSet('1:4294967295'))).toBe(4_294_967_295)
  expect(readUidSet('')).toEqual([])
})

test('what is common, and what is in one alone, is as it is of the numbers', () => {
  const sets = [[], [1], [2, 3, 4, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [3, 5, 7], [10, 11], [1, 4, 5, 9, 10, 11, 12]]
  for (const one of sets) {
    for (const other of sets) {
      const [some, others] = [rangesOfUids(one), rangesOfUids(other)]
      expect([...eachUid(commonUids(some, others))]).toEqual(one.filter(uid => other.includes(uid)))
      expect([...eachUid(withoutUids(some, others))]).toEqual(one.filter(uid => !other.includes(uid)))
    }
  }
  expect(withoutUids([[5, 4_294_967_295]], [[1, 4_294_967_295]])).toEqual([])
})
