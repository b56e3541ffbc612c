/** Backend for indexes in SQLite: a file per account, a bounded number open. A damaged file is replaced. */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { databaseFaultKind } from '../platform/database/database-fault.ts'
import { sqliteDialect } from '../platform/database/sqlite-dialect.ts'
import type { FullTextWriter } from './full-text.ts'
import type { IndexBackend, OpenIndex, OpenOptions } from './index-backend.ts'
import { IndexFault } from './index-fault.ts'
import { beginAccount, createIndexTables, indexVersion } from './index-schema.ts'
import type { IndexDatabase } from './index-tables.ts'

/** Number of the only account in each file. */
const account = 1
/** Page cache per file in KiB; inserts of ids and links touch random pages of their trees. */
const cacheKib = { writer: 8_192, reader: 4_096 }
const companions = ['', '-wal', '-shm', '-journal']

interface OpenFile {
  opened: Promise<IndexDatabase>
  users: number
  /** Whether to close the file once its last user is done. */
  isLeaving: boolean
  closed: PromiseWithResolvers<void>
}

export class SqliteIndexes implements IndexBackend {
  readonly #dir: string
  readonly #fullText: FullTextWriter
  readonly #isReader: boolean
  readonly #now: () => number
  readonly #maxOpen: number
  /** Open files, least recently used first. */
  readonly #open = new Map<string, OpenFile>()

  constructor(dir: string, fullText: FullTextWriter, { isReader, now = Date.now, maxOpen = 16 }: OpenOptions) {
    this.#dir = dir
    this.#fullText = fullText
    this.#isReader = isReader
    this.#now = now
    this.#maxOpen = maxOpen
  }

  async use<Result>(accountId: string, work: (index: OpenIndex) => Promise<Result>): Promise<Result> {
    const path = this.#path(accountId)
    const file = this.#open.get(accountId) ?? this.#begin(path)
    this.#open.delete(accountId)
    this.#open.set(accountId, file)
    file.users++
    try {
      const db = await file.opened
      return await work({ db, account, bytes: async () => bytesOf(path) })
    } catch (error) {
      if (databaseFaultKind(error) !== 'damaged') {
        if (await isUnopened(file)) this.#open.delete(accountId)
        throw error
      }
      this.#leave(accountId, file)
      // Concurrent users find the damage too, or write to an unlinked file that is never read again.
      if (!this.#isReader) removeFiles(path)
      throw damaged()
    } finally {
      file.users--
      this.#closeIfFree(file)
      this.#evict()
    }
  }

  async release(accountId: string): Promise<void> {
    const file = this.#open.get(accountId)
    if (!file) return
    this.#leave(accountId, file)
    this.#closeIfFree(file)
    await file.closed.promise
  }

  async drop(accountId: string): Promise<void> {
    await this.release(accountId)
    removeFiles(this.#path(accountId))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map(accountId => this.release(accountId)))
  }

  #path(accountId: string): string {
    // Checked although it comes from the accounts table, since it becomes part of a path.
    if (!/^[A-Za-z0-9_-]{1,40}$/.test(accountId)) throw new Error('is not an account id')
    return join(this.#dir, `${accountId}.db`)
  }

  #begin(path: string): OpenFile {
    const opened = this.#isReader ? openReader(path) : this.#openWriter(path)
    return { opened, users: 0, isLeaving: false, closed: Promise.withResolvers() }
  }

  async #openWriter(path: string): Promise<IndexDatabase> {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 })
    const db = await openFile(path, cacheKib.writer)
    try {
      const version = await versionOf(db)
      if (version === indexVersion) return db
      if (version === 0) {
        await this.#create(db)
        return db
      }
    } catch (error) {
      await db.destroy()
      throw error
    }
    await db.destroy()
    removeFiles(path)
    return this.#openWriter(path)
  }

  async #create(db: IndexDatabase): Promise<void> {
    await db.transaction().execute(async transaction => {
      await createIndexTables(transaction, this.#fullText)
      await beginAccount(transaction, account, this.#now())
      await sql.raw(`pragma user_version = ${indexVersion}`).execute(transaction)
    })
  }

  #leave(accountId: string, file: OpenFile): void {
    file.isLeaving = true
    if (this.#open.get(accountId) === file) this.#open.delete(accountId)
  }

  #closeIfFree(file: OpenFile): void {
    if (!file.isLeaving || file.users > 0) return
    const close = async () => (await file.opened).destroy()
    // If opening failed, there is nothing to close.
    close().then(file.closed.resolve, file.closed.resolve)
  }

  #evict(): void {
    for (const [accountId, file] of this.#open) {
      if (this.#open.size <= this.#maxOpen) return
      if (file.users > 0) continue
      this.#leave(accountId, file)
      this.#closeIfFree(file)
    }
  }
}

async function isUnopened(file: OpenFile): Promise<boolean> {
  return file.opened.then(
    () => false,
    () => true,
  )
}

/** Opens a file made by a writer, read-only; anything else counts as damaged and is left for a writer to remove. */
async function openReader(path: string): Promise<IndexDatabase> {
  if (!existsSync(path)) throw damaged()
  const db = await openFile(path, cacheKib.reader)
  if ((await versionOf(db)) !== indexVersion) {
    await db.destroy()
    throw damaged()
  }
  await sql`pragma query_only = 1`.execute(db)
  return db
}

function damaged(): IndexFault {
  return new IndexFault('damaged', 'the index of the account was damaged; it was removed and starts empty')
}

async function openFile(path: string, cache: number): Promise<IndexDatabase> {
  const db: IndexDatabase = new Kysely({ dialect: sqliteDialect(path) })
  try {
    await sql.raw(`pragma cache_size = -${cache}`).execute(db)
    await sql`pragma temp_store = memory`.execute(db)
    return db
  } catch (error) {
    await db.destroy()
    throw error
  }
}

async function versionOf(db: IndexDatabase): Promise<number> {
  const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(db)
  return rows[0]!.user_version
}

function bytesOf(path: string): number {
  return companions.reduce((sum, end) => sum + (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0), 0)
}

function removeFiles(path: string): void {
  for (const end of companions) rmSync(path + end, { force: true })
}
