/** Words when what writes them ends in the middle, or is not alone: all of it is there or nothing, and nothing stays behind. */
import { type Kysely, type KyselyPlugin, sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { onEachIndex } from '../../test/support/index-databases.ts'
import { readText } from '../../test/support/index-parts.ts'
import { folder, recordOf, textOf } from '../../test/support/index-world.ts'
import { type FullText, type TextMatch, textFields } from './full-text.ts'
import { phraseOf } from './fulltext.ts'
import { PostgresFullText } from './fulltext-postgres.ts'
import { beginAccount } from './index-schema.ts'
import { IndexStore } from './index-store.ts'
import type { IndexDatabase, IndexTables } from './index-tables.ts'
import { entriesOf, inflatePage } from './word-pages.ts'
import { baseOf, countDead, headsOf } from './word-store.ts'

const empty = { subject: '', from: '', to: '', cc: '', bcc: '', names: '', body: null }
const rowOf = (rowid: number, body: string) => ({ ...empty, rowid, body })

async function find(db: IndexDatabase, text: string, account = 1): Promise<number[]> {
  const fullText = new PostgresFullText()
  const match: TextMatch = { kind: 'phrase', phrase: phraseOf(text, false)!, fields: textFields }
  const buckets = await fullText.buckets(db, account)
  const hits = await fullText.hits(db, account, buckets, [match])
  return [...hits.rows(match)!].reverse()
}

/** Returns whether any page has the word, of whatever message. */
async function hasWord(db: IndexDatabase, word: string): Promise<boolean> {
  const { rows } = await sql<{ page: Buffer }>`select page from word_pages where size is null`.execute(db)
  return rows.some(({ page }) => [...entriesOf(inflatePage(page))].some(entry => entry.word === word))
}

async function hasFreePages(db: IndexDatabase): Promise<boolean> {
  const { rows } = await sql<{ freelist_count: number }>`pragma freelist_count`.execute(db)
  return rows[0]!.freelist_count > 0
}

/** Returns what is stored, byte by byte. */
async function stored(db: IndexDatabase): Promise<unknown[]> {
  const { rows } = await sql`select account, bucket, segment, size, md5(page) as page, md5(gone) as gone from word_pages
    order by account, bucket, segment, first`.execute(db)
  return rows
}

/** Ends the connection behind its statement of this number, as `kill -9` of the process does. */
class CutBehind implements KyselyPlugin {
  isCut = false
  readonly #db: IndexDatabase
  #left: number

  constructor(db: IndexDatabase, number: number) {
    this.#db = db
    this.#left = number
  }

  transformQuery({ node }: Parameters<KyselyPlugin['transformQuery']>[0]) {
    return node
  }

  async transformResult({ result }: Parameters<KyselyPlugin['transformResult']>[0]) {
    this.#left--
    if (this.#left !== 0) return result
    this.isCut = true
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`.execute(this.#db)
    return result
  }
}

/**
 * Repeats the work, each time interrupted after another statement; then completes it. Returns the number of
 * repetitions.
 */
async function cutEverywhere(
  db: Kysely<IndexTables>,
  work: (transaction: IndexDatabase) => Promise<unknown>,
): Promise<number> {
  const before = await stored(db)
  for (let at = 1; ; at++) {
    const cut = new CutBehind(db, at)
    const done = db
      .withPlugin(cut)
      .transaction()
      .execute(work)
      .then(
        () => true,
        () => false,
      )
    expect(await done).toBe(!cut.isCut)
    if (!cut.isCut) return at - 1
    expect(await stored(db)).toEqual(before)
  }
}

onEachIndex((open, isSqlite) => {
  test('texts whose removal was interrupted before their room was given back are gone after the next one', async () => {
    const { db, fullText } = await open()
    await db.insertInto('accounts').values({ number: 1, id: 'account' }).execute()
    await beginAccount(db, 1, 0)
    const bytes = async () => 0
    const index = new IndexStore({ db, account: 1, accountId: 'account', fullText, readText, bytes })
    await index.applyFolders([folder('INBOX')], 1)
    const uids = Array.from({ length: 300 }, (_, at) => at + 1)
    const texts = uids.map(uid => textOf(uid, `milk of ${uid} ${'cows '.repeat(50)}`))
    const added = uids.map(uid => recordOf(uid))
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, added, texts, announces: false }, 1)
    const isLeft = () => (isSqlite ? hasFreePages(db) : hasWord(db, 'milk'))
    vi.spyOn(fullText, 'shrink').mockRejectedValueOnce(new Error('the process ended'))
    await expect(index.removeTexts()).rejects.toThrow('the process ended')
    expect([(await index.figures()).texts, await isLeft()]).toEqual([0, true])
    await index.removeTexts()
    expect(await isLeft()).toBe(false)
  })

  const onShared = isSqlite ? undefined : test

  onShared?.('a connection that ends anywhere in a write, a merge or a removal leaves what was there', async () => {
    const { db, fullText } = await open()
    for (let at = 0; at < 7; at++) await fullText.put(db, 1, [rowOf(at, 'milk tea')])
    await fullText.put(db, 1, [rowOf(2 ** 24, 'milk tea')])
    const merging = await cutEverywhere(db, transaction => fullText.put(transaction, 1, [rowOf(7, 'green tea')]))
    expect(merging).toBeGreaterThan(4)
    expect((await headsOf({ db, account: 1, bucket: 0 })).length).toBe(1)
    expect(await find(db, 'tea')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 2 ** 24])
    await fullText.put(db, 1, [rowOf(8, 'black tea')])
    await fullText.remove(db, 1, [3])
    expect(await cutEverywhere(db, transaction => fullText.tidy(transaction))).toBeGreaterThan(4)
    expect((await headsOf({ db, account: 1, bucket: 0 })).map(({ gone }) => gone)).toEqual([null])
    expect(await find(db, 'milk')).toEqual([0, 1, 2, 4, 5, 6, 2 ** 24])
    expect(await find(db, 'black tea')).toEqual([8])
    expect(await cutEverywhere(db, transaction => fullText.drop(transaction, 1))).toBe(2)
    expect(await stored(db)).toEqual([])
  })

  onShared?.('two that write one account wait for each other, and a search waits for none of them', async () => {
    const { db, fullText } = await open()
    for (let at = 0; at < 7; at++) await fullText.put(db, 1, [rowOf(at, 'tea')])
    const other = new PostgresFullText()
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const { promise: written, resolve: write } = Promise.withResolvers<void>()
    const first = db.transaction().execute(async transaction => {
      await fullText.put(transaction, 1, [rowOf(7, 'tea')])
      write()
      await ended
    })
    await written
    const second = db.transaction().execute(transaction => other.put(transaction, 1, [rowOf(8, 'tea')]))
    const dropped = db.transaction().execute(transaction => other.drop(transaction, 2))
    expect(await find(db, 'tea')).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(await db.transaction().execute(transaction => other.tidy(transaction))).toBe(false)
    await dropped
    end()
    await Promise.all([first, second])
    expect(await find(db, 'tea')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  onShared?.('of a large segment, of which much was replaced or removed, what is left is written again', async () => {
    const { db, fullText } = await open()
    const size = 9_000
    const rows = (from: number, to: number, body: string) =>
      Array.from({ length: to - from }, (_, at) => rowOf(from + at, body))
    const counted = async () => {
      const of = { db, account: 1, bucket: 0 }
      return (await countDead(of, await headsOf(of))).map(({ rows: all, dead }) => [all, dead])
    }
    const tidyAll = async (by: FullText) => {
      while (await db.transaction().execute(transaction => by.tidy(transaction)));
    }
    await fullText.put(db, 1, rows(0, size, 'header'))
    await fullText.put(db, 1, rows(0, size, 'header and text'))
    expect(await counted()).toEqual([
      [size, size],
      [size, 0],
    ])
    await tidyAll(fullText)
    expect(await counted()).toEqual([[size, 0]])
    const gone = Array.from({ length: 4_000 }, (_, at) => baseOf(0) + at)
    await fullText.remove(db, 1, gone.slice(0, 1_000))
    await tidyAll(fullText)
    // Too few of them.
    expect(await counted()).toEqual([
      [size, 1_000],
      [0, 0],
    ])
    await fullText.remove(db, 1, gone)
    await tidyAll(fullText)
    expect(await counted()).toEqual([[size - 4_000, 0]])
    expect((await find(db, 'text')).length).toBe(size - 4_000)
  })
})
