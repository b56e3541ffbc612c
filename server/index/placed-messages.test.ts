/** Messages that get a place in a folder by their ids, in SQLite and in PostgreSQL. */
import { expect, test } from 'vitest'
import { type IndexWorld, onEachIndex, recordOf } from '../../test/support/index-world.ts'
import { callsOf, openedIndex } from '../../test/support/opened-index.ts'

onEachIndex((world: IndexWorld) => {
  test('a known message gets a place without being read, and is told there', async () => {
    const index = await openedIndex(world, ['INBOX', 'Archive'])
    const { apply, facts } = callsOf(index)
    const { added } = await apply({ path: 'INBOX', added: [recordOf(1), recordOf(2)] })
    const ids = added.map(({ id }) => id)
    await apply({ path: 'INBOX', vanished: [[1, 2]] })
    const before = (await facts()).length
    const placed = ids.map((id, at) => ({ uid: 11 + at, id, flags: at === 0 ? ['\\Seen'] : [] }))
    const batch = { path: 'Archive', placed, position: { uidNext: 13 }, announces: true }
    expect(await apply(batch)).toMatchObject({ unplaced: [], added: [{ id: ids[0], isNew: false }, { id: ids[1] }] })
    const listed = await index.use(store => store.listMessages({ path: 'Archive', limit: 10 }))
    expect(listed.folder).toMatchObject({ uidNext: 13, total: 2, unread: 1 })
    expect(listed.messages.map(({ id, subject }) => [id, subject])).toEqual([
      [ids[1], 'Subject 2'],
      [ids[0], 'Subject 1'],
    ])
    const told = (await facts()).slice(before)
    expect(told.map(({ type }) => type)).toEqual(['mail_changed', 'folder_changed'])
    // A repeated report returns only what is new.
    const again = { ...batch, placed: [{ ...placed[1]!, flags: ['\\Flagged'] }] }
    expect(await apply(again)).toMatchObject({ unplaced: [], added: [], changed: 1 })
    expect((await index.use(store => store.listMessages({ path: 'Archive', limit: 10 }))).folder.total).toBe(2)
  })

  test('what cannot be placed is told, and the folder counts as read no further', async () => {
    const index = await openedIndex(world, ['INBOX', 'Archive'])
    const { apply } = callsOf(index)
    const { added } = await apply({ path: 'INBOX', added: [recordOf(1), recordOf(2)] })
    const [one, two] = added.map(({ id }) => id) as [string, string]
    const there = await apply({ path: 'Archive', added: [recordOf(7, { subject: 'other' })], position: { uidNext: 8 } })
    const placed = [
      // One UID has another message, one id is unknown, and one is repeated.
      { uid: 7, id: one, flags: [] },
      { uid: 8, id: 'AAAAAAAAAAAAAAAAAAAA', flags: [] },
      { uid: 9, id: 'no id', flags: [] },
      { uid: 10, id: two, flags: [] },
      { uid: 11, id: two, flags: [] },
    ]
    const applied = await apply({ path: 'Archive', placed, position: { uidNext: 12 }, announces: true })
    expect(applied.unplaced).toEqual([7, 8, 9, 11])
    const { folder, messages } = await index.use(store => store.listMessages({ path: 'Archive', limit: 10 }))
    expect(folder).toMatchObject({ uidNext: 8, total: 2 })
    expect(messages.map(({ id }) => id).toSorted()).toEqual([two, there.added[0]!.id].toSorted())
  })
})
