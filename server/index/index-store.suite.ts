/** Suite for `IndexStore`, run on each database. */
import { expect, test } from 'vitest'
import { folder, type IndexWorld, recordOf, searched, textOf } from '../../test/support/index-world.ts'
import { ids, never, openedIndex, uids } from '../../test/support/opened-index.ts'
import { readPage } from './index-page.ts'
import type { FolderBatch, MessageRecord } from './index-types.ts'

const page = { limit: 100 }

export function indexStoreSuite(world: IndexWorld): void {
  const opened = (...paths: string[]) => openedIndex(world, paths)

  test('lists a folder newest first, in pages that go on at a UID', async () => {
    const { apply, use } = await opened('INBOX')
    await apply({ path: 'INBOX', added: [1, 2, 3, 4, 5].map(uid => recordOf(uid)) })
    const first = await use(store => store.listMessages({ path: 'INBOX', limit: 2 }))
    expect(uids(first.messages)).toEqual([5, 4])
    expect(first).toMatchObject({ hasMore: true, folder: { path: 'INBOX', total: 5, unread: 5, uidValidity: 7 } })
    const last = await use(store => store.listMessages({ path: 'INBOX', limit: 3, beforeUid: 4 }))
    expect(uids(last.messages)).toEqual([3, 2, 1])
    expect(last.hasMore).toBe(false)
    await expect(use(store => store.listMessages({ path: 'Other', limit: 1 }))).rejects.toMatchObject({
      code: 'folder_not_found',
    })
  })

  test('remembers until when a folder was as in its mailbox, until it is another folder', async () => {
    const { apply, use, accountId } = await opened('INBOX', 'Archive')
    const position = { lowestUid: 1 }
    for (const path of ['INBOX', 'Archive']) await apply({ path, added: [recordOf(1)], position })
    const compared = (path: string) =>
      use(async (_store, db, account) => {
        const found = await readPage({ db, account }, accountId, { path, limit: 5, previews: false, own: '' })
        return typeof found === 'string' ? found : found.compared
      })
    expect(await compared('INBOX')).toBeNull()
    await use(store =>
      store.noteCompared('ann at home', [
        ['INBOX', 1_700_000_000_000],
        ['None', 5],
      ]),
    )
    expect(await compared('INBOX')).toEqual({ mailbox: 'ann at home', at: 1_700_000_000_000 })
    expect(await compared('Archive')).toBeNull()
    await apply({ path: 'INBOX', added: [recordOf(2)] })
    expect(await compared('INBOX')).toMatchObject({ at: 1_700_000_000_000 })
    await apply({ path: 'INBOX', uidValidity: 8, position })
    expect(await compared('INBOX')).toBeNull()
  })

  test('gives back what a message says', async () => {
    const { apply, list } = await opened('INBOX')
    const people = [{ name: 'Zoë "Z" O’Neil', email: 'z@example.org' }]
    const said: Partial<MessageRecord> = {
      inReplyTo: '<other@example.org>',
      subject: 'Grüße 你好 \u{1f600}',
      from: people,
      to: people,
      cc: people,
      bcc: people,
      fromCount: 3,
      toCount: 120,
      flags: ['\\Seen', '\\FLAGGED', '\\Recent', '$Forwarded', 'later', 'later'],
      hasAttachments: true,
      attachmentNames: ['a.pdf'],
      faults: ['encrypted'],
    }
    await apply({ path: 'INBOX', added: [recordOf(9, said)] })
    const { flags: _flags, attachmentNames: _names, ...rest } = said
    expect(await list('INBOX')).toEqual([
      {
        ...rest,
        id: expect.stringMatching(/^[A-Za-z0-9_-]{20}$/),
        threadId: expect.stringMatching(/^[a-z0-9]+$/),
        messageId: '<m9@example.org>',
        date: recordOf(9).date,
        sizeBytes: 1_009,
        preview: null,
        places: [{ path: 'INBOX', uidValidity: 7, uid: 9, flags: ['\\Seen', '\\Flagged', '$Forwarded', 'later'] }],
      },
    ])
  })

  test('says where messages are, in the order of the ids, without their texts', async () => {
    const { apply, use } = await opened('INBOX', 'Archive')
    const quoted = { messageId: '<"a\\",b"@example.org>', to: [{ name: 'x"', email: 'y' }] }
    const records = [recordOf(1, quoted), recordOf(2, { messageId: null }), recordOf(3)]
    const { added } = await apply({ path: 'INBOX', added: records, texts: [textOf(1, 'a text')] })
    await apply({ path: 'Archive', added: [{ ...recordOf(3), uid: 8, flags: ['\\Seen'] }] })
    const [one, two, three] = added.map(({ id }) => id) as [string, string, string]
    // Blocks that are not read may hold anything.
    await use((_store, db, account) =>
      db
        .updateTable('text_blocks')
        .set({ texts: Buffer.from('no block') })
        .where('account', '=', account)
        .execute(),
    )
    await expect(use(store => store.messagesById([one]))).rejects.toThrow()
    const unknown = 'A'.repeat(20)
    const found = await use(store => store.locateMessages([three, unknown, 'no id', one, two]))
    const at = (uid: number, { messageId = `<m${uid}@example.org>` }: { messageId?: string | null } = {}) => ({
      messageId,
      sizeBytes: 1_000 + uid,
      date: recordOf(uid).date,
    })
    const inbox = (uid: number) => ({ path: 'INBOX', uidValidity: 7, uid })
    const archive = { path: 'Archive', uidValidity: 7, uid: 8 }
    expect(found).toEqual([
      { id: three, ...at(3), places: [inbox(3), archive] },
      { id: one, ...at(1, quoted), places: [inbox(1)] },
      { id: two, ...at(2, { messageId: null }), places: [inbox(2)] },
    ])
    await apply({ path: 'INBOX', vanished: [[2, 2]] })
    expect(await use(store => store.locateMessages([two]))).toMatchObject([{ id: two, places: [] }])
    expect(await use(store => store.locateMessages([one], false))).toMatchObject([{ id: one, messageId: null }])
    const many = Array.from({ length: 700 }, (_, number) => recordOf(number + 10))
    const { added: all } = await apply({ path: 'INBOX', added: many })
    const named = all.map(({ id }) => id).reverse()
    const uids = many.map(({ uid }) => uid).reverse()
    const located = await use(store => store.locateMessages([...named, unknown]))
    expect(located.map(({ id }) => id)).toEqual(named)
    expect(located.map(({ places: [place] }) => place)).toEqual(uids.map(inbox))
  })

  test('says where a thousand messages are as numbers, in the order in which they are named', async () => {
    const { apply, use } = await opened('Archive', 'INBOX')
    const records = Array.from({ length: 40 }, (_, number) => recordOf(number + 1))
    const { added } = await apply({ path: 'INBOX', added: records })
    await apply({ path: 'Archive', added: [{ ...recordOf(3), uid: 8 }] })
    await apply({ path: 'INBOX', vanished: [[2, 2]] })
    const ids = [...added.map(({ id }) => id), 'A'.repeat(20)].reverse()
    const wanted = [undefined, ...records.map(({ uid }) => uid).reverse()]
    const found = await use(store => store.packPlaces(ids))
    const placeAt = (_id: string, at: number) => {
      const { path, uidValidity } = found.folders[found.folder[at]!] ?? {}
      return found.there[at] === 1 ? [path, uidValidity, found.uid[at]] : undefined
    }
    // A message in two folders is reported in the first; one in no folder still exists.
    const placesOf = (uid: number | undefined) => ({ 3: ['Archive', 7, 8], 2: [undefined, undefined, 0] })[uid ?? 0]
    expect(ids.map(placeAt)).toEqual(wanted.map(uid => placesOf(uid) ?? (uid && ['INBOX', 7, uid])))
    const { there, messageIds, sizes, dates } = await use(store => store.packIdentities(ids))
    expect(there).toEqual(found.there)
    expect(messageIds).toEqual(wanted.map(uid => (uid ? `<m${uid}@example.org>` : null)))
    expect([...sizes]).toEqual(wanted.map(uid => (uid ? 1_000 + uid : 0)))
    expect([...dates]).toEqual(wanted.map(uid => (uid ? Date.parse(recordOf(uid).date) : 0)))
  })

  test('takes what strangers put into fields: NUL, half characters, nothing at all', async () => {
    const { apply, list } = await opened('INBOX')
    const said = { subject: 'a\0b\ud800', messageId: '', inReplyTo: '\0', date: 'never', flags: ['', 'a\0'] }
    await apply({ path: 'INBOX', added: [recordOf(1, said)], texts: [textOf(1, 'x\0y')] })
    expect(await list('INBOX')).toMatchObject([
      { subject: 'ab\ufffd', date: '1970-01-01T00:00:00.000Z', preview: 'xy' },
    ])
  })

  test('the same batch again changes nothing and raises no number', async () => {
    const { apply, use, facts } = await opened('INBOX')
    const batch: Partial<FolderBatch> & { path: string } = {
      path: 'INBOX',
      added: [recordOf(1), recordOf(2, { flags: ['\\Seen'] }), recordOf(3)],
      texts: [textOf(2, 'the text')],
      changed: [
        { uid: 1, flags: ['\\Answered'] },
        { uid: 77, flags: ['\\Seen'] },
      ],
      vanished: [
        [3, 3],
        [50, 4_294_967_295],
      ],
      position: { uidNext: 4, highestModseq: '12345678901234567890', serverTotal: 2, lowestUid: 1 },
      announces: true,
    }
    const first = await apply(batch)
    expect(first).toMatchObject({
      changed: 1,
      removed: 0,
      added: [
        { uid: 1, isNew: true },
        { uid: 2, isNew: true },
      ],
    })
    const before = await snapshot()
    const again = await apply({
      ...batch,
      added: batch.added!.map(record => (record.uid === 1 ? { ...record, flags: ['\\Answered'] } : record)),
    })
    expect(again).toMatchObject({
      changed: 0,
      removed: 0,
      modseq: first.modseq,
      added: [{ isNew: false }, { isNew: false }],
    })
    expect(again.added.map(({ id }) => id)).toEqual(first.added.map(({ id }) => id))
    expect(await snapshot()).toEqual(before)

    async function snapshot() {
      const all = await use(async store => [
        await store.listMessages({ path: 'INBOX', ...page }),
        await store.figures(),
        await store.changesSince({ since: first.modseq, limit: 9 }),
      ])
      return [...all.map(each => ({ ...each, bytes: 0 })), await facts()]
    }
  })

  test('counts what is in a folder and what of it is unread', async () => {
    const { apply, use } = await opened('INBOX')
    const counts = async () => {
      const [found] = await use(store => store.listFolders())
      return [found!.total, found!.unread]
    }
    await apply({ path: 'INBOX', added: [recordOf(1), recordOf(2, { flags: ['\\seen'] }), recordOf(3)] })
    expect(await counts()).toEqual([3, 2])
    await apply({
      path: 'INBOX',
      changed: [
        { uid: 1, flags: ['\\Seen'] },
        { uid: 2, flags: [] },
        { uid: 3, flags: ['\\Flagged'] },
      ],
    })
    expect(await counts()).toEqual([3, 2])
    await apply({ path: 'INBOX', vanished: [[1, 2]] })
    expect(await counts()).toEqual([1, 1])
    await apply({ path: 'INBOX', uidValidity: 8 })
    expect(await counts()).toEqual([0, 0])
  })

  test('a message keeps its id when it moves, whatever is seen first', async () => {
    const { apply, list, use } = await opened('INBOX', 'Archive')
    const [{ id } = never()] = (await apply({ path: 'INBOX', added: [recordOf(1)] })).added
    // In both.
    const copied = await apply({ path: 'Archive', added: [{ ...recordOf(1), uid: 70 }] })
    expect(copied.added).toMatchObject([{ uid: 70, id, isNew: false }])
    expect((await list('INBOX'))[0]!.places.map(({ path, uid }) => [path, uid])).toEqual([
      ['INBOX', 1],
      ['Archive', 70],
    ])
    await apply({ path: 'INBOX', vanished: [[1, 1]] })
    // In the other order, it is in no folder for a while.
    await apply({ path: 'Archive', vanished: [[70, 70]] })
    expect(await use(store => store.messagesById([id]))).toMatchObject([{ id, places: [] }])
    expect(await use(store => store.settleOrphans(1, 1))).toEqual({ removed: 0, round: 2 })
    await apply({ path: 'INBOX', added: [{ ...recordOf(1), uid: 2 }] })
    expect(await use(store => store.settleOrphans(2, 1))).toEqual({ removed: 0, round: 3 })
    expect(ids(await list('INBOX'))).toEqual([id])
  })

  test('what is in no folder after every one was read once more is gone, with all that was kept of it', async () => {
    const { apply, use, facts } = await opened('INBOX')
    const { added } = await apply({ path: 'INBOX', added: [recordOf(1), recordOf(2)], texts: [textOf(1, 'one')] })
    const id = added[0]!.id
    const { modseq } = await apply({ path: 'INBOX', vanished: [[1, 1]] })
    for (const round of [1, 1, 2]) await use(store => store.settleOrphans(round, 1))
    expect(await use(store => store.messagesById([id]))).toEqual([])
    expect(await use(store => store.figures())).toMatchObject({ messages: 1, texts: 0, threads: 1 })
    expect(await use((_store, db, account) => searched(db, account))).toMatchObject([{ body: null }])
    expect(await use(store => store.changesSince({ since: modseq, limit: 10 }))).toMatchObject({
      created: [],
      updated: [],
      destroyed: [id],
    })
    expect((await facts()).at(-1)).toMatchObject({ type: 'mail_removed', data: { messages: [{ id }] } })
    // It comes back.
    const again = await apply({ path: 'INBOX', added: [{ ...recordOf(1), uid: 9 }] })
    expect(again.added).toMatchObject([{ id, isNew: true }])
    expect(await use(store => store.changesSince({ since: modseq, limit: 10 }))).toMatchObject({
      created: [id],
      updated: [],
      destroyed: [],
    })
  })

  test('equal messages of one folder have an id each, and are the same in another folder', async () => {
    const { apply, list } = await opened('INBOX', 'Archive')
    const equal = (uid: number) => ({ ...recordOf(1), uid })
    await apply({ path: 'INBOX', added: [equal(1), equal(2), equal(3)] })
    await apply({ path: 'INBOX', added: [equal(4)] })
    const four = ids(await list('INBOX'))
    expect(new Set(four).size).toBe(4)
    await apply({ path: 'Archive', added: [equal(8), equal(9)] })
    expect(ids(await list('Archive')).every(id => four.includes(id))).toBe(true)
    // One leaves and another arrives in the same look: they are the same message.
    const { added } = await apply({ path: 'INBOX', vanished: [[2, 2]], added: [equal(5)] })
    expect(added).toMatchObject([{ uid: 5, isNew: false }])
    expect(new Set(ids(await list('INBOX')))).toEqual(new Set(four))
  })

  test('EMAILID decides where there is one; without Message-ID, sender and subject', async () => {
    const { apply } = await opened('INBOX', 'Archive')
    const alike = { date: recordOf(1).date, sizeBytes: 10, messageId: '<same@example.org>' }
    const first = await apply({
      path: 'INBOX',
      added: [
        recordOf(1, { ...alike, emailId: 'E1' }),
        recordOf(2, { ...alike, emailId: 'E2' }),
        recordOf(3, { ...alike, messageId: null, subject: 'One' }),
        recordOf(4, { ...alike, messageId: null, subject: 'Two' }),
      ],
    })
    expect(new Set(first.added.map(({ id }) => id)).size).toBe(4)
    const second = await apply({
      path: 'Archive',
      added: [
        recordOf(1, { emailId: 'E1', subject: 'Other' }),
        recordOf(3, { ...alike, messageId: null, subject: 'One' }),
      ],
    })
    expect(second.added.map(({ id }) => id)).toEqual([first.added[0]!.id, first.added[2]!.id])
  })

  test('a UID that stands for another message now loses the one that it was', async () => {
    const { apply, list, use } = await opened('INBOX')
    const first = await apply({ path: 'INBOX', added: [recordOf(1)] })
    await apply({ path: 'INBOX', added: [{ ...recordOf(5), uid: 1 }] })
    const [now] = await list('INBOX')
    expect(now).toMatchObject({ messageId: '<m5@example.org>' })
    expect(await use(store => store.messagesById([first.added[0]!.id]))).toMatchObject([{ places: [] }])
    expect(await use(store => store.listFolders())).toMatchObject([{ total: 1, unread: 1 }])
  })

  test('another UIDVALIDITY empties the folder, and its messages are known again', async () => {
    const { apply, use, facts } = await opened('INBOX')
    const first = await apply({
      path: 'INBOX',
      added: [recordOf(1), recordOf(2)],
      position: { lowestUid: 1, uidNext: 3 },
    })
    const second = await apply({ path: 'INBOX', uidValidity: 8, added: [{ ...recordOf(1), uid: 10 }] })
    expect(second).toMatchObject({ removed: 2, added: [{ uid: 10, id: first.added[0]!.id, isNew: false }] })
    expect(await use(store => store.listFolders())).toMatchObject([
      { uidValidity: 8, total: 1, lowestUid: null, uidNext: 0 },
    ])
    const folderFacts = (await facts()).filter(({ type }) => type === 'folder_changed').map(({ data }) => data)
    expect(folderFacts.slice(-2)).toMatchObject([
      { event: 'cleared', removed: 2, total: 0 },
      { event: 'changed', added: 1, total: 1 },
    ])
  })

  test('a text is added once, shown as how it begins, and searched with the rest of the message', async () => {
    const { apply, list, use } = await opened('INBOX')
    await apply({ path: 'INBOX', added: [recordOf(1, { attachmentNames: ['plan.pdf'] })] })
    const words = await use((_store, db, account) => searched(db, account))
    expect(words).toMatchObject([{ words: 'Subject 1|Ann ann@example.org| box@example.org|||plan.pdf', body: null }])
    await apply({ path: 'INBOX', texts: [textOf(1, 'see https://example.org'), textOf(2, 'nobody has this')] })
    await apply({ path: 'INBOX', texts: [textOf(1, 'another one')] })
    expect(await list('INBOX')).toMatchObject([{ preview: 'see https://example.org' }])
    for (const [query, preview] of [
      [{ previews: true }, 'see https://example.org'],
      [{}, null],
    ] as const) {
      const { threads } = await use(store => store.listThreads({ limit: 5, ...query }))
      expect(threads).toMatchObject([{ newest: { preview } }])
      const { id } = threads[0]!
      expect(await use(store => store.messagesOfThread({ id, limit: 5, ...query }))).toMatchObject([{ preview }])
    }
    expect(await use((_store, db, account) => searched(db, account))).toMatchObject([
      { body: 'see https://example.org' },
    ])
    expect(await use(store => store.figures())).toMatchObject({ messages: 1, texts: 1 })
  })

  test('3,000 messages of one second have rows of their own', async () => {
    const { apply, use } = await opened('INBOX')
    const date = '2026-03-01T12:00:00.000Z'
    for (let from = 1; from <= 3_000; from += 500) {
      const added = Array.from({ length: 500 }, (_, index) => recordOf(from + index, { date }))
      await apply({ path: 'INBOX', added })
    }
    // Row ids that overflowed into the next second do not collide.
    await apply({ path: 'INBOX', added: [recordOf(9_000, { date: '2026-03-01T12:00:01.000Z' })] })
    const { messages, bytes } = await use(store => store.figures())
    expect(messages).toBe(3_001)
    expect(bytes).toBeGreaterThan(100_000)
  })

  test('removing an account leaves nothing, and what comes then is new', async () => {
    const { apply, use, databases, accountId } = await opened('INBOX')
    const other = await opened('INBOX')
    await other.apply({ path: 'INBOX', added: [recordOf(1)] })
    const { added, modseq } = await apply({ path: 'INBOX', added: [recordOf(1)] })
    await databases.drop(accountId)
    expect(await use(store => store.listFolders())).toEqual([])
    expect(await use(store => store.messagesById(added.map(({ id }) => id)))).toEqual([])
    expect(await other.list('INBOX')).toHaveLength(1)
    expect(await other.list('INBOX')).not.toMatchObject([{ id: added[0]!.id }])
    await use(store => store.applyFolders([folder('INBOX')], 1))
    const again = await apply({ path: 'INBOX', added: [recordOf(1)] })
    expect(again.added).toMatchObject([{ id: added[0]!.id, isNew: true }])
    await expect(use(store => store.changesSince({ since: modseq - 10, limit: 1 }))).rejects.toMatchObject({
      code: 'cannot_calculate_changes',
    })
  })
}
