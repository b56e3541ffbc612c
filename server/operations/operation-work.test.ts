/** Which messages of an operation share one command. */
import { expect, test } from 'vitest'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { OperationWork } from './operation-work.ts'

const item = (position: number, uid: number, path = 'INBOX') =>
  ({ position, path, uid_validity: 7, uid, change: '{}', state: 'waiting' }) as ItemRow
const work = (items: ItemRow[]) => new OperationWork({} as OperationRow, items)

test('messages whose UIDs are too many for a line are several commands, the lowest first, and none is left out', () => {
  const uids = Array.from({ length: 1_000 }, (_, at) => 4_000_000_000 - 2 * at)
  const all = work(uids.map((uid, position) => item(position, uid)))
  const sizes: number[] = []
  const done: number[] = []
  for (let group = all.group('waiting'); group; group = all.group('waiting')) {
    sizes.push(group.length)
    done.push(...group.map(({ uid }) => uid))
    expect(group.map(({ uid }) => uid).join().length).toBeLessThanOrEqual(7_000)
    for (const each of group) all.set(each, { state: 'done' })
  }
  expect(sizes).toEqual([636, 364])
  expect(done.toSorted((a, b) => a - b)).toEqual(uids.toReversed())
})

test('UIDs that lie together are one command, however high they are', () => {
  const items = Array.from({ length: 1_000 }, (_, at) => item(at, 4_000_000_000 + at))
  expect(work(items).group('waiting')).toHaveLength(1_000)
  expect(
    work([item(0, 1), item(1, 2, 'Work'), item(2, 3)])
      .group('waiting')
      ?.map(({ uid }) => uid),
  ).toEqual([1, 3])
})
