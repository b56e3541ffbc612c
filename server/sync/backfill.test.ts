/** In which order folders are filled, and how often they are listed for that. */
import { expect, test, vi } from 'vitest'
import type { IndexedFolder } from '../index/index-types.ts'
import { Backfill } from './backfill.ts'

function folder(path: string, lowestUid: number): IndexedFolder {
  return {
    ...{ path, role: path === 'INBOX' ? ('inbox' as const) : null, isSelectable: true, mailboxId: null },
    ...{ uidValidity: 7, uidNext: 9_000, highestModseq: null, total: 0, unread: 0 },
    ...{ serverTotal: 8_000, lowestUid, lowestTextUid: null },
  }
}

/** A backfill of two folders in batches of 1,000 UIDs, with a clock of its own. */
function filled() {
  const folders = new Map([folder('Sent', 3_000), folder('INBOX', 4_000)].map(each => [each.path, each]))
  let [at, lists] = [performance.now(), 0]
  vi.spyOn(performance, 'now').mockImplementation(() => at)
  const read: [path: string, below: number | null][] = []
  const backfill = new Backfill({
    index: {
      listFolders: async () => {
        lists++
        return [...folders.values()]
      },
    },
    folders: {
      isAhead: false,
      forgetAhead: async () => undefined,
      async backfill({ path, lowestUid }) {
        read.push([path, lowestUid])
        const lowest = Math.max(1, (lowestUid ?? 1) - 1_000)
        folders.set(path, folder(path, lowest))
        return lowest
      },
    },
    texts: undefined,
    recreated: () => false,
    settle: async () => undefined,
    tell: () => undefined,
  })
  return {
    ...{ backfill, folders, read },
    lists: () => lists,
    step: () => backfill.step(false, async () => true),
    pass: (ms: number) => {
      at += ms
    },
  }
}

test('the folder being read is remembered for a second, from batch to batch, so that folders are not listed for each', async () => {
  const { step, pass, read, lists } = filled()
  await step()
  await step()
  expect([read, lists()]).toEqual([
    [
      ['INBOX', 4_000],
      ['INBOX', 3_000],
    ],
    1,
  ])
  pass(1_000)
  await step()
  expect([read.at(-1), lists()]).toEqual([['INBOX', 2_000], 2])
  await step()
  expect([read.at(-1), lists()]).toEqual([['INBOX', 1_000], 2])
  // It is complete, so the next one is looked for.
  await step()
  expect([read.at(-1), lists()]).toEqual([['Sent', 3_000], 3])
  await step()
  await step()
  expect(await step()).toBe(false)
  expect([read.length, lists()]).toEqual([7, 4])
})

test('after folders were compared, the remembered one is stale: they are listed again', async () => {
  const { backfill, folders, step, read, lists } = filled()
  await step()
  // It was recreated, and mail came that is not indexed yet.
  folders.set('INBOX', folder('INBOX', 7_000))
  await backfill.forgetAhead()
  await step()
  expect([read.at(-1), lists()]).toEqual([['INBOX', 7_000], 2])
})

test('once all headers are there, mail that a comparison finds is filled too', async () => {
  const { backfill, folders, step, read } = filled()
  while (await step());
  folders.set('Sent', folder('Sent', 2_000))
  expect(await step()).toBe(false)
  await backfill.forgetAhead()
  expect(await step()).toBe(true)
  expect(read.at(-1)).toEqual(['Sent', 2_000])
})
