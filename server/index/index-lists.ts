/** What lists show: messages of a folder, by id, of a thread; and threads, newest first. */
import { type SelectQueryBuilder, sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { addressesOf, type Envelope, readEnvelopes } from './envelope.ts'
import { getFolder, toFolder } from './folder-index.ts'
import type { IndexTables, MessageRow } from './index-tables.ts'
import type { IndexedMessage, IndexedPage, IndexedPlace, IndexedThread, PlaceFlags, ThreadPage } from './index-types.ts'
import { placesOf, rowsById } from './located-messages.ts'
import { flagColumns, toFlags } from './message-flags.ts'
import { messageIdText, threadIdText, threadNumber } from './message-identity.ts'
import { BlockReader } from './text-blocks.ts'
import { previewOf } from './text-preview.ts'

/** `text` says where the text is. */
const listed = [
  'rowid',
  'id',
  'thread',
  'subject',
  'from_json',
  'date',
  'size',
  'has_attachments',
  'envelope',
  'text',
] as const satisfies (keyof MessageRow)[]

export interface FolderPageQuery {
  path: string
  limit: number
  /** Only lower UIDs: that of the last message of the page before. */
  beforeUid?: number
}

/** @throws IndexFault `folder_not_found` */
export async function listMessages(owner: IndexOwner, query: FolderPageQuery): Promise<IndexedPage> {
  const { path, limit, beforeUid = Number.MAX_SAFE_INTEGER } = query
  const folder = await getFolder(owner, path)
  const places = await owner.db
    .selectFrom('places')
    .select('message')
    .where('account', '=', owner.account)
    .where('folder', '=', folder.id)
    .where('uid', '<', beforeUid)
    .orderBy('uid', 'desc')
    .limit(limit + 1)
    .execute()
  const rowids = places.slice(0, limit).map(({ message }) => message)
  const messages = await messagesByRow(owner, rowids, { previews: true })
  return { messages, folder: toFolder(folder), hasMore: places.length > limit }
}

/** In the order of these rows; those that are not there are left out. */
async function messagesByRow(
  owner: IndexOwner,
  rowids: readonly number[],
  { previews }: { previews: boolean },
): Promise<IndexedMessage[]> {
  const found = await messagesAtRows(owner, rowids, previews ? new BlockReader(owner) : noTexts)
  return rowids.map(rowid => found.get(rowid)).filter(message => message !== undefined)
}

/** For lists without previews: what is not read cannot be shown. */
const noTexts: Pick<BlockReader, 'read'> = { read: async () => new Map() }

/** @param blocks Where texts, and with them previews, are read from. */
export async function messagesAtRows(
  owner: IndexOwner,
  rowids: readonly number[],
  blocks: Pick<BlockReader, 'read'>,
): Promise<ReadonlyMap<number, IndexedMessage>> {
  const { db, account } = owner
  const places = await placesOf(owner, rowids)
  const found = new Map<number, IndexedMessage>()
  for (const piece of lists(rowids)) {
    const rows = await db
      .selectFrom('messages')
      .select(listed)
      .where('account', '=', account)
      .where('rowid', 'in', piece)
      .execute()
    const texts = await blocks.read(rows.map(({ text }) => text))
    const envelopeAt = await readEnvelopes(
      owner,
      rows.map(({ envelope }) => envelope),
    )
    for (const row of rows) {
      const text = row.text === null ? undefined : texts.get(row.text)
      found.set(row.rowid, toMessage(row, envelopeAt(row.envelope), text, places.get(row.rowid) ?? []))
    }
  }
  return found
}

/** In the order of these ids; those that are not there are left out. One without a place is on its way to another folder, or gone soon. */
export async function messagesById(owner: IndexOwner, ids: readonly string[]): Promise<IndexedMessage[]> {
  const rows = await rowsById(owner, ids)
  return messagesByRow(
    owner,
    rows.map(({ rowid }) => rowid),
    { previews: true },
  )
}

export interface ThreadListQuery {
  /** Without it, of all folders. */
  path?: string
  limit: number
  /** `nextCursor` of the page before. A thread that has new mail is not in later pages. */
  cursor?: number
  /** How their newest messages begin. Only for callers that may read mail. */
  previews?: boolean
}

/** By their newest message. @throws IndexFault `folder_not_found` */
export async function listThreads(owner: IndexOwner, query: ThreadListQuery): Promise<ThreadPage> {
  const { path, limit, cursor = Number.MAX_SAFE_INTEGER, previews = false } = query
  const rows = await (path === undefined
    ? newestOfAccount(owner, limit + 1, cursor)
    : newestOfFolder(owner, (await getFolder(owner, path)).id, limit + 1, cursor))
  const page = rows.slice(0, limit)
  const rowids = page.map(({ rowid }) => rowid)
  const newest = new Map((await messagesByRow(owner, rowids, { previews })).map(each => [each.threadId, each]))
  const counts = await countThreads(
    owner,
    page.map(({ thread }) => thread),
  )
  const threads = page.map(({ thread }): IndexedThread => {
    const id = threadIdText(thread)
    return { id, ...counts.get(thread)!, newest: newest.get(id)! }
  })
  return { threads, nextCursor: rows.length > limit ? page.at(-1)!.rowid : null }
}

export interface ThreadQuery {
  id: string
  limit: number
  /** As in lists of threads. */
  previews?: boolean
}

/** The newest messages of a thread, oldest first, of all folders; none where there is no such thread. */
export async function messagesOfThread(
  owner: IndexOwner,
  { id, limit, previews = false }: ThreadQuery,
): Promise<IndexedMessage[]> {
  const thread = threadNumber(id)
  if (thread === undefined) return []
  const rows = await owner.db
    .selectFrom('messages')
    .select('rowid')
    .where('account', '=', owner.account)
    .where('thread', '=', thread)
    .where('orphaned_round', 'is', null)
    .orderBy('rowid', 'desc')
    .limit(limit)
    .execute()
  return messagesByRow(owner, rows.map(({ rowid }) => rowid).reverse(), { previews })
}

/** From a UID on, to be compared with those of the server. @throws IndexFault `folder_not_found` */
export async function listFlags(
  owner: IndexOwner,
  { path, fromUid, limit }: { path: string; fromUid: number; limit: number },
): Promise<PlaceFlags[]> {
  const folder = await getFolder(owner, path)
  const rows = await owner.db
    .selectFrom('places')
    .innerJoin('messages', join =>
      join.onRef('messages.account', '=', 'places.account').onRef('messages.rowid', '=', 'places.message'),
    )
    .select(['uid', ...flagColumns, sql<number>`case when text is null then 0 else 1 end`.as('has_text')])
    .where('places.account', '=', owner.account)
    .where('folder', '=', folder.id)
    .where('uid', '>=', fromUid)
    .orderBy('uid')
    .limit(limit)
    .execute()
  return rows.map(row => ({ uid: row.uid, flags: toFlags(row), hasText: row.has_text === 1 }))
}

type Newest = { rowid: number; thread: number }

/** In the order of dates, so that as much is read as is shown and what was passed over. */
async function newestOfFolder(owner: IndexOwner, folder: number, limit: number, below: number): Promise<Newest[]> {
  return owner.db
    .selectFrom('places')
    .innerJoin('messages', join =>
      join.onRef('messages.account', '=', 'places.account').onRef('messages.rowid', '=', 'places.message'),
    )
    .select(['messages.rowid', 'messages.thread'])
    .where('places.account', '=', owner.account)
    .where('places.folder', '=', folder)
    .where('places.message', '<', below)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          newer(selectFrom('messages as newer'))
            .innerJoin('places as there', join =>
              join.onRef('there.account', '=', 'newer.account').onRef('there.message', '=', 'newer.rowid'),
            )
            .whereRef('there.folder', '=', 'places.folder'),
        ),
      ),
    )
    .orderBy('places.message', 'desc')
    .limit(limit)
    .execute()
}

