/** Threads: what belongs together, and that the order in which messages come does not matter. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { folder, onEachIndex, recordOf } from '../../test/support/index-world.ts'
import { baseSubject } from './base-subject.ts'
import type { FolderBatch, MessageRecord, ThreadCursor } from './index-types.ts'

const day = 24 * 60 * 60 * 1000
const dateOf = (days: number) => new Date(Date.UTC(2026, 0, 1) + days * day).toISOString()

test.each([
  ['Hello', 'hello', false],
  ['Re: Hello', 'hello', true],
  ['re : [list] RE: Fw[2]: Hello (fwd)', 'hello', true],
  ['[list] Re: Hello', 'hello', true],
  ['[list] Hello', 'hello', false],
  ['[list]', '[list]', false],
  ['[fwd: Re: Hello]', 'hello', true],
  ['Hello (FWD) (fwd) ', 'hello', true],
  [' Re:\t  two   words ', 'two words', true],
  ['Re:', '', true],
  ['Regards: you', 'regards: you', false],
  ['[a][b][c]'.repeat(300), '[c]', false],
])('the base of %j is %j', (subject, text, isReply) => {
  const base = baseSubject(subject)
  // A truncated one ends where it was cut.
  if (subject.length > 1_000) expect(base.text.length).toBeLessThan(5)
  else expect(base).toEqual({ text, isReply })
})

onEachIndex(world => {
  async function threadsOf(records: MessageRecord[], batchSize = 100): Promise<{ ids: string[]; partition: string }> {
    const { use } = await world.open()
    await use(store => store.applyFolders([folder('INBOX')], 1))
    for (let from = 0; from < records.length; from += batchSize) {
      const added = records.slice(from, from + batchSize)
      await use(store => store.applyBatch({ path: 'INBOX', uidValidity: 1, announces: false, added }, 1))
    }
    const { messages } = await use(store => store.listMessages({ path: 'INBOX', limit: 1_000 }))
    const byUid = new Map(messages.map(({ places, threadId }) => [places[0]!.uid, threadId]))
    const uids = [...byUid.keys()].sort((one, other) => one - other)
    const sets = Map.groupBy(uids, uid => byUid.get(uid)!)
    return { ids: uids.map(uid => byUid.get(uid)!), partition: JSON.stringify([...sets.values()].sort()) }
  }
  const partition = async (...records: MessageRecord[]) => JSON.parse((await threadsOf(records, 1)).partition)

  test('References and In-Reply-To connect, over messages that are not there, across folders, and late', async () => {
    const [root, answer, second] = ['<root@x>', '<answer@x>', '<second@x>']
    expect(
      await partition(
        recordOf(1, { messageId: second, references: [root, answer] }),
        recordOf(2, { messageId: '<other@x>', inReplyTo: `Your message ${root} of today` }),
        recordOf(3, { messageId: '<alone@x>' }),
        recordOf(4, { messageId: null, inReplyTo: second }),
      ),
    ).toEqual([[1, 2, 4], [3]])
    const { use } = await world.open()
    await use(store => store.applyFolders([folder('INBOX'), folder('Sent')], 1))
    const apply = (path: string, ...added: MessageRecord[]) =>
      use(store => store.applyBatch({ path, uidValidity: 1, announces: false, added }, 1))
    const first = await apply(
      'INBOX',
      recordOf(1, { messageId: root }),
      recordOf(2, { messageId: second, flags: ['\\Seen'] }),
    )
    const [one, other] = first.added.map(({ threadId }) => threadId)
    expect(one).not.toBe(other)
    // The link between them is one's own answer.
    const late = await apply('Sent', recordOf(3, { messageId: answer, references: [root], inReplyTo: second }))
    const { threadId } = late.added[0]!
    expect([one, other]).toContain(threadId)
    const changes = await use(store => store.changesSince({ since: first.modseq, limit: 10 }))
    expect(changes.updated).toEqual([first.added.find(each => each.threadId !== threadId)!.id])
    const messages = await use(store => store.messagesOfThread({ id: threadId, limit: 10 }))
    expect(messages.map(({ places }) => places[0]!.path)).toEqual(['INBOX', 'INBOX', 'Sent'])
    expect(await use(store => store.messagesOfThread({ id: 'none', limit: 10 }))).toEqual([])
    const facts = await use(store => store.listOutgoing(0, 100))
    expect(facts.at(-1)!.data).toMatchObject({ merged: [{ into: threadId }] })
    expect(await use(store => store.figures())).toMatchObject({ threads: 1 })
    const page = await use(store => store.listThreads({ limit: 5 }))
    expect(page).toMatchObject({
      threads: [{ id: threadId, messageCount: 3, unreadCount: 2, newest: { subject: 'Subject 3' } }],
      nextCursor: null,
    })
    const inbox = await use(store => store.listThreads({ path: 'INBOX', limit: 5 }))
    expect(inbox.threads).toMatchObject([{ newest: { subject: 'Subject 2' } }])
  })

  test('the subject connects only an answer that names nothing, with what is within 90 days', async () => {
    const said = (uid: number, subject: string, days: number, more: Partial<MessageRecord> = {}) =>
      recordOf(uid, { subject, date: dateOf(days), ...more })
    expect(
      await partition(
        said(1, 'Lunch', 0),
        said(2, 'lunch', 1),
        said(3, 'Dinner', 0),
        said(4, 'Dinner', 1),
        said(5, 'Re: Dinner', 2),
        said(6, 'Re: Lunch', 3, { inReplyTo: '<unknown@x>' }),
        said(7, 'Dinner', 93),
        said(8, 'Fwd: dinner', 92),
        said(9, 'Re: ', 2),
        said(10, 'Re:', 2),
      ),
    ).toEqual([[1], [10], [2], [3, 4, 5, 7, 8], [6], [9]])
  })

  test('lists threads newest first, each once, in pages', async () => {
    const { use } = await world.open()
    await use(store => store.applyFolders([folder('INBOX'), folder('Other')], 1))
    const added = Array.from({ length: 60 }, (_, index) =>
      recordOf(index + 1, { references: [`<root${index % 7}@x>`] }),
    )
    await use(store => store.applyBatch({ path: 'INBOX', uidValidity: 1, announces: false, added }, 1))
    await use(store => store.applyBatch({ path: 'Other', uidValidity: 1, announces: false, added: [recordOf(99)] }, 1))
    for (const path of ['INBOX', undefined]) {
      const subjects: string[] = []
      for (let cursor: ThreadCursor | null | undefined; cursor !== null; ) {
        const query = { limit: 3, ...(path !== undefined && { path }), ...(cursor !== undefined && { cursor }) }
        const { threads, nextCursor } = await use(store => store.listThreads(query))
        subjects.push(...threads.map(({ newest }) => newest.subject))
        cursor = nextCursor
      }
      const newest = [60, 59, 58, 57, 56, 55, 54].map(uid => `Subject ${uid}`)
      expect(subjects).toEqual(path === undefined ? ['Subject 99', ...newest] : newest)
    }
  })

  test('a thread that gets mail while its list is paged through is on a later page all the same, once', async () => {
    for (const path of ['INBOX', undefined]) {
      const { use } = await world.open()
      const add = (folder: string, added: MessageRecord[], changed: FolderBatch['changed'] = []) =>
        use(store => store.applyBatch({ path: folder, uidValidity: 1, announces: true, added, changed }, 1))
      const read = (cursor?: ThreadCursor) =>
        use(store => store.listThreads({ limit: 3, ...(path !== undefined && { path }), cursor }))
      await use(store => store.applyFolders([folder('INBOX'), folder('Other')], 1))
      // Nine threads of two messages, the first ones of all before the second ones of all.
      const begun = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(uid => recordOf(uid))
      const answers = begun.map(({ uid, messageId }) => recordOf(uid + 10, { references: [messageId!] }))
      // Belongs to the third thread, dated like the newest ones, and reaches INBOX only later.
      const elsewhere = recordOf(18, { references: ['<m3@example.org>'], messageId: '<else@x>' })
      await add('INBOX', [...begun, ...answers])
      if (path !== undefined) await add('Other', [{ ...elsewhere, uid: 1 }])
      const first = await read()
      expect(first.threads.map(({ newest }) => newest.subject)).toEqual(['Subject 19', 'Subject 18', 'Subject 17'])

      const newest = recordOf(50, { references: ['<m5@example.org>'] })
      const dated = recordOf(60, { references: ['<m4@example.org>'], date: recordOf(18).date })
      // A change of a listed message does not make it new.
      await add('INBOX', [newest, dated, { ...elsewhere, uid: 61 }], [{ uid: 19, flags: ['\\Seen'] }])
      const later: string[] = []
      for (let cursor = first.nextCursor; cursor; ) {
        const page = await read(cursor)
        later.push(...page.threads.map(each => `${each.newest.subject} of ${each.messageCount}`))
        cursor = page.nextCursor
      }
      expect(later).toEqual(
        ['16 of 2', '50 of 3', '60 of 3', '18 of 3', '12 of 2', '11 of 2'].map(each => `Subject ${each}`),
      )
      expect((await read()).threads[0]).toMatchObject({ newest: { subject: 'Subject 50' } })
    }
  })

  const ids = fc.integer({ min: 0, max: 12 })
  const message = fc.record({
    own: fc.option(ids),
    references: fc.array(ids, { maxLength: 3 }),
    inReplyTo: fc.option(ids),
    isReply: fc.boolean(),
    subject: fc.integer({ min: 0, max: 2 }),
    days: fc.integer({ min: 0, max: 400 }),
  })
  const name = (id: number) => `<${id}@x>`

  test('any order and any size of batches gives the same threads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(message, { minLength: 2, maxLength: 16 })
          .chain(messages =>
            fc.tuple(
              fc.constant(messages),
              fc.shuffledSubarray([...messages.keys()], { minLength: messages.length }),
              fc.integer({ min: 1, max: 6 }),
            ),
          ),
        async ([messages, order, batchSize]) => {
          const records = messages.map(({ own, references, inReplyTo, isReply, subject, days }, index) =>
            recordOf(index + 1, {
              messageId: own === null ? null : name(own),
              // Few of them, so that subjects matter.
              references: index % 3 === 0 ? references.map(name) : [],
              inReplyTo: inReplyTo === null || index % 3 === 1 ? null : name(inReplyTo),
              subject: `${isReply ? 'Re: ' : ''}${['', 'one', 'two'][subject]}`,
              date: dateOf(days),
            }),
          )
          const expected = (await threadsOf(records)).partition
          expect(
            (
              await threadsOf(
                order.map(index => records[index]!),
                batchSize,
              )
            ).partition,
          ).toBe(expected)
          expect(expected).toBe(JSON.stringify(closure(records)))
        },
      ),
      { numRuns: 40 },
    )
  })
})

/** Computes the threads by definition, pair by pair. */
function closure(records: MessageRecord[]): number[][] {
  const linksOf = (record: MessageRecord) =>
    new Set([record.messageId, record.inReplyTo, ...record.references].filter(link => link !== null))
  const related = (one: MessageRecord, other: MessageRecord) => {
    if ([...linksOf(one)].some(link => linksOf(other).has(link))) return true
    const [first, second] = [one, other].map(({ subject }) => baseSubject(subject))
    const isBare = (record: MessageRecord) => record.references.length === 0 && record.inReplyTo === null
    const isAnswer = (first!.isReply && isBare(one)) || (second!.isReply && isBare(other))
    const near = Math.abs(Date.parse(one.date) - Date.parse(other.date)) <= 90 * day
    return isAnswer && near && first!.text !== '' && first!.text === second!.text
  }
  const sets: MessageRecord[][] = []
  for (const record of records) {
    const joined = sets.filter(set => set.some(other => related(record, other)))
    for (const set of joined) sets.splice(sets.indexOf(set), 1)
    sets.push([...joined.flat(), record])
  }
  return sets.map(set => set.map(({ uid }) => uid).sort((one, other) => one - other)).sort()
}
