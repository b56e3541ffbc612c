/** Reads the index of one account: lists, searches, changes. */
import { CompiledQuery } from 'kysely'
import type { BlockCache } from './block-cache.ts'
import { type ChangesQuery, changesSince, type IndexOwner, listOutgoing } from './change-log.ts'
import { listContacts } from './contact-index.ts'
import { listFolders, toFolder } from './folder-index.ts'
import type { FullText } from './full-text.ts'
import { listUidRanges, listWithoutText, type TextlessPlace } from './index-gaps.ts'
import { type FolderPageQuery, listMessages, messagesById } from './index-lists.ts'
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
  IndexedChanges,
  IndexedContact,
  IndexedFolder,
  IndexedMessage,
  IndexedPage,
  IndexFigures,
  LocatedMessage,
  OutgoingFact,
  PackedIdentities,
  PackedPlaces,
  ThreadPage,
  UidSpan,
} from './index-types.ts'
import { locateMessages } from './located-messages.ts'
import { packIdentities, packPlaces } from './packed-places.ts'
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
import type { TextReader } from './text-index.ts'
import { listThreads, messagesOfThread, type ThreadListQuery, type ThreadQuery } from './thread-lists.ts'

const beginReading = CompiledQuery.raw('begin deferred')
const endReading = CompiledQuery.raw('commit')

export interface IndexStoreOptions {
  db: IndexDatabase
  /** The account's number, which its rows carry. */
  account: number
  accountId: string
  fullText: FullText
  readText: TextReader
  /** Blocks that the thread read recently. */
  blocks?: BlockCache | undefined
  /** Renders and caches lists as JSON text; omitted where none are requested. */
  pages?: { write: PageWriter; cache: PageCache } | undefined
  /** Renders hits as JSON text; omitted where none are requested. */
  writeHit?: HitWriter | undefined
  /** Returns the size of the database in bytes. */
  bytes(): Promise<number>
  /** See `OpenIndex`. */
  tighten?: (() => Promise<boolean>) | undefined
}

export class IndexReader {
  protected readonly options: IndexStoreOptions

  constructor(options: IndexStoreOptions) {
    this.options = options
  }

  /** Returns the number of the round in progress. */
  async currentRound(): Promise<number> {
    return (await this.state()).round
  }

  async listFolders(): Promise<IndexedFolder[]> {
    return (await listFolders(this.owner)).map(toFolder)
  }

  /** Lists a folder's messages, newest first. @throws IndexFault `folder_not_found` */
  async listMessages(query: FolderPageQuery): Promise<IndexedPage> {
    return this.#read(owner => listMessages(owner, query))
  }

  /** Returns a page of a folder as JSON text, newest first. @param tag Tag of the page that the caller has. */
  async listPage(query: PageQuery, tag?: string): Promise<PageAnswer> {
    const { db, accountId, pages } = this.options
    if (!pages) return { kind: 'not_indexed' }
    // The version is taken before reading: a concurrent write then makes this a page of an older version.
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

  /** Returns the places of messages; cheaper than `messagesById`, for many ids in one call. */
  async locateMessages(ids: readonly string[], hasMessageIds = true): Promise<LocatedMessage[]> {
    return this.#read(owner => locateMessages(owner, ids, hasMessageIds))
  }

  /** Returns the places of up to a thousand messages in typed arrays, in the order of `ids`. */
  async packPlaces(ids: readonly string[]): Promise<PackedPlaces> {
    return this.#read(owner => packPlaces(owner, ids))
  }

  /** Returns what up to a thousand messages are recognised by in another folder, in the order of `ids`. */
  async packIdentities(ids: readonly string[]): Promise<PackedIdentities> {
    return this.#read(owner => packIdentities(owner, ids))
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

  /** @param style If given, the hits are rendered too, which saves a second round trip to the thread. */
  async findHits(query: IndexSearch, style?: HitStyle): Promise<FoundPlaces & { written?: WrittenHit[] }> {
    return this.#read(async owner => {
      const search = this.#searchOf(owner)
      const found = await search.find(query)
      if (!style) return found
      const hits = await search.read(found.places, { tree: style.tree, inBody: query.inBody }, style.hasPreview)
      return { ...found, written: this.#write(hits, style) }
    })
  }

  /** Reads those results of `findHits` that are on one page. */
  async readHits(
    places: readonly HitPlace[],
    query: Pick<IndexSearch, 'tree' | 'inBody'>,
    previews = true,
  ): Promise<SearchHit[]> {
    return this.#read(owner => this.#searchOf(owner).read(places, query, previews))
  }

  /** Reads hits and renders them as JSON text here, so that the main thread has no work per hit. */
  async writeHits(places: readonly HitPlace[], inBody: boolean, style: HitStyle): Promise<WrittenHit[]> {
    return this.#write(await this.readHits(places, { tree: style.tree, inBody }, style.hasPreview), style)
  }

  /** Returns which of these ids the index holds. */
  async heldMessages(ids: readonly string[]): Promise<HeldMessage[]> {
    return heldMessages(this.owner, ids)
  }

  /** Returns the UIDs of a folder that the index holds, as ranges. @throws IndexFault `folder_not_found` */
  async listUidRanges(path: string): Promise<UidSpan[]> {
    return this.#read(owner => listUidRanges(owner, path))
  }

  /** Lists the newest messages whose text is not indexed yet. @param below Only messages with lower numbers. */
  async listWithoutText(limit: number, below?: number): Promise<TextlessPlace[]> {
    return this.#read(owner => listWithoutText(owner, limit, below))
  }

  /** @param query Prefixes of words in a name or an address; empty for the top contacts. */
  async listContacts(query: { query: string; limit: number }): Promise<IndexedContact[]> {
    return this.#read(owner => listContacts(owner, query))
  }

  /** @throws IndexFault `cannot_calculate_changes` */
  async changesSince(query: ChangesQuery): Promise<IndexedChanges> {
    return this.#read(owner => changesSince(owner, query))
  }

  async listOutgoing(above: number, limit: number): Promise<OutgoingFact[]> {
    return listOutgoing(this.owner, above, limit)
  }

  async figures(): Promise<IndexFigures> {
    const { db, account } = this.owner
    const { messages, texts, modseq } = await this.state()
    const { threads } = await db
      .selectFrom('threads')
      .select(({ fn }) => fn.countAll<number>().as('threads'))
      .where('account', '=', account)
      .executeTakeFirstOrThrow()
    return { messages, texts, threads, modseq, bytes: await this.options.bytes() }
  }

  protected get owner(): IndexOwner {
    const { db, account } = this.options
    return { db, account }
  }

  #searchOf(owner: IndexOwner): SearchStore {
    return new SearchStore(owner, this.options.fullText)
  }

  protected async state() {
    const { db, account } = this.owner
    return db.selectFrom('account_state').selectAll().where('account', '=', account).executeTakeFirstOrThrow()
  }

  /** Runs all statements of `read` on one snapshot. */
  async #read<Result>(read: (owner: IndexOwner) => Promise<Result>): Promise<Result> {
    const { db, account, accountId, blocks: cache } = this.options
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

  #write(hits: readonly SearchHit[], style: HitStyle): WrittenHit[] {
    const { writeHit } = this.options
    if (!writeHit) throw new Error('this thread writes no hits')
    return hits.map(hit => ({ rowid: hit.rowid, json: writeHit(hit, style) }))
  }
}
