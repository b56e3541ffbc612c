/**
 * Renders one page of a folder as JSON text in the thread that reads the rows, so that the main thread has no work per
 * message.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { BlockReader } from './block-reader.ts'
import type { IndexOwner } from './change-log.ts'
import { type Compared, comparedOf } from './compared-times.ts'
import { type Envelope, envelopeReader, envelopesFrom } from './envelope.ts'
import { isSqlite } from './index-schema.ts'
import type { FolderRow, IndexDatabase, MessageRow, PlaceRow } from './index-tables.ts'
import { flagColumns } from './message-flags.ts'
import { previewOf } from './text-preview.ts'

export interface PageQuery {
  path: string
  limit: number
  /** Where the previous page ended. */
  after?: { uidValidity: number; beforeUid: number } | undefined
  /** Whether to include previews of the texts; only for callers that may read mail. */
  previews: boolean
  /** The account's address: look-alikes of it are suspicious. */
  own: string
}

/**
 * `same`: the caller's page with this tag is still current. `not_indexed`: the mail server has to be asked. `json`
 * lacks its closing brace, so that the caller can append its own fields.
 */
export type PageAnswer =
  | { kind: 'page'; json: Uint8Array; tag: string | undefined; compared: Compared | null }
  | { kind: 'same' | 'not_indexed' | 'stale_cursor' }

/** Columns of a message that lists show. */
export const listedColumns = [
  'id',
  'thread',
  'subject',
  'from_json',
  'date',
  'size',
  'has_attachments',
] as const satisfies (keyof MessageRow)[]

export type ListedRow = Pick<MessageRow, (typeof listedColumns)[number]> &
  Pick<PlaceRow, 'uid' | (typeof flagColumns)[number]> & { envelope: Envelope; preview: string | null }

export interface ListedPage {
  accountId: string
  path: string
  uidValidity: number
  own: string
  previews: boolean
  rows: readonly ListedRow[]
  total: number
  hasMore: boolean
  compared: Compared | null
}

/** Renders a page; supplied by the feature that knows how messages are shown and referenced. */
export type PageWriter = (page: ListedPage) => Uint8Array

/** Upper bound on previews per page, as in lists from the mail server; further messages have none. */
const mostPreviews = 50

/** Returns `not_indexed` if the mail server has to be asked: the folder is not fully indexed, or a text is missing. */
export async function readPage(
  owner: IndexOwner,
  accountId: string,
  { path, limit, after, previews, own }: PageQuery,
): Promise<ListedPage | 'not_indexed' | 'stale_cursor'> {
  const { db, account } = owner
  const folder = await findFolder(db, account, path)
  if (!folder || folder.uid_validity === 0 || folder.lowest_uid === null || folder.lowest_uid > 1) return 'not_indexed'
  const { id, uid_validity: uidValidity, total } = folder
  if (after && after.uidValidity !== uidValidity) return 'stale_cursor'
  const found = await db
    .selectFrom('places')
    .innerJoin('messages', join =>
      join.onRef('messages.account', '=', 'places.account').onRef('messages.rowid', '=', 'places.message'),
    )
    .select(['uid', ...flagColumns, ...listedColumns, 'envelope', 'text'])
    .where('places.account', '=', account)
    .where('places.folder', '=', id)
    .where('uid', '<', after?.beforeUid ?? Number.MAX_SAFE_INTEGER)
    .orderBy('uid', 'desc')
    .limit(limit + 1)
    .execute()
  const shown = found.slice(0, limit)
  const places = previews ? shown.slice(0, mostPreviews).map(({ text }) => text) : []
  if (places.includes(null)) return 'not_indexed'
  const [blocks, envelopeBlocks] = [new BlockReader(owner), envelopeReader(owner)]
  const envelopes = shown.map(({ envelope }) => envelope)
  await blocks.loadWith(places, envelopeBlocks, envelopes)
  const texts = await blocks.read(places)
  const envelopeAt = await envelopesFrom(envelopeBlocks, envelopes)
  const rows = shown.map(({ text, envelope, ...row }, index) => {
    const said = text === null || index >= places.length ? undefined : texts.get(text)
    return { ...row, envelope: envelopeAt(envelope), preview: said === undefined ? null : previewOf(said) }
  })
  const compared = await comparedOf(owner, folder)
  return { accountId, path, uidValidity, own, previews, rows, total, hasMore: found.length > limit, compared }
}

async function findFolder(db: IndexDatabase, account: number, path: string): Promise<FolderRow | undefined> {
  return db.selectFrom('folders').selectAll().where('account', '=', account).where('path', '=', path).executeTakeFirst()
}

/** Size limit of the page cache of one thread, for all accounts; past it, the least recently used pages are evicted. */
const maxBytes = 8 * 1024 * 1024

export interface CachedPage {
  json: Uint8Array
  compared: Compared | null
  /** Identifies this page, unique across threads. */
  tag: string
}

/** LRU cache of rendered pages. */
export class PageCache {
  readonly #pages = new Map<string, CachedPage & { db: IndexDatabase; version: number }>()
  readonly #own = randomBytes(9).toString('base64url')
  #made = 0
  #bytes = 0

  /** Returns a cached page of this version of the file, read through this connection; evicts a stale one. */
  find(key: string, db: IndexDatabase, version: number): CachedPage | undefined {
    const page = this.#pages.get(key)
    if (!page) return undefined
    this.#pages.delete(key)
    if (page.db !== db || page.version !== version) {
      this.#bytes -= page.json.length
      return undefined
    }
    this.#pages.set(key, page)
    return page
  }

  put(key: string, db: IndexDatabase, version: number, page: Omit<CachedPage, 'tag'>): CachedPage {
    const { json } = page
    this.#bytes += json.length - (this.#pages.get(key)?.json.length ?? 0)
    const made = { db, version, ...page, tag: `${this.#own}.${++this.#made}` }
    this.#pages.set(key, made)
    for (const [oldest, { json: other }] of this.#pages) {
      if (this.#bytes <= maxBytes) break
      this.#pages.delete(oldest)
      this.#bytes -= other.length
    }
    return made
  }
}

/**
 * Returns a number that changes when another connection writes to the file, which makes earlier reads stale. Undefined
 * on PostgreSQL, which has no such number.
 */
export async function versionOfFile(db: IndexDatabase): Promise<number | undefined> {
  if (!isSqlite(db)) return undefined
  const { rows } = await sql<{ data_version: number }>`select data_version from pragma_data_version`.execute(db)
  return rows[0]?.data_version
}
