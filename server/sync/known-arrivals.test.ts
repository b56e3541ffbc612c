/** What is known of messages that moves and copies of ours brought into folders. */
import { expect, test } from 'vitest'
import { KnownArrivals } from './known-arrivals.ts'

test('what came is known by folder and UIDVALIDITY, until the folder was read up to there', () => {
  const known = new KnownArrivals()
  known.add(
    'Archive',
    7,
    [5, 3, 4, 9].map(uid => ({ uid, id: `m${uid}` })),
  )
  expect(known.ranges('Archive', 7, 1, 9_999)).toEqual([
    [3, 5],
    [9, 9],
  ])
  expect(known.ranges('Archive', 7, 5, 9_999)).toEqual([
    [5, 5],
    [9, 9],
  ])
  // The server has not counted the last one yet.
  expect(known.ranges('Archive', 7, 4, 9)).toEqual([[4, 5]])
  expect([known.ranges('Archive', 8, 1, 9_999), known.ranges('Work', 7, 1, 9_999)]).toEqual([[], []])
  expect([known.idAt('Archive', 7, 4), known.idAt('Archive', 8, 4)]).toEqual(['m4', undefined])
  known.readUpTo('Archive', 7, 6)
  expect(known.ranges('Archive', 7, 1, 9_999)).toEqual([[9, 9]])
  known.forget()
  expect(known.ranges('Archive', 7, 1, 9_999)).toEqual([])
})

test('of too many those of the folders that were named longest ago are forgotten', () => {
  const known = new KnownArrivals()
  const from = (first: number) => Array.from({ length: 9_000 }, (_, at) => ({ uid: first + at, id: 'm' }))
  known.add('One', 1, from(1))
  known.add('Two', 1, from(1))
  known.add('One', 1, [{ uid: 1, id: 'm' }])
  known.add('Three', 1, from(1))
  expect(['One', 'Two', 'Three'].map(path => known.ranges(path, 1, 1, 9_999))).toEqual([[[1, 9_000]], [], [[1, 9_000]]])
})
