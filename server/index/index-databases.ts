/** The open index databases of a thread: with SQLite a file per account, with PostgreSQL one pool for all. */
import { BlockCache } from './block-cache.ts'
import type { FullText } from './full-text.ts'
import type { IndexBackend, OpenIndex, OpenOptions } from './index-backend.ts'
import { PageCache, type PageWriter } from './index-page.ts'
import { IndexStore } from './index-store.ts'
import type { IndexDatabase } from './index-tables.ts'
import { PostgresIndex } from './postgres-index.ts'
import type { HitWriter } from './search-types.ts'
import { SqliteIndexes } from './sqlite-indexes.ts'
import type { TextReader } from './text-index.ts'

/** Location of the indexes. */
export type IndexHome = { dir: string } | { postgresUrl: string }

/** The implementations that work on texts. */
export interface IndexParts {
  fullText: { sqlite: FullText; postgres: FullText }
  readText: TextReader
  /** Renders pages of lists as JSON text. */
  writePage?: PageWriter
  writeHit?: HitWriter
}

/** Stores cached, each with its row numbers in memory; past it, the oldest is evicted. */
const maxStores = 1_000

export class IndexDatabases {
  readonly #backend: IndexBackend
  readonly #fullText: FullText
  readonly #parts: IndexParts
  readonly #pages = new PageCache()
  readonly #blocks = new BlockCache()
  readonly #stores = new Map<string, { store: IndexStore; db: IndexDatabase }>()

  constructor(home: IndexHome, parts: IndexParts, options: OpenOptions) {
    const isSqlite = 'dir' in home
    this.#parts = parts
    this.#fullText = isSqlite ? parts.fullText.sqlite : parts.fullText.postgres
    this.#backend = isSqlite
      ? new SqliteIndexes(home.dir, this.#fullText, options)
      : new PostgresIndex(home.postgresUrl, this.#fullText, options)
  }

  use<Result>(accountId: string, work: (store: IndexStore, index: OpenIndex) => Promise<Result>): Promise<Result> {
    return this.#backend.use(accountId, index => work(this.#storeOf(accountId, index), index))
  }

  async release(accountId: string): Promise<void> {
    this.#stores.delete(accountId)
    await this.#backend.release(accountId)
  }

  async drop(accountId: string): Promise<void> {
    this.#stores.delete(accountId)
    await this.#backend.drop(accountId)
  }

  async close(): Promise<void> {
    this.#stores.clear()
    await this.#backend.close()
  }

  #storeOf(accountId: string, { db, account, bytes, tighten }: OpenIndex): IndexStore {
    const known = this.#stores.get(accountId)
    if (known?.db === db) return known.store
    const { readText, writePage, writeHit } = this.#parts
    const [fullText, blocks] = [this.#fullText, this.#blocks]
    const pages = writePage && { write: writePage, cache: this.#pages }
    const options = { db, account, accountId, fullText, readText, blocks, pages, writeHit, bytes, tighten }
    const store = new IndexStore(options)
    this.#stores.delete(accountId)
    if (this.#stores.size >= maxStores) this.#stores.delete(this.#stores.keys().next().value!)
    this.#stores.set(accountId, { store, db })
    return store
  }
}
