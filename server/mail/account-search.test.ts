/** Search in an account of which the index holds a part: what is missing is asked of the mail server, and nothing comes twice. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SearchCoverage } from '../../contract/mail-search.ts'
import { onEachIndex } from '../../test/support/index-databases.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { Delivery } from '../imap/adapters/memory-message.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import { IndexStore } from '../index/index-store.ts'
import { textOfParts } from '../index/text-of-parts.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { toRecord } from '../sync/message-record.ts'
import { hitWriter } from './hit-writer.ts'
import { MailSearch, type SearchQuery } from './mail-search.ts'

const { signal } = new AbortController()
const someone: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
const refKey = new SecretBox(Buffer.alloc(32, 7)).derive('refs')
const refs = new MessageRefs(new Signer(refKey))
const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

let gateway: MemoryGateway
let pool: ConnectionPool

beforeEach(() => {
  gateway = new MemoryGateway()
  pool = new ConnectionPool({
    gateway,
    login: async () => login,
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
})
afterEach(() => pool.stop())

/** @param number Also its minute, so that the highest is the newest. */
function deliver(number: number, path: string, delivery: Delivery = {}): void {
  const mail = { messageId: `<${number}@x>`, subject: `mail ${number}`, text: 'tea', date: at(number), sizeBytes: 100 }
  gateway.deliver({ ...mail, ...delivery }, path)
}