async function newestOfAccount(owner: IndexOwner, limit: number, below: number): Promise<Newest[]> {
  return owner.db
    .selectFrom('messages')
    .select(['messages.rowid', 'messages.thread'])
    .where('messages.account', '=', owner.account)
    .where('messages.rowid', '<', below)
    .where('messages.orphaned_round', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(newer(selectFrom('messages as newer')).where('newer.orphaned_round', 'is', null))),
    )
    .orderBy('messages.rowid', 'desc')
    .limit(limit)
    .execute()
}

type Newer = IndexTables & { newer: MessageRow }

function newer<All extends Newer, Table extends keyof All>(query: SelectQueryBuilder<All, Table, object>) {
  const messages = query as unknown as SelectQueryBuilder<Newer, 'newer' | 'messages' | 'places', object>
  return messages
    .select('newer.rowid')
    .whereRef('newer.account', '=', 'messages.account')
    .whereRef('newer.thread', '=', 'messages.thread')
    .whereRef('newer.rowid', '>', 'messages.rowid')
}

type ThreadCounts = Pick<IndexedThread, 'messageCount' | 'unreadCount'>

async function countThreads({ db, account }: IndexOwner, threads: number[]): Promise<Map<number, ThreadCounts>> {
  const counts = new Map<number, ThreadCounts>()
  for (const piece of lists(threads)) {
    const rows = await db
      .selectFrom('messages')
      .innerJoin('places', join =>
        join.onRef('places.account', '=', 'messages.account').onRef('places.message', '=', 'messages.rowid'),
      )
      .select(({ fn }) => [
        'messages.thread',
        fn.count<number>('messages.rowid').distinct().as('messages'),
        sql<number>`count(distinct case when places.seen = 0 then messages.rowid end)`.as('unread'),
      ])
      .where('messages.account', '=', account)
      .where('messages.thread', 'in', piece)
      .groupBy('messages.thread')
      .execute()
    for (const { thread, messages, unread } of rows) counts.set(thread, { messageCount: messages, unreadCount: unread })
  }
  return counts
}

type ListedRow = Pick<MessageRow, (typeof listed)[number]>

function toMessage(
  row: ListedRow,
  { attachmentNames: _names, ...envelope }: Envelope,
  text: string | undefined,
  places: IndexedPlace[],
): IndexedMessage {
  return {
    id: messageIdText(row.id),
    threadId: threadIdText(row.thread),
    ...envelope,
    subject: row.subject,
    from: addressesOf(row.from_json),
    date: new Date(row.date).toISOString(),
    sizeBytes: row.size,
    hasAttachments: row.has_attachments === 1,
    preview: text === undefined ? null : previewOf(text),
    places,
  }
}
