/** Searching the index of an account: the same hits on SQLite and PostgreSQL, in the same order, page after page. */
import { zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { onEachIndex } from '../../test/support/index-databases.ts'
import { IndexStore } from './index-store.ts'
import type { MessageRecord } from './index-types.ts'
import { parseSearch } from './search-language.ts'
import { SearchStore } from './search-store.ts'
import type { IndexSearch } from './search-types.ts'
import { textOfParts } from './text-of-parts.ts'

interface Mail extends Partial<MessageRecord> {
  path?: string
  body?: string
}

const now = Date.parse('2026-11-28T12:00:00Z')
const person = (name: string) => ({ name, email: `${name.toLowerCase()}@example.com` })

function recordOf(uid: number, { path: _path, body: _body, ...more }: Mail): MessageRecord {
  return {
    uid,
    emailId: null,
    messageId: `<${uid}@example.com>`,
    inReplyTo: null,
    references: [],
    subject: `Message ${uid}`,
    from: [person('Anna')],
    to: [person('Me')],
    cc: [],
    bcc: [],
    fromCount: 1,
    toCount: 1,
    date: new Date(Date.UTC(2026, 0, uid)).toISOString(),
    flags: [],
    sizeBytes: 1000 * uid,
    hasAttachments: false,
    attachmentNames: [],
    faults: [],
    ...more,
  }
}

onEachIndex(open => {
  async function filled(mails: Mail[]) {
    const { db, fullText } = await open()
    const index = new IndexStore({
      db,
      account: 1,
      accountId: 'account',
      fullText,
      readText: textOfParts,
      bytes: async () => 0,
    })
    await db.insertInto('accounts').values({ number: 1, id: 'account' }).execute()
    await db
      .insertInto('account_state')
      .values({ account: 1, modseq: 0, oldest_modseq: 0, last_fact: 0, round: 0, messages: 0, texts: 0, contacts: 0 })
      .execute()
    const folder = (path: string, role: string | null) => ({ path, role, isSelectable: true, mailboxId: null })
    await index.applyFolders([folder('INBOX', 'inbox'), folder('Sent Mail', 'sent'), folder('Work', null)], 1)
    const put = async (list: Mail[], firstUid: number) => {
      for (const path of ['INBOX', 'Sent Mail', 'Work']) {
        const own = list
          .map((mail, at) => ({ mail, uid: firstUid + at }))
          .filter(({ mail }) => (mail.path ?? 'INBOX') === path)
        const texts = own.flatMap(({ mail, uid }) => {
          const part = { type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes: Buffer.from(mail.body ?? '') }
          return mail.body === undefined ? [] : [{ uid, parts: [part] }]
        })
        const added = own.map(({ mail, uid }) => recordOf(uid, mail))
        await index.applyBatch({ path, uidValidity: 1, added, texts, announces: false }, 1)
      }
    }
    await put(mails, 1)
    const store = new SearchStore({ db, account: 1 }, fullText)
    const search = (query: string, more: Partial<IndexSearch> = {}) => {
      const inBody = more.inBody ?? true
      const all = { order: 'date' as const, limit: 50, counts: false, now, inBody, ...more }
      return store.search({ tree: parseSearch(query, { inBody: true }), ...all })
    }
    const find = async (query: string, more: Partial<IndexSearch> = {}) =>
      (await search(query, more)).hits.map(({ message }) => Number(/\d+/.exec(message.messageId!)![0]))
    return { db, index, search, find, put }
  }

  test('each condition, and all of them with and, or, not and parentheses', async () => {
    const { find } = await filled([
      { subject: 'Tea party', body: 'Bring the good milk', flags: ['\\Seen'] }, // 1
      {
        subject: 'Budget 2026',
        body: 'tea costs see https://example.com',
        flags: ['\\Flagged', 'Work'],
        from: [person('Bob')],
      },
      {
        subject: 'Re: Budget',
        path: 'Work',
        cc: [person('Eve')],
        bcc: [person('Zoe')],
        flags: ['\\Answered', '\\Draft'],
      },
      {
        subject: 'Photos',
        path: 'Sent Mail',
        hasAttachments: true,
        attachmentNames: ['Tea-garden.jpg'],
        to: [person('Bob')],
      },
      { subject: '会議の資料', body: '東京で会います', flags: ['$Label-1', 'work'] }, // 5
    ])
    const cases: [query: string, hits: number[]][] = [
      ['tea', [4, 2, 1]],
      ['tea -milk', [4, 2]],
      ['-tea', [5, 3]],
      ['tea OR budget', [4, 3, 2, 1]],
      ['(tea OR budget) is:read', [1]],
      ['tea (milk OR is:flagged)', [2, 1]],
      ['-(tea OR budget)', [5]],
      ['milk OR has:attachment', [4, 1]],
      ['bud*', [3, 2]],
      ['"good milk"', [1]],
      ['"milk good"', []],
      ['会議', [5]],
      ['東京', [5]],
      ['京', [5]],
      ['subject:tea', [1]],
      ['from:bob', [2]],
      ['from:bob@example.com OR to:bob', [4, 2]],
      ['to:eve', [3]],
      ['cc:eve', [3]],
      ['bcc:zoe', [3]],
      ['to:zoe', []],
      ['filename:garden', [4]],
      ['filename:gard*', [4]],
      ['body:tea', [2]],
      ['body:"good milk" OR body:会議', [1]],
      ['-body:tea', [5, 4, 3, 1]],
      ['on:2026-01-02', [2]],
      ['-on:2026-01-02 tea', [4, 1]],
      ['keyword:work', [5, 2]],
      ['is:unflagged is:unread', [5, 4, 3]],
      ['is:unanswered', [5, 4, 2, 1]],
      ['has:attachment', [4]],
      ['has:link', [2]],
      ['-has:link', [5, 4, 3, 1]],
      ['is:unread', [5, 4, 3, 2]],
      ['is:flagged', [2]],
      ['is:answered is:draft', [3]],
      ['label:WORK', [5, 2]],
      ['label:wor', []],
      ['label:"$label-1"', [5]],
      ['label:"%"', []],
      ['in:work', []],
      ['in:Work', [3]],
      ['in:inbox tea', [2, 1]],
      ['in:sent OR in:Work', [4, 3]],
      ['-in:INBOX', [4, 3]],
      ['in:nowhere', []],
      ['tea -in:nowhere', [4, 2, 1]],
      ['after:2026-01-03', [5, 4, 3]],
      ['before:2026-01-03', [2, 1]],
      ['tea after:2026-01-02 before:2026-01-03', [2]],
      ['-after:2026-01-03', [2, 1]],
      ['larger:3k', [5, 4]],
      ['smaller:3k', [2, 1]],
      ['tea larger:1500', [4, 2]],
      ['thread:nonsense!', []],
      ['is:unread in:Work', [3]],
      ['is:flagged in:Work', []],
    ]
    for (const [query, hits] of cases) expect(await find(query), query).toEqual(hits)
  })

  test('a thread is found by its id, and a name without a folder is told', async () => {
    const { search } = await filled([
      { body: 'a' },
      { inReplyTo: '<1@example.com>', references: ['<1@example.com>'] },
      {},
    ])
    const all = await search('message')
    const { threadId } = all.hits.find(({ message }) => message.messageId === '<1@example.com>')!.message
    const found = await search(`thread:${threadId}`)
    expect(found.hits.map(({ message }) => message.messageId)).toEqual(['<2@example.com>', '<1@example.com>'])
    expect((await search('a in:nowhere -(in:sent OR in:elsewhere)')).unknownFolders).toEqual(['nowhere', 'elsewhere'])
  })

  test('a condition on flags and one on the folder are met by the same place', async () => {
    const same = { messageId: '<1@example.com>', date: '2026-01-01T00:00:00.000Z', sizeBytes: 5 }
    const { find } = await filled([
      { ...same, flags: ['\\Seen'] },
      { ...same, path: 'Work' },
    ])
    expect(await find('is:read in:inbox')).toEqual([1])
    expect(await find('is:read in:Work')).toEqual([])
    expect(await find('is:unread (in:Work OR in:sent)')).toEqual([1])
    expect(await find('-is:read')).toEqual([])
  })

  test('without the right to texts there is nothing of them in any answer', async () => {
    const { find, search } = await filled([
      { subject: 'Plan', body: 'secret words https://example.com' },
      { subject: 'secret' },
    ])
    const meta = { inBody: false }
    expect(await find('secret', meta)).toEqual([2])
    expect(await find('-secret', meta)).toEqual([1])
    expect(await find('words OR plan', meta)).toEqual([1])
    expect(await find('"secret words"', meta)).toEqual([])
    expect(await find('-(plan words)', meta)).toEqual([2, 1])
    expect(await find('has:link', meta)).toEqual([])
    expect(await find('-has:link', meta)).toEqual([2, 1])
    expect(await find('body:secret', meta)).toEqual([])
    expect(await find('plan body:secret OR subject:plan -body:secret', meta)).toEqual([1])
    const { hits } = await search('plan', meta)
    expect(hits).toMatchObject([{ snippet: null, message: { preview: null } }])
    expect((await search('words')).hits[0]).toMatchObject({
      message: { preview: 'secret words https://example.com' },
      snippet: { text: 'secret words https://example.com', hits: [[7, 12]] },
    })
  })

  test('without that right names of attachments are not searched either, and no order, count or thread tells of what is', async () => {
    const { find, search } = await filled([
      { subject: 'a', hasAttachments: true, attachmentNames: ['dismissal.pdf'], body: 'dismissal' },
      { subject: 'b', body: 'nothing' },
      { subject: 'c', body: 'dismissal', inReplyTo: '<1@example.com>', references: ['<1@example.com>'] },
    ])
    const meta = { inBody: false, counts: true }
    for (const query of ['dismissal', 'filename:dismissal', 'dismiss*', 'body:dismissal', '(dismissal is:unread)']) {
      for (const order of ['date', 'rank'] as const) {
        const found = await search(query, { ...meta, order })
        expect([query, found.hits, found.total]).toEqual([query, [], { count: 0, isExact: true }])
        expect(found.facets).toEqual({ folders: [], senders: [], years: [] })
      }
    }
    // Each of these matches all or the same, whatever the texts say.
    for (const query of ['-dismissal', '-filename:dismissal', '-body:dismissal', 'is:unread OR dismissal']) {
      for (const order of ['date', 'rank'] as const) expect(await find(query, { ...meta, order })).toEqual([3, 2, 1])
    }
    const { threadId } = (await search('subject:a')).hits[0]!.message
    expect(await find(`thread:${threadId} dismissal`, meta)).toEqual([])
    expect(await find(`thread:${threadId} -dismissal`, meta)).toEqual([3, 1])
    expect(await find('dismissal')).toEqual([3, 1])
    expect(await find('filename:dismissal')).toEqual([1])
  })

  test('what a search found is read later, as far as it is still there, and how far the index reaches is told', async () => {
    const { index, search } = await filled([{ body: 'tea', subject: 'x' }, { body: 'tea' }, { subject: 'tea' }])
    const query = { tree: parseSearch('tea', { inBody: true }), limit: 2, counts: true, now, inBody: true }
    for (const order of ['date', 'rank'] as const) {
      const whole = await search('tea', { ...query, order })
      const { places, ...found } = await index.findHits({ ...query, order })
      expect({ ...found, hits: await index.readHits(places, query) }).toEqual(whole)
      expect(whole.hits.map(({ score }) => typeof score)).toEqual(Array(2).fill(order === 'rank' ? 'number' : 'object'))
      expect(await index.readHits([{ rowid: 1, score: null }, ...places], query)).toEqual(whole.hits)
      expect(await index.search({ ...query, order })).toEqual(whole)
      // Who does not show facets does not have them made.
      expect(await index.search({ ...query, order, counts: 'total' })).toEqual({ ...whole, facets: null })
    }
    const { reach, hits } = await search('tea')
    expect(reach).toMatchObject({ messages: 3, texts: 2, hasFolders: true, textlessFrom: Date.UTC(2026, 0, 3) / 1000 })
    expect(reach.missing.map(({ path }) => path)).toEqual(['INBOX', 'Sent Mail', 'Work'])
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, position: { lowestUid: 1 }, announces: false }, 1)
    await index.applyBatch({ path: 'Work', uidValidity: 1, position: { lowestUid: 7 }, announces: false }, 1)
    expect((await search('tea')).reach.missing).toEqual([
      { path: 'Sent Mail', belowUid: null },
      { path: 'Work', belowUid: 7 },
    ])
    const ids = hits.map(({ message }) => message.id)
    const held = await index.heldMessages([...ids, 'AAAAAAAAAAAAAAAAAAAA', 'nonsense'])
    expect(held.toSorted((one, other) => other.rowid - one.rowid)).toEqual(
      hits.map(({ message: { id, threadId }, rowid }, at) => ({ id, threadId, rowid, hasText: at > 0 })),
    )
  })

  test('what left its last folder is no longer found', async () => {
    const { index, find } = await filled([{ body: 'tea' }, { body: 'tea' }])
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, vanished: [[2, 2]], announces: false }, 1)
    expect(await find('tea')).toEqual([1])
    expect(await find('is:unread OR larger:1')).toEqual([1])
  })

  test('pages by date are stable while mail comes and goes', async () => {
    const days = Array.from({ length: 25 }, (_, at) => ({
      body: 'tea',
      date: new Date(Date.UTC(2020, at, 1)).toISOString(),
    }))
    const { find, search, put, index } = await filled(days)
    const first = await search('tea', { limit: 10 })
    expect(first.hits).toHaveLength(10)
    await put([{ body: 'tea', date: '2026-11-01T00:00:00.000Z' }], 100)
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, vanished: [[16, 16]], announces: false }, 1)
    const second = await find('tea', { limit: 10, cursor: first.nextCursor! })
    expect(second).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6])
    const { nextCursor } = await search('tea', { limit: 10, cursor: first.nextCursor!, counts: true })
    const last = await search('tea', { limit: 10, cursor: nextCursor!, counts: true })
    expect(last.hits).toHaveLength(5)
    expect(last.nextCursor).toBeNull()
    expect(last.total).toEqual({ count: 25, isExact: true })
  })

  test('the best come first, and their pages are stable too', async () => {
    const { find, search, put } = await filled([
      { subject: 'Tea', date: '2026-01-01T00:00:00.000Z' }, // 1: subject
      { subject: 'x', body: 'tea', date: '2026-11-20T00:00:00.000Z' }, // 2: new
      { subject: 'x', body: 'tea', date: '2025-01-01T00:00:00.000Z' }, // 3: old
      { subject: 'x', body: 'tea', date: '2025-01-02T00:00:00.000Z', flags: ['\\Flagged'] },
      { subject: 'x', body: 'tea', date: '2025-01-03T00:00:00.000Z', flags: ['\\Answered'] },
      { subject: 'x', body: 'y', date: '2025-01-04T00:00:00.000Z', from: [person('Tea')] },
    ])
    const rank = { order: 'rank' as const }
    const ranked = await find('tea', rank)
    expect(ranked).toEqual([1, 2, 6, 4, 5, 3])
    const first = await search('tea', { ...rank, limit: 2 })
    await put([{ subject: 'tea tea', date: '2026-11-27T00:00:00.000Z' }], 50)
    const second = await search('tea', { ...rank, limit: 2, cursor: first.nextCursor!, now: now + 1e9 })
    const third = await find('tea', { ...rank, limit: 2, cursor: second.nextCursor!, now: now + 2e9 })
    const ids = ({ hits }: typeof first) => hits.map(({ message }) => Number(/\d+/.exec(message.messageId!)![0]))
    expect([...ids(first), ...ids(second), ...third]).toEqual(ranked)
    expect(await find('tea', rank)).toEqual([50, ...ranked])
  })

  test('what is found is counted up to a thousand, by folder, sender and year', async () => {
    const { search } = await filled([
      { body: 'tea', from: [person('Bob')], date: '2025-06-01T00:00:00.000Z' },
      { body: 'tea', path: 'Work' },
      { body: 'tea' },
      { body: 'milk' },
    ])
    const { total, facets } = await search('tea', { counts: true, limit: 1 })
    expect(total).toEqual({ count: 3, isExact: true })
    expect(facets).toEqual({
      folders: [
        { path: 'INBOX', count: 2 },
        { path: 'Work', count: 1 },
      ],
      senders: [
        { email: 'anna@example.com', name: 'Anna', count: 2 },
        { email: 'bob@example.com', name: 'Bob', count: 1 },
      ],
      years: [
        { year: 2026, count: 2 },
        { year: 2025, count: 1 },
      ],
    })
    expect(await search('tea')).toMatchObject({ total: null, facets: null })
  })

  test('more than a thousand hits are not counted to the end', async () => {
    const many = Array.from({ length: 1010 }, (_, at) => ({ date: new Date(Date.UTC(2000, 0, at)).toISOString() }))
    const { search } = await filled(many)
    const { total, facets, hits, nextCursor } = await search('message', { counts: true, limit: 10 })
    expect(total).toEqual({ count: 1000, isExact: false })
    expect(facets?.folders).toEqual([{ path: 'INBOX', count: 1000 }])
    expect(hits[0]!.message.messageId).toBe('<1010@example.com>')
    const second = await search('message', { counts: true, limit: 10, cursor: nextCursor! })
    expect(second.hits[0]!.message.messageId).toBe('<1000@example.com>')
    expect(second.total).toEqual({ count: 1000, isExact: false })
    const far = await search('message', {
      counts: true,
      limit: 10,
      cursor: { order: 'date', rowid: 946_684_800 + 4 * 86_400 },
    })
    expect(far.hits.map(({ message }) => message.messageId)).toEqual([5, 4, 3, 2, 1].map(uid => `<${uid}@example.com>`))
    expect((await search('message', { order: 'rank', counts: true, limit: 1 })).total?.isExact).toBe(false)
  })

  test('texts that are removed are not found any more, the rest of the message is; they can come again', async () => {
    const mails = Array.from({ length: 620 }, (_, at) => ({
      subject: `Tea ${at}`,
      body: `milk https://example.com ${at}`,
    }))
    const { db, index, find } = await filled(mails)
    const figures = async () => {
      const { messages, texts } = await index.figures()
      return { messages, texts, milk: (await find('milk')).length, links: (await find('has:link')).length }
    }
    expect(await figures()).toEqual({ messages: 620, texts: 620, milk: 50, links: 50 })
    await index.removeTexts()
    const blocks = await db.selectFrom('text_blocks').select('texts').execute()
    expect(blocks.filter(({ texts }) => zstdDecompressSync(texts).includes('milk'))).toEqual([])
    expect(await figures()).toEqual({ messages: 620, texts: 0, milk: 0, links: 0 })
    expect(await find('tea', { limit: 2 })).toEqual([620, 619])
    const { messages } = await index.listMessages({ path: 'INBOX', limit: 1 })
    expect(messages).toMatchObject([{ subject: 'Tea 619', preview: null }])
    const part = { type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes: Buffer.from('milk once more') }
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, texts: [{ uid: 3, parts: [part] }], announces: false }, 1)
    expect(await find('milk')).toEqual([3])
  })
})
