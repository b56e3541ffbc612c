/** The index of one account, in the thread that has its database open. */
import { CompiledQuery } from 'kysely'
import type { BlockCache } from './block-cache.ts'
import { lists } from './bulk-rows.ts'
import {
  type ChangesQuery,
  changesSince,
  deleteOutgoing,
  IndexChange,
  type IndexOwner,
  leaveTombstones,
  listOutgoing,
} from './change-log.ts'
import { noteCompared } from './compared-times.ts'
import { listContacts, removeContacts } from './contact-index.ts'
import { readEnvelopes, removeEnvelopes } from './envelope.ts'
import { applyExpected } from './expected-batch.ts'
import { applyFolders, listFolders, toFolder } from './folder-index.ts'
import type { FullText } from './full-text.ts'
import { applyBatch, type BatchWriter } from './index-batch.ts'
import { listUidRanges, listWithoutText, type TextlessPlace } from './index-gaps.ts'
import { type FolderPageQuery, listFlags, listMessages, messagesById } from './index-lists.ts'
import {
  type PageAnswer,
  type PageCache,
  type PageQuery,
  type PageWriter,
  readPage,
  versionOfFile,
} from './index-page.ts'
import { type HeldMessage, heldMessages } from './index-reach.ts'
import { isSqlite } from './index-schema.ts'
import type { IndexDatabase } from './index-tables.ts'
import type {
  AppliedBatch,
  AppliedFolders,
  ExpectedBatch,
  FolderBatch,
  IndexedChanges,
  IndexedContact,
  IndexedFolder,
  IndexedMessage,
  IndexedPage,
  IndexFigures,
  ListedFolder,
  LocatedMessage,
  OutgoingFact,
  PackedPlaces,
  PlaceFlags,
  SettledOrphans,
  ThreadPage,
  UidSpan,
} from './index-types.ts'
import { locateMessages } from './located-messages.ts'
import { messageIdText, threadIdText } from './message-identity.ts'
import { packPlaces } from './packed-places.ts'
import { countRows } from './postgres-statistics.ts'
import { RowNumbers } from './row-numbers.ts'
import { SearchStore } from './search-store.ts'
import type {
  FoundPlaces,
  HitPlace,
  HitStyle,
  HitWriter,
  IndexSearch,
  SearchAnswer,
  SearchHit,
  WrittenHit,
} from './search-types.ts'
import { removeFromBlocks } from './text-blocks.ts'
import { removeTexts, type TextReader } from './text-index.ts'
import { shrinkThreads } from './thread-links.ts'
import { listThreads, messagesOfThread, type ThreadListQuery, type ThreadQuery } from './thread-lists.ts'

const beginReading = CompiledQuery.raw('begin deferred')
const endReading = CompiledQuery.raw('commit')
/** Messages that one transaction removes. */
const removedAtOnce = 500
/** Messages that one fact tells of. */
const messagesOfFact = 50

export interface IndexStoreOptions {
  db: IndexDatabase
  /** The number of its rows. */
  account: number
  accountId: string
  fullText: FullText
  readText: TextReader
  /** Blocks that its thread read lately. */
  blocks?: BlockCache | undefined
  /** Where lists are made; left out where nothing asks for their text. */
  pages?: { write: PageWriter; cache: PageCache } | undefined
  /** Left out where nothing asks for hits as text. */
  writeHit?: HitWriter | undefined
  /** Bytes that the database takes. */
  bytes(): Promise<number>
}

export class IndexStore {
  readonly #options: IndexStoreOptions
  readonly #numbers = new RowNumbers()

  constructor(options: IndexStoreOptions) {
    this.#options = options
  }

  /** @param lowestFact Facts get this number or higher ones: it is above all that were forwarded. */
  async applyFolders(folders: readonly ListedFolder[], lowestFact: number): Promise<AppliedFolders> {
    return this.#change(lowestFact, change => applyFolders(change, folders))
  }

