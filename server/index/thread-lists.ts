/** Lists threads, newest message first, and the messages of one thread. */
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { getFolder } from './folder-index.ts'
import { messagesByRow } from './index-lists.ts'
import type { IndexTables, MessageRow } from './index-tables.ts'
import type { IndexedMessage, IndexedThread, ThreadCursor, ThreadPage } from './index-types.ts'
import { threadIdText, threadNumber } from './message-identity.ts'

export interface ThreadListQuery {
  /** Path of a folder; all folders if omitted. */
  path?: string
  limit: number
  /** `nextCursor` of the previous page. */
  cursor?: ThreadCursor | undefined
  /** Whether to include previews; only for callers that may read mail. */
  previews?: boolean
}

/**
 * Lists threads by their newest message. Later pages keep the order of the first: a thread that gets mail meanwhile
 * keeps its position, and shows its newest message there. @throws IndexFault `folder_not_found`
 */
export async function listThreads(owner: IndexOwner, query: ThreadListQuery): Promise<ThreadPage> {
  const { path, limit, cursor, previews = false } = query
  const folder = path === undefined ? undefined : (await getFolder(owner, path)).id
  const rows = await (folder === undefined
    ? newestOfAccount(owner, limit + 1, cursor)
    : newestOfFolder(owner, folder, limit + 1, cursor))
  const page = rows.slice(0, limit)
  const threads = page.map(({ thread }) => thread)
  const newest = new Map(page.map(({ thread, rowid }) => [thread, rowid]))
  if (cursor) for (const { thread, rowid } of await newestNow(owner, threads, folder)) newest.set(thread, rowid)
  const messages = await messagesByRow(owner, [...newest.values()], { previews })
  const byThread = new Map(messages.map(each => [each.threadId, each]))
  const counts = await countThreads(owner, threads)
  const last = rows.length > limit ? page.at(-1) : undefined
  return {
    threads: threads.map((thread): IndexedThread => {
      const id = threadIdText(thread)
      return { id, ...counts.get(thread)!, newest: byThread.get(id)! }
    }),
    nextCursor: last ? { ...(cursor ?? (await stateOf(owner, folder))), below: last.rowid } : null,
  }
}

export interface ThreadQuery {
  id: string
  limit: number
  /** See `ThreadListQuery`. */
  previews?: boolean
}

/** Returns the newest messages of a thread in all folders, oldest first; empty if there is no such thread. */
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

type Newest = { rowid: number; thread: number }

/** Returns the state at which a list begins: messages with a higher modseq or UID were added later. */
async function stateOf({ db, account }: IndexOwner, folder: number | undefined): Promise<Omit<ThreadCursor, 'below'>> {
  const { modseq } = await db
    .selectFrom('account_state')
    .select('modseq')
    .where('account', '=', account)
    .executeTakeFirstOrThrow()
  if (folder === undefined) return { modseq, lastUid: null }
  const { last } = await db
    .selectFrom('places')
    .select(({ fn }) => fn.max('uid').as('last'))
    .where('account', '=', account)
    .where('folder', '=', folder)
    .executeTakeFirstOrThrow()
  return { modseq, lastUid: last ?? 0 }
}

/** Reads in order of date, so that only rows that are shown or skipped are read. */
async function newestOfFolder(
  owner: IndexOwner,
  folder: number,
  limit: number,
  cursor: ThreadCursor | undefined,
): Promise<Newest[]> {
  return owner.db
    .selectFrom('places')
    .innerJoin('messages', join =>
      join.onRef('messages.account', '=', 'places.account').onRef('messages.rowid', '=', 'places.message'),
    )
    .select(['messages.rowid', 'messages.thread'])
    .where('places.account', '=', owner.account)
    .where('places.folder', '=', folder)
    .where('places.message', '<', cursor?.below ?? Number.MAX_SAFE_INTEGER)
    .where(({ not, exists, selectFrom }) => {
      const there = newer(selectFrom('messages as newer'))
        .innerJoin('places as there', join =>
          join.onRef('there.account', '=', 'newer.account').onRef('there.message', '=', 'newer.rowid'),
        )
        .whereRef('there.folder', '=', 'places.folder')
      const known =
        cursor && sql<boolean>`(${wasThere(cursor)} and there.uid <= ${cursor.lastUid ?? Number.MAX_SAFE_INTEGER})`
      return not(exists(cursor ? there.where(sql<boolean>`(newer.rowid < ${cursor.below} or ${known})`) : there))
    })
    .orderBy('places.message', 'desc')
    .limit(limit)
    .execute()
}

async function newestOfAccount(owner: IndexOwner, limit: number, cursor: ThreadCursor | undefined): Promise<Newest[]> {
  return owner.db
    .selectFrom('messages')
    .select(['messages.rowid', 'messages.thread'])
    .where('messages.account', '=', owner.account)
    .where('messages.rowid', '<', cursor?.below ?? Number.MAX_SAFE_INTEGER)
    .where('messages.orphaned_round', 'is', null)
    .where(({ not, exists, selectFrom }) => {
      const there = newer(selectFrom('messages as newer')).where('newer.orphaned_round', 'is', null)
      return not(
        exists(cursor ? there.where(sql<boolean>`(newer.rowid < ${cursor.below} or ${wasThere(cursor)})`) : there),
      )
    })
    .orderBy('messages.rowid', 'desc')
    .limit(limit)
    .execute()
}

/** Condition that a message existed when the list began, so that an earlier page has its thread. */
function wasThere({ modseq }: ThreadCursor): RawBuilder<boolean> {
  return sql<boolean>`coalesce(newer.created_modseq, newer.modseq) <= ${modseq}`
}

/** Returns the current newest messages of threads on a later page, which may have received mail since the first. */
async function newestNow(owner: IndexOwner, threads: number[], folder: number | undefined): Promise<Newest[]> {
  const found: Newest[] = []
  for (const piece of lists(threads)) {
    const rows = owner.db
      .selectFrom('messages')
      .select(({ fn }) => ['messages.thread', fn.max('messages.rowid').as('rowid')])
      .where('messages.account', '=', owner.account)
      .where('messages.thread', 'in', piece)
      .where('messages.orphaned_round', 'is', null)
      .groupBy('messages.thread')
    const there = rows.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('places')
          .select('places.uid')
          .whereRef('places.account', '=', 'messages.account')
          .whereRef('places.message', '=', 'messages.rowid')
          .where('places.folder', '=', folder ?? -1),
      ),
    )
    found.push(...(await (folder === undefined ? rows : there).execute()))
  }
  return found
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
