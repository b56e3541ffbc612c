/** Threads as lists show them, the one with the newest message first, and the messages of one. */
import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { getFolder } from './folder-index.ts'
import { messagesByRow } from './index-lists.ts'
import type { IndexTables, MessageRow } from './index-tables.ts'
import type { IndexedMessage, IndexedThread, ThreadCursor, ThreadPage } from './index-types.ts'
import { threadIdText, threadNumber } from './message-identity.ts'

export interface ThreadListQuery {
  /** Without it, of all folders. */
  path?: string
  limit: number
  /** `nextCursor` of the page before. */
  cursor?: ThreadCursor | undefined
  /** How their newest messages begin. Only for callers that may read mail. */
  previews?: boolean
}

/**
 * By their newest message. Later pages keep the order of the first one: a thread that gets mail meanwhile stays where it was, and its newest
 * message is shown there. @throws IndexFault `folder_not_found`
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

type Newest = { rowid: number; thread: number }

/** How the account and the folder stand where a list begins: what has a higher number or UID came later. */
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

/** In the order of dates, so that as much is read as is shown and what was passed over. */
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

/** A page before has its thread: it was known when the list began. */
function wasThere({ modseq }: ThreadCursor): RawBuilder<boolean> {
  return sql<boolean>`coalesce(newer.created_modseq, newer.modseq) <= ${modseq}`
}

/** Of threads of a later page, which may have got mail since the first one. */
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
