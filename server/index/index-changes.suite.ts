/**
 * Suite for changes of an index: folders created, renamed and gone, changes since a modseq, facts for the event log.
 */
import { expect, onTestFinished, test, vi } from 'vitest'
import { plainSearch } from '../../test/support/index-parts.ts'
import { folder, type IndexWorld, recordOf } from '../../test/support/index-world.ts'
import { callsOf, openedIndex } from '../../test/support/opened-index.ts'

const page = { limit: 100 }

export function indexChangesSuite(world: IndexWorld): void {
  const opened = (...paths: string[]) => openedIndex(world, paths)

  test('folders are created, renamed by their MAILBOXID, also in a circle, recreated, and gone', async () => {
    const index = await world.open()
    const { apply, facts } = callsOf(index)
    const listed = (...folders: Parameters<typeof folder>[]) =>
      index.use(store =>
        store.applyFolders(
          folders.map(each => folder(...each)),
          1,
        ),
      )
    expect(await listed(['A', 'a'], ['B', 'b'], ['C', null])).toEqual({
      created: ['A', 'B', 'C'],
      renamed: [],
      gone: [],
    })
    const { added } = await apply({ path: 'A', added: [recordOf(1)] })
    expect(await listed(['B', 'a'], ['A', 'b'], ['C', 'c'])).toMatchObject({
      created: [],
      renamed: expect.arrayContaining([
        { from: 'A', to: 'B' },
        { from: 'B', to: 'A' },
      ]),
      gone: [],
    })
    expect(await index.use(store => store.listMessages({ path: 'B', ...page }))).toMatchObject({
      messages: [{ id: added[0]!.id, places: [{ path: 'B' }] }],
    })
    // A different folder under the same name.
    expect(await listed(['B', 'new'], ['A', 'b'])).toEqual({ created: ['B'], renamed: [], gone: ['B', 'C'] })
    expect(await index.use(store => store.messagesById([added[0]!.id]))).toMatchObject([{ places: [] }])
    const count = (await facts()).length
    expect(await listed(['B', 'new'], ['A', 'b'])).toEqual({ created: [], renamed: [], gone: [] })
    expect(await facts()).toHaveLength(count)
  })

  test('without MAILBOXID a folder is recognised where exactly one has its UIDVALIDITY, UIDNEXT and size', async () => {
    const index = await world.open()
    const { apply } = callsOf(index)
    const status = { uidValidity: 7, uidNext: 2, total: 1 }
    const listed = (...folders: object[]) =>
      index.use(store =>
        store.applyFolders(
          folders.map(each => ({ ...folder('x'), ...each })),
          1,
        ),
      )
    await listed({ path: 'Old' }, { path: 'Other' })
    await apply({ path: 'Old', added: [recordOf(1)], position: { uidNext: 2, serverTotal: 1 } })
    expect(await listed({ path: 'One', status }, { path: 'Two', status })).toMatchObject({
      renamed: [],
      gone: ['Old', 'Other'],
    })
    await apply({ path: 'One', added: [recordOf(1)], position: { uidNext: 2, serverTotal: 1 } })
    expect(await listed({ path: 'New', status }, { path: 'Two', status: { ...status, uidNext: 3 } })).toMatchObject({
      renamed: [{ from: 'One', to: 'New' }],
      gone: [],
    })
  })

  test('tells changes in pages, until what is asked for is forgotten', async () => {
    const { apply, use } = await opened('INBOX')
    const { modseq: begin } = await apply({ path: 'INBOX' })
    const { added } = await apply({ path: 'INBOX', added: [1, 2, 3, 4, 5].map(uid => recordOf(uid)) })
    const created: string[] = []
    // One of them changes before it is reported.
    await apply({ path: 'INBOX', changed: [{ uid: 1, flags: ['\\Seen'] }] })
    let since = begin
    for (let hasMore = true; hasMore; ) {
      const from = since
      const changes = await use(store => store.changesSince({ since: begin, from, limit: 2 }))
      created.push(...changes.created)
      expect(changes.updated).toEqual([])
      ;({ modseq: since, hasMore } = changes)
    }
    expect(created.toSorted()).toEqual(added.map(({ id }) => id).toSorted())
    const { modseq } = await apply({ path: 'INBOX', changed: [{ uid: 2, flags: ['\\Seen'] }] })
    const changes = await use(store => store.changesSince({ since, limit: 10 }))
    expect(changes).toEqual({ created: [], updated: [added[1]!.id], destroyed: [], modseq, hasMore: false })
    for (const unknown of [begin - 1_000_000, modseq + 1]) {
      await expect(use(store => store.changesSince({ since: unknown, limit: 10 }))).rejects.toMatchObject({
        code: 'cannot_calculate_changes',
      })
    }
  })

  test('facts have rising numbers that are never given twice, also after a rebuild', async () => {
    const { apply, use, facts, databases, accountId } = await opened('INBOX')
    await apply({ path: 'INBOX', added: [recordOf(1)] })
    const before = (await facts()).map(({ number }) => number)
    expect(before).toEqual([1, 2])
    await use(store => store.deleteOutgoing(2))
    await apply({ path: 'INBOX', added: [recordOf(2)] })
    expect((await facts()).map(({ number }) => number)).toEqual([3])
    await databases.drop(accountId)
    await use(store => store.applyFolders([folder('INBOX')], 4))
    expect((await facts()).map(({ number }) => number)).toEqual([4])
  })

  test('an account is removed after what is being written of it, of which nothing stays', async () => {
    const { use, databases, accountId } = await opened('INBOX')
    const other = await opened('INBOX')
    const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const ended: string[] = []
    const writing = use(async store => {
      begun.resolve()
      await held.promise
      await store.applyFolders([folder('INBOX'), folder('Late')], 1)
      ended.push('written')
    })
    await begun.promise
    const dropped = databases.drop(accountId).then(() => void ended.push('removed'))
    // Enough round trips for a removal that did not wait to be done.
    for (let times = 0; times < 20; times++) await other.use(store => store.listFolders())
    held.resolve()
    await Promise.all([writing, dropped])
    expect(ended).toEqual(['written', 'removed'])
    const left = other.use((_store, db) => db.selectFrom('folders').select('path').where('path', '=', 'Late').execute())
    expect(await left).toEqual([])
  })

  test('a removal that is interrupted shows nothing of the account, and can be finished', async () => {
    const { apply, use, databases, accountId } = await opened('INBOX')
    await apply({ path: 'INBOX', added: [recordOf(1)] })
    // SQLite removes a file.
    const removing = vi.spyOn(plainSearch, 'remove').mockRejectedValueOnce(new Error('interrupted'))
    onTestFinished(() => removing.mockRestore())
    const isCut = await databases.drop(accountId).then(
      () => false,
      () => true,
    )
    expect(await use(store => store.listFolders())).toEqual([])
    if (!isCut) return
    const left = () =>
      use((_store, db) => db.selectFrom('accounts').select('id').where('id', 'like', 'removed %').execute())
    const [{ id } = { id: '' }] = await left()
    await databases.drop(id)
    expect(await left()).toEqual([])
  })

  test('tells flags, and messages that were known before; new ones only as counts', async () => {
    const { apply, facts } = await opened('INBOX', 'Archive')
    await apply({ path: 'INBOX', added: [recordOf(1)], announces: true })
    await apply({ path: 'INBOX', changed: [{ uid: 1, flags: ['\\Seen', 'x'] }], announces: true })
    await apply({ path: 'Archive', added: [{ ...recordOf(1), uid: 5 }], announces: true })
    await apply({ path: 'INBOX', vanished: [[1, 1]], announces: true })
    const told = (await facts()).filter(({ type }) => type === 'mail_changed')
    const message = { subject: 'Subject 1', from: recordOf(1).from, size_bytes: 1_001 }
    expect(told.map(({ data }) => data)).toMatchObject([
      { path: 'INBOX', messages: [{ ...message, uid: 1, flags: ['\\Seen', 'x'] }] },
      { path: 'Archive', messages: [{ ...message, uid: 5, flags: [] }] },
      { path: 'INBOX', messages: [{ ...message, uid: 1, flags: null }] },
    ])
  })

  test('a message has arrived unless it was in the inbox before, or was there before its folder was followed', async () => {
    const { apply } = await opened('INBOX', 'Archive', 'All')
    const message = (uid: number, name: string) => ({ ...recordOf(1), uid, messageId: `<${name}@x>` })
    const arrives = async (path: string, uid: number, name: string, announces = true) => {
      const batch = { path, added: [message(uid, name)], announces }
      const [first, again] = [await apply(batch), await apply(batch)]
      const arrived = [first, again].map(({ added }) => added[0]!.hasArrived)
      // Applying the batch again, as after a crash, returns the same.
      expect(arrived[1]).toBe(arrived[0])
      return arrived[0]
    }
    expect(await arrives('INBOX', 1, 'plain')).toBe(true)
    // A server that shows all mail in one more folder, which was read first.
    expect(await arrives('All', 1, 'both')).toBe(true)
    expect(await arrives('INBOX', 2, 'both')).toBe(true)
    // Moved away and back.
    await apply({ path: 'INBOX', vanished: [[1, 1]] })
    await arrives('Archive', 1, 'plain')
    await apply({ path: 'Archive', vanished: [[1, 1]] })
    expect(await arrives('INBOX', 3, 'plain')).toBe(false)
    // It existed before the account was added, in another folder.
    await arrives('Archive', 2, 'old', false)
    expect(await arrives('INBOX', 4, 'old')).toBe(false)
    // A rebuilt index reads the inbox; whether a message was announced is not known to the index.
    expect(await arrives('INBOX', 5, 'unread', false)).toBe(true)
  })
}
