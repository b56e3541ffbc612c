/** UIDs of a folder that is read in batches: requested once, and again after whatever may change them. */
import { EventEmitter } from 'node:events'
import type { ImapFlow } from 'imapflow'
import { expect, test } from 'vitest'
import type { UidRange } from '../uid-ranges.ts'
import { UidCache } from './imapflow-uid-cache.ts'

function cached() {
  const client = Object.assign(new EventEmitter(), { mailbox: {} })
  const cache = new UidCache(client as unknown as ImapFlow)
  let searches = 0
  const read = async (first: number, last: number, uids: UidRange[] = [[1, 10] as const, [20, 90] as const]) => {
    const search = async () => {
      searches++
      return uids
    }
    return [await cache.within([first, last], search), searches]
  }
  return { client, cache, read }
}

test('a folder is searched once for all batches, each of which gets its own range', async () => {
  const { read } = cached()
  await read(1, 90)
  expect(await read(1, 49)).toEqual([
    [
      [1, 10],
      [20, 49],
    ],
    1,
  ])
  expect(await read(1, 5)).toEqual([[[1, 5]], 1])
  expect(await read(1, 91)).toEqual([
    [
      [1, 10],
      [20, 90],
    ],
    2,
  ])
})

test('mail that arrives or vanishes, and another opening of a folder, cause another search', async () => {
  const { client, cache, read } = cached()
  await read(1, 90)
  const changes = [
    () => client.emit('exists'),
    () => client.emit('expunge'),
    () => Object.assign(client, { mailbox: {} }),
    () => cache.forget(),
  ]
  for (const [index, change] of changes.entries()) {
    change()
    expect(await read(1, 90)).toEqual([expect.anything(), index + 2])
    expect(await read(1, 40)).toEqual([expect.anything(), index + 2])
  }
})

test('the UIDs of a folder with very many gaps are not held in memory', async () => {
  const { read } = cached()
  const gaps = Array.from({ length: 20_001 }, (_, index) => [2 * index + 1, 2 * index + 1] as const)
  await read(1, 50_000, gaps)
  expect((await read(1, 40_000))[1]).toBe(2)
})
