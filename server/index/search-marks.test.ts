/** Searching for flagged, unread, labelled and foldered mail: the same hits whether an index of these places is walked or each message is looked at. */
import { expect, test } from 'vitest'
import { onEachIndex } from '../../test/support/index-databases.ts'
import { folder, recordOf } from '../../test/support/index-world.ts'
import { IndexStore } from './index-store.ts'
import { parseSearch } from './search-language.ts'
import { SearchStore } from './search-store.ts'
import type { IndexSearch } from './search-types.ts'
import { textOfParts } from './text-of-parts.ts'

onEachIndex(open => {
  test('beside words and without, whether few or more than a thousand are meant', async () => {
    const { db, fullText } = await open()
    const account = 1
    const options = { db, account, accountId: 'account', fullText, readText: textOfParts, bytes: async () => 0 }
    const index = new IndexStore(options)
    await db.insertInto('accounts').values({ number: account, id: 'account' }).execute()
    const none = { modseq: 0, oldest_modseq: 0, last_fact: 0, round: 0, messages: 0, texts: 0, contacts: 0 }
    await db
      .insertInto('account_state')
      .values({ account, ...none })
      .execute()
    await index.applyFolders([folder('INBOX'), folder('Work')], 1)
    const many = Array.from({ length: 1_100 }, (_, at) => {
      const flags = at % 500 === 7 ? ['\\Flagged'] : at % 2 === 0 ? ['\\Answered'] : []
      return recordOf(at + 1, { flags: at === 3 ? ['\\Seen', 'Work'] : flags })
    })
    // In two folders, flagged in both.
    const twice = recordOf(2_000, { flags: ['\\Flagged'] })
    const put = (path: string, added: typeof many) =>
      index.applyBatch({ path, uidValidity: 1, added, announces: false }, 1)
    await put('INBOX', [...many, twice])
    await put('Work', [{ ...twice, uid: 1 }])
    const store = new SearchStore({ db, account }, fullText)
    for (const word of ['', 'subject ']) {
      const search = (query: string, more: Partial<IndexSearch> = {}) => {
        const tree = parseSearch(word + query, { inBody: true })
        return store.search({ tree, order: 'date', limit: 3, counts: false, inBody: true, now: 0, ...more })
      }
      const find = async (query: string, more: Partial<IndexSearch> = {}) =>
        (await search(query, more)).hits.map(({ message }) => Number(/\d+/.exec(message.messageId!)![0]))
      expect(await find('is:flagged')).toEqual([2_000, 1_008, 508])
      expect(await find('is:unread in:INBOX')).toEqual([2_000, 1_100, 1_099])
      expect(await find('in:Work')).toEqual([2_000])
      expect(await find('label:work')).toEqual([4])
      expect(await find('is:flagged is:answered')).toEqual([])
      expect(await find('is:answered')).toEqual([1_099, 1_097, 1_095])
      const { nextCursor, total } = await search('is:unread', { limit: 2, counts: true })
      expect(total).toEqual({ count: 1_000, isExact: false })
      expect(await find('is:unread', { cursor: nextCursor! })).toEqual([1_099, 1_098, 1_097])
    }
  })
})