onEachIndex(open => {
  async function indexed() {
    const { db, fullText } = await open()
    await db.insertInto('accounts').values({ number: 1, id: 'a' }).execute()
    const counts = { modseq: 0, oldest_modseq: 0, last_fact: 0, round: 0, messages: 0, texts: 0, contacts: 0 }
    await db
      .insertInto('account_state')
      .values({ account: 1, ...counts })
      .execute()
    const bytes = async () => 0
    const parts = { fullText, readText: textOfParts, writeHit: hitWriter(refKey) }
    const store = new IndexStore({ db, account: 1, accountId: 'a', ...parts, bytes })
    const connection = await gateway.connect(login, { timeoutMs: 5_000, signal })
    const listed = async () => {
      const standings = await connection.changes.listStandings(1_000)
      await store.applyFolders(
        standings.map(({ path, role, isSelectable }) => ({ path, role, isSelectable, mailboxId: null, status: null })),
        1,
      )
    }
    /** Indexes from this UID on, with texts or without. */
    const take = async (path: string, lowestUid: number, hasTexts: boolean) => {
      const { uidValidity, headers } = await connection.changes.listHeaders(path, [lowestUid, 99], 99)
      const uids = headers.map(({ uid }) => uid)
      const { texts } = hasTexts ? await connection.changes.listTexts(path, uids, 9_999) : { texts: [] }
      const position = { lowestUid, uidNext: 100 }
      await store.applyBatch({ path, uidValidity, added: headers.map(toRecord), texts, position, announces: false }, 1)
    }
    const indexer: {
      hasTexts: boolean
      isComplete: boolean
      lookedAt: string
      mailbox?: string
      revision: string | null
    } = {
      revision: '1',
      hasTexts: true,
      isComplete: false,
      lookedAt: at(0),
    }
    const search = new MailSearch({
      pool,
      refs,
      ownerOf: async () => ({ email: 'a@own.example', imapHost: 'memory', revision: indexer.revision }),
      accountsOf: async () => [{ id: 'a' }],
      index: {
        of: () => {
          if (indexer.revision === null) throw new Error('the index was asked')
          return store as unknown as IndexOperations
        },
      },
      indexerOf: () => indexer,
    })
    const find = async (q: string, query: Partial<SearchQuery> = {}, as = someone) => {
      const found = await search.searchAccount(as, 'a', { q, sort: 'date', limit: 50, ...query }, signal)
      const coverage: SearchCoverage = found.coverage[0]!
      return { ...found, coverage, numbers: found.items.map(({ message_id: id }) => Number(/\d+/.exec(id!)![0])) }
    }
    return { store, find, listed, take, indexer, attempts: () => gateway.attempts - 1 }
  }

  test('before anything is indexed the server answers, and once all is, it is asked nothing', async () => {
    const { find, listed, take, indexer, attempts } = await indexed()
    for (let number = 1; number <= 6; number++) deliver(number, number % 2 ? 'INBOX' : 'Archive')
    const before = await find('tea')
    expect(before.numbers).toEqual([6, 5, 4, 3, 2, 1])
    expect(before.coverage).toMatchObject({ answered_by: 'server', is_complete: true, index: null })
    await listed()
    const empty = await find('tea')
    expect(empty.numbers).toEqual([6, 5, 4, 3, 2, 1])
    expect(empty.coverage).toMatchObject({ answered_by: 'both', index: { messages: 0, incomplete_folders: 6 } })
    for (const path of ['INBOX', 'Archive', 'Sent', 'Trash', 'Drafts', 'Junk']) await take(path, 1, true)
    indexer.isComplete = true
    const asked = attempts()
    gateway.delay = () => {
      throw new Error('the mail server was asked')
    }
    const after = await find('tea', { facets: 'true' })
    expect(after.numbers).toEqual([6, 5, 4, 3, 2, 1])
    expect(after.items.map(({ id }) => id)).toEqual(before.items.map(({ id }) => id))
    expect(after).toMatchObject({ total: 6, is_total_exact: true, facets: { counted: 6, is_complete: true } })
    expect(after.items[0]).toMatchObject({ snippet: { text: 'tea', hits: [[0, 3]] }, folders: ['Archive'] })
    expect(after.coverage).toEqual({
      account_id: 'a',
      answered_by: 'index',
      is_complete: true,
      index: { messages: 6, texts: 6, incomplete_folders: 0 },
      server_folders: 0,
      unknown_folders: [],
      omissions: [],
      looked_at: at(0),
    })
    expect(attempts()).toBe(asked)
  })

  test('an account that has another mailbox now is not searched in the index of the one before', async () => {
    const { find, listed, take, indexer } = await indexed()
    deliver(1, 'INBOX')
    await listed()
    await take('INBOX', 1, true)
    indexer.isComplete = true
    expect((await find('tea', { server: 'never' })).numbers).toEqual([1])
    indexer.mailbox = 'alice at the old server'
    gateway.getFolder('INBOX').messages = []
    deliver(2, 'Archive')
    const after = await find('tea', { facets: 'true' })
    expect([after.numbers, after.coverage]).toMatchObject([
      [2],
      { answered_by: 'server', index: null, looked_at: null },
    ])
    expect(JSON.stringify(after)).not.toContain('mail 1')
    await expect(find('tea', { server: 'never' })).rejects.toMatchObject({ code: 'overloaded' })
  })

  test('of a disabled account neither the index nor the server is searched, whatever is asked for', async () => {
    const { find, listed, take, indexer, attempts } = await indexed()
    deliver(1, 'INBOX')
    await listed()
    await take('INBOX', 1, true)
    const asked = attempts()
    indexer.revision = null
    for (const q of ['tea', 'tea has:attachment', 'in:sent tea']) {
      for (const server of ['auto', 'never'] as const)
        await expect(find(q, { server })).rejects.toMatchObject({ code: 'account_disabled' })
    }
    expect(attempts()).toBe(asked)
  })

  test('older mail that is not indexed is found on the server, in order, page after page and never twice', async () => {
    const { find, listed, take } = await indexed()
    for (let number = 1; number <= 9; number++) deliver(number, 'INBOX')
    // One that the index has in another folder, and one that it lacks.
    deliver(8, 'Archive')
    deliver(10, 'Archive')
    await listed()
    await take('INBOX', 5, true)
    for (const sort of ['date', 'relevance'] as const) {
      const whole = await find('tea', { sort, facets: 'true' })
      expect(whole.numbers).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
      expect(new Set(whole.items.map(({ id }) => id)).size).toBe(10)
      // The server only searches what is below the index: four in INBOX and two in Archive.
      expect(whole).toMatchObject({ total: 11, is_total_exact: false })
      // Hits of the server alone are in no facet, and the response says so.
      expect(whole.facets).toMatchObject({ counted: 5, is_complete: false, years: [{ year: 2026, count: 5 }] })
      expect(whole.coverage).toMatchObject({
        answered_by: 'both',
        is_complete: true,
        index: { messages: 5, texts: 5, incomplete_folders: 6 },
        server_folders: 6,
      })
      const seen: number[] = []
      let cursor: string | undefined
      do {
        const page = await find('tea', { sort, limit: 3, ...(cursor && { cursor }) })
        seen.push(...page.numbers)
        cursor = page.next_cursor ?? undefined
      } while (cursor)
      expect(seen).toEqual(whole.numbers)
    }
    expect((await find('tea', { server: 'never' })).numbers).toEqual([9, 8, 7, 6, 5])
    expect((await find('tea', { server: 'never' })).coverage).toMatchObject({
      answered_by: 'index',
      is_complete: false,
      omissions: [{ reason: 'not_asked', folders: 6 }],
    })
    const attached = await find('tea has:attachment')
    expect(attached.coverage).toMatchObject({
      is_complete: false,
      omissions: [{ reason: 'server_cannot', folders: 6 }],
    })
    for (const limit of [1, 9])
      expect((await find('tea in:archive', { limit })).numbers).toEqual([10, 8].slice(0, limit))
    expect((await find('tea is:unread')).numbers).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    // Parts of words match on the server, and not in what the index has searched.
    expect((await find('te')).numbers).toEqual([10, 4, 3, 2, 1])
    await expect(find('tea in:nowhere')).rejects.toMatchObject({ code: 'folder_not_found' })
  })

  test('texts that are not indexed yet are searched by the server, and what it finds has the thread of the index', async () => {
    const { store, find, listed, take } = await indexed()
    for (let number = 1; number <= 6; number++) deliver(number, 'INBOX', { subject: number === 2 ? 'tea' : 'x' })
    await listed()
    for (const path of ['Archive', 'Sent', 'Trash', 'Drafts', 'Junk']) await take(path, 1, true)
    await take('INBOX', 1, false)
    const found = await find('tea')
    expect(found.numbers).toEqual([6, 5, 4, 3, 2, 1])
    expect(found.coverage).toMatchObject({ answered_by: 'both', is_complete: true, index: { messages: 6, texts: 0 } })
    const { messages } = await store.listMessages({ path: 'INBOX', limit: 9 })
    expect(found.items.map(({ id, thread_id }) => [id, thread_id])).toEqual(
      messages.map(({ id, threadId }) => [id, threadId]),
    )
    // A query on headers alone does not use the server.
    const heads = await find('subject:tea')
    expect([heads.numbers, heads.coverage.answered_by]).toEqual([[2], 'index'])
    const pages: number[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await find('tea', { limit: 2, ...(cursor && { cursor }) })
      pages.push(...page.numbers)
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
    expect(pages).toEqual([6, 5, 4, 3, 2, 1])
  })

  test('with mail:meta no server looks into texts for it either', async () => {
    const { find, listed, take } = await indexed()
    const as = { ...someone, scopes: scopeSet(['mail:meta']) }
    for (let number = 1; number <= 4; number++) deliver(number, 'INBOX', { subject: number % 2 ? 'tea' : 'x' })
    expect((await find('tea', {}, as)).numbers).toEqual([3, 1])
    await listed()
    await take('INBOX', 3, false)
    expect((await find('tea', {}, as)).numbers).toEqual([3, 1])
    expect((await find('-tea', {}, as)).numbers).toEqual([4, 2])
    expect((await find('tea OR in:archive', { sort: 'relevance', facets: 'true' }, as)).numbers).toEqual([3, 1])
    await take('INBOX', 1, true)
    const { numbers, items, facets } = await find('tea', { facets: 'true', preview: 'true' }, as)
    expect(numbers).toEqual([3, 1])
    expect(items.every(({ snippet, preview }) => snippet === null && preview === undefined)).toBe(true)
    expect(facets?.years).toEqual([{ year: 2026, count: 2 }])
  })
})