  /** @throws IndexFault `folder_not_found` */
  async applyBatch(batch: FolderBatch, lowestFact: number): Promise<AppliedBatch> {
    const writer = this.#writer
    let [before, after] = [0, 0]
    const applied = await this.#change(lowestFact, async change => {
      before = change.state.messages
      const result = await applyBatch(change, batch, writer)
      after = change.state.messages
      return result
    })
    const { db } = this.#owner
    // They are for speed and room alone: the batch is stored already.
    if (!isSqlite(db)) await countRows(db, before, after).catch(() => undefined)
    await this.#options.fullText.reclaim(db, batch.texts?.length).catch(() => undefined)
    return applied
  }

  /** A folder that is not there, or another one now, is left as it is. */
  async applyExpected(batch: ExpectedBatch, lowestFact: number): Promise<void> {
    await this.#change(lowestFact, change => applyExpected(change, batch, this.#writer))
  }

  /**
   * Every folder was read once more, which ends this round: orphans of earlier ones are in no folder. Those of this one may have
   * come to a folder that was read before.
   */
  async settleOrphans(round: number, lowestFact: number): Promise<SettledOrphans> {
    let removed = 0
    for (;;) {
      const settled = await this.#change(lowestFact, change => this.#removeOrphans(change, round))
      removed += settled.removed
      if (settled.removed < removedAtOnce) return { removed, round: settled.round }
    }
  }

  /** Until when folders are known to be as on the mail server, for lists after the next start. @param mailbox Whose they are. */
  async noteCompared(mailbox: string, times: readonly (readonly [path: string, at: number])[]): Promise<void> {
    await this.#change(0, change => noteCompared(change, mailbox, times))
  }

  /** The index holds headers alone from now on. */
  async removeTexts(): Promise<void> {
    const { db, fullText } = this.#options
    const { texts } = await this.#state()
    for (let above = texts > 0 ? 0 : undefined; above !== undefined; ) {
      const from: number = above
      above = await this.#change(0, change => removeTexts(change, from, removedAtOnce, fullText))
    }
    await fullText.shrink(db, this.#owner.account, texts > 0)
  }

  /** The round that is under way. */
  async currentRound(): Promise<number> {
    return (await this.#state()).round
  }

  async listFolders(): Promise<IndexedFolder[]> {
    return (await listFolders(this.#owner)).map(toFolder)
  }

  /** Newest first. @throws IndexFault `folder_not_found` */
  async listMessages(query: FolderPageQuery): Promise<IndexedPage> {
    return this.#read(owner => listMessages(owner, query))
  }

  /** A page of a folder as JSON text, newest first. @param tag Of the page that the caller has. */
  async listPage(query: PageQuery, tag?: string): Promise<PageAnswer> {
    const { db, accountId, pages } = this.#options
    if (!pages) return { kind: 'not_indexed' }
    // Before it is read: what is written meanwhile makes it a page of the version before.
    const version = await versionOfFile(db)
    const key = JSON.stringify([accountId, query])
    const known = version === undefined ? undefined : pages.cache.find(key, db, version)
    if (known) {
      const { json, compared } = known
      return known.tag === tag ? { kind: 'same' } : { kind: 'page', json, tag: known.tag, compared }
    }
    const page = await this.#read(owner => readPage(owner, accountId, query))
    if (typeof page === 'string') return { kind: page }
    const json = pages.write(page)
    const { compared } = page
    const made = version === undefined ? undefined : pages.cache.put(key, db, version, { json, compared })
    return { kind: 'page', json, tag: made?.tag, compared }
  }

  /** Where they are: lighter than `messagesById`, for many at once. */
  async locateMessages(ids: readonly string[], hasMessageIds = true): Promise<LocatedMessage[]> {
    return this.#read(owner => locateMessages(owner, ids, hasMessageIds))
  }

  /** Where a thousand of them are, in their order. */
  async packPlaces(ids: readonly string[], isRecognised = false): Promise<PackedPlaces> {
    return this.#read(owner => packPlaces(owner, ids, isRecognised))
  }

  async messagesById(ids: readonly string[]): Promise<IndexedMessage[]> {
    return this.#read(owner => messagesById(owner, ids))
  }

  /** @throws IndexFault `folder_not_found` */
  async listThreads(query: ThreadListQuery): Promise<ThreadPage> {
    return this.#read(owner => listThreads(owner, query))
  }

  async messagesOfThread(query: ThreadQuery): Promise<IndexedMessage[]> {
    return this.#read(owner => messagesOfThread(owner, query))
  }

  async search(query: IndexSearch): Promise<SearchAnswer> {
    return this.#read(owner => this.#searchOf(owner).search(query))
  }

  /** @param style With it, what was found is written, too: it saves the way to the thread and back. */
  async findHits(query: IndexSearch, style?: HitStyle): Promise<FoundPlaces & { written?: WrittenHit[] }> {
    return this.#read(async owner => {
      const search = this.#searchOf(owner)
      const found = await search.find(query)
      if (!style) return found
      const hits = await search.read(found.places, { tree: style.tree, inBody: query.inBody }, style.hasPreview)
      return { ...found, written: this.#write(hits, style) }
    })
  }

  /** What `findHits` found, as far as it is in a page. */
  async readHits(
    places: readonly HitPlace[],
    query: Pick<IndexSearch, 'tree' | 'inBody'>,
    previews = true,
  ): Promise<SearchHit[]> {
    return this.#read(owner => this.#searchOf(owner).read(places, query, previews))
  }

  /** The same as JSON text, made here: nothing is left to do for each of them. */
  async writeHits(places: readonly HitPlace[], inBody: boolean, style: HitStyle): Promise<WrittenHit[]> {
    return this.#write(await this.readHits(places, { tree: style.tree, inBody }, style.hasPreview), style)
  }

  /** Which of these ids it holds. */
  async heldMessages(ids: readonly string[]): Promise<HeldMessage[]> {
    return heldMessages(this.#owner, ids)
  }

  /** @throws IndexFault `folder_not_found` */
  async listFlags(query: { path: string; fromUid: number; limit: number }): Promise<PlaceFlags[]> {
    return this.#read(owner => listFlags(owner, query))
  }

  /** Which UIDs of a folder it holds. @throws IndexFault `folder_not_found` */
  async listUidRanges(path: string): Promise<UidSpan[]> {
    return this.#read(owner => listUidRanges(owner, path))
  }

  /** The newest messages whose text is not there. */
  async listWithoutText(limit: number): Promise<TextlessPlace[]> {
    return this.#read(owner => listWithoutText(owner, limit))
  }

  /** @param query Beginnings of words of a name or an address; empty for the first of all. */
  async listContacts(query: { query: string; limit: number }): Promise<IndexedContact[]> {
    return this.#read(owner => listContacts(owner, query))
  }

  /** @throws IndexFault `cannot_calculate_changes` */
  async changesSince(query: ChangesQuery): Promise<IndexedChanges> {
    return this.#read(owner => changesSince(owner, query))
  }

  async listOutgoing(above: number, limit: number): Promise<OutgoingFact[]> {
    return listOutgoing(this.#owner, above, limit)
  }

  async deleteOutgoing(upTo: number): Promise<void> {
    await deleteOutgoing(this.#owner, upTo)
  }

  /** Does a bounded piece of what makes searches faster, and says whether there is more to do. For idle times. */
  async tidy(): Promise<boolean> {
    const { db, fullText } = this.#options
    const hasMore = await db.transaction().execute(transaction => fullText.tidy(transaction))
    await fullText.reclaim(db)
    return hasMore
  }

  async figures(): Promise<IndexFigures> {
    const { db, account } = this.#owner
    const { messages, texts, modseq } = await this.#state()
    const { threads } = await db
      .selectFrom('threads')
      .select(({ fn }) => fn.countAll<number>().as('threads'))
      .where('account', '=', account)
      .executeTakeFirstOrThrow()
    return { messages, texts, threads, modseq, bytes: await this.#options.bytes() }
  }

  #write(hits: readonly SearchHit[], style: HitStyle): WrittenHit[] {
    const { writeHit } = this.#options
    if (!writeHit) throw new Error('this thread writes no hits')
    return hits.map(hit => ({ rowid: hit.rowid, json: writeHit(hit, style) }))
  }

  get #writer(): BatchWriter {
    const { accountId, fullText, readText } = this.#options
    return { accountId, fullText, readText, numbers: this.#numbers }
  }

  get #owner(): IndexOwner {
    const { db, account } = this.#options
    return { db, account }
  }

  #searchOf(owner: IndexOwner): SearchStore {
    return new SearchStore(owner, this.#options.fullText)
  }

  async #state() {
    const { db, account } = this.#owner
    return db.selectFrom('account_state').selectAll().where('account', '=', account).executeTakeFirstOrThrow()
  }

  /** All its statements see one state. */
  async #read<Result>(read: (owner: IndexOwner) => Promise<Result>): Promise<Result> {
    const { db, account, accountId, blocks: cache } = this.#options
    const blocks = cache && { accountId, cache }
    if (!isSqlite(db)) {
      const reading = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
      return reading.execute(transaction => read({ db: transaction, account, blocks, answer: {} }))
    }
    return db.connection().execute(async connection => {
      await connection.executeQuery(beginReading)
      try {
        return await read({ db: connection, account, blocks, answer: {} })
      } finally {
        await connection.executeQuery(endReading)
      }
    })
  }

  async #change<Result>(lowestFact: number, work: (change: IndexChange) => Promise<Result>): Promise<Result> {
    const { account } = this.#options
    return this.#options.db.transaction().execute(async db => {
      const change = await IndexChange.begin({ db, account }, lowestFact)
      const result = await work(change)
      await change.finish()
      return result
    })
  }

  async #removeOrphans(change: IndexChange, round: number): Promise<SettledOrphans> {
    const { db, account, state } = change
    const rows = await db
      .selectFrom('messages')
      .select(['rowid', 'id', 'thread', 'from_json', 'is_own', 'date', 'envelope', 'text'])
      .select(({ fn }) => fn.coalesce('created_modseq', 'modseq').as('created_modseq'))
      .where('account', '=', account)
      .where('orphaned_round', '<', Math.min(round, state.round))
      .limit(removedAtOnce)
      .execute()
    const rowids = rows.map(({ rowid }) => rowid)
    const texts = rows.map(({ text }) => text).filter(text => text !== null)
    const places = rows.map(({ envelope }) => envelope)
    const envelopeAt = await readEnvelopes(change, places)
    await removeContacts(
      change,
      rows.map(row => ({ ...row, envelope: envelopeAt(row.envelope) })),
    )
    await removeEnvelopes(change, places)
    await removeFromBlocks(change, texts)
    await this.#options.fullText.remove(db, account, rowids)
    for (const piece of lists(rowids)) {
      await db.deleteFrom('messages').where('account', '=', account).where('rowid', 'in', piece).execute()
    }
    await shrinkThreads(
      change,
      rows.map(({ thread }) => thread),
    )
    await leaveTombstones(change, rows)
    for (let from = 0; from < rows.length; from += messagesOfFact) {
      const messages = rows.slice(from, from + messagesOfFact)
      change.announce('mail_removed', {
        messages: messages.map(({ id, thread }) => ({ id: messageIdText(id), thread_id: threadIdText(thread) })),
      })
    }
    state.messages -= rows.length
    state.texts -= texts.length
    if (rows.length < removedAtOnce) state.round = Math.max(state.round, round + 1)
    return { removed: rows.length, round: state.round }
  }
}
