/** Equal messages of one folder: which id each of them has, wherever it goes. */
import { expect, test } from 'vitest'
import { folder, onEachIndex, recordOf } from '../../test/support/index-world.ts'
import type { FolderBatch } from './index-types.ts'

const equal = (uid: number) => ({ ...recordOf(1), uid })

onEachIndex(world => {
  async function opened() {
    const { use } = await world.open()
    await use(store => store.applyFolders([folder('INBOX'), folder('Archive')], 1))
    const apply = (batch: Partial<FolderBatch>) =>
      use(store => store.applyBatch({ path: 'INBOX', uidValidity: 7, announces: true, ...batch }, 1))
    /** Ids by UIDs. */
    const list = async (path: string) => {
      const { messages } = await use(store => store.listMessages({ path, limit: 1_000 }))
      const pairs = messages.flatMap(({ id, places }) =>
        places.filter(place => place.path === path).map(({ uid }) => [uid, id] as const),
      )
      expect(pairs.length).toBe(messages.length)
      return new Map(pairs.reverse())
    }
    const settle = async () => {
      const { round } = await use(store => store.settleOrphans(1, 1))
      await use(store => store.settleOrphans(round, 1))
    }
    return { apply, list, settle }
  }

  test('one that moves keeps its id, though others stay behind', async () => {
    const { apply, list, settle } = await opened()
    await apply({ added: [equal(1), equal(2), equal(3), equal(4)] })
    const before = await list('INBOX')
    await apply({ vanished: [[2, 3]] })
    await apply({ path: 'Archive', added: [equal(8), equal(9)] })
    await settle()
    expect(await list('Archive')).toEqual(new Map([8, 9].map((uid, at) => [uid, before.get(2 + at)])))
    expect(await list('INBOX')).toEqual(new Map([1, 4].map(uid => [uid, before.get(uid)])))
  })

  test('one that moves keeps its id, though the first of them is gone', async () => {
    const { apply, list, settle } = await opened()
    await apply({ added: [equal(1), equal(2)] })
    const before = await list('INBOX')
    await apply({ vanished: [[1, 1]] })
    await settle()
    await apply({ vanished: [[2, 2]] })
    await apply({ path: 'Archive', added: [equal(8)] })
    await settle()
    expect(await list('Archive')).toEqual(new Map([[8, before.get(2)]]))
  })

  test('one that comes beside one that is placed by its id does not take that id too', async () => {
    const { apply, list } = await opened()
    await apply({ added: [equal(1), equal(2), equal(3)] })
    const before = await list('INBOX')
    await apply({ vanished: [[1, 2]] })
    const placed = [1, 2].map(uid => ({ uid: 7 + uid, id: before.get(uid)!, flags: [] }))
    await apply({ path: 'Archive', placed, added: [equal(10)] })
    const after = await list('Archive')
    expect([after.get(8), after.get(9)]).toEqual([before.get(1), before.get(2)])
    expect(new Set(after.values()).size).toBe(3)
  })

  test('one that moves within its folder keeps its id, also in one look', async () => {
    const { apply, list } = await opened()
    await apply({ added: [equal(1), equal(2), equal(3), equal(4), equal(5)] })
    const before = await list('INBOX')
    const others = [1, 2, 3].map(uid => [uid, before.get(uid)] as const)
    await apply({ vanished: [[4, 4]] })
    await apply({ added: [equal(6)] })
    expect(await list('INBOX')).toEqual(new Map([...others, [5, before.get(5)], [6, before.get(4)]]))
    await apply({ vanished: [[5, 5]], added: [equal(7)] })
    expect(await list('INBOX')).toEqual(new Map([...others, [6, before.get(4)], [7, before.get(5)]]))
  })

  test('another UIDVALIDITY changes none of their ids, though some of them are gone', async () => {
    const { apply, list, settle } = await opened()
    await apply({ added: Array.from({ length: 200 }, (_, at) => equal(at + 1)) })
    await apply({
      vanished: [
        [2, 50],
        [150, 150],
      ],
    })
    await settle()
    const before = [...(await list('INBOX')).values()]
    await apply({ uidValidity: 8, added: before.slice(0, 100).map((_, at) => equal(at + 1)) })
    await apply({ uidValidity: 8, added: before.slice(100).map((_, at) => equal(at + 101)) })
    expect([...(await list('INBOX')).values()]).toEqual(before)
  })

  test('one that is new takes the lowest number that none of them has', async () => {
    const { apply, list, settle } = await opened()
    await apply({ added: [equal(1), equal(2), equal(3), equal(4), equal(5)] })
    const before = await list('INBOX')
    await apply({ vanished: [[4, 4]] })
    await settle()
    await apply({ added: [equal(6)] })
    expect((await list('INBOX')).get(6)).toBe(before.get(4))
  })
})
