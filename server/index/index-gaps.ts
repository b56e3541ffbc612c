/** Reports what the index holds and lacks, for the synchronisation that fills it. */
import { sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import { getFolder } from './folder-index.ts'
import type { UidSpan } from './index-types.ts'

/** A message whose text is not indexed, at one of its places. */
export interface TextlessPlace {
  path: string
  uidValidity: number
  uid: number
  /** Size of the whole message. */
  sizeBytes: number
}

/** Returns the UIDs of a folder as ascending, disjoint ranges. @throws IndexFault `folder_not_found` */
export async function listUidRanges(owner: IndexOwner, path: string): Promise<UidSpan[]> {
  const folder = await getFolder(owner, path)
  // Gaps and islands: within a run of consecutive UIDs, the UID minus its rank is constant.
  const { rows } = await sql<{ first: number; last: number }>`
    select min(uid) as first, max(uid) as last
    from (select uid, uid - row_number() over (order by uid) as run from places
      where account = ${owner.account} and folder = ${folder.id}) as ranked
    group by run order by first`.execute(owner.db)
  return rows.map(({ first, last }) => [Number(first), Number(last)] as const)
}

/** Reads the places of messages, by descending row ids. */
const placesOf = fixedStatement((db, account: number, messages: readonly number[]) =>
  db
    .selectFrom('places')
    .innerJoin('folders', join =>
      join.onRef('folders.account', '=', 'places.account').onRef('folders.id', '=', 'places.folder'),
    )
    .select(['message', 'path', 'uid_validity', 'uid'])
    .where('places.account', '=', account)
    .where('message', 'in', messages)
    .orderBy('message', 'desc'),
)

/** Lists messages without a text, newest first. */
export async function listWithoutText({ db, account }: IndexOwner, limit: number): Promise<TextlessPlace[]> {
  const rows = await db
    .selectFrom('messages')
    .select(['rowid', 'size'])
    .where('account', '=', account)
    .where('text', 'is', null)
    .where('orphaned_round', 'is', null)
    .orderBy('rowid', 'desc')
    .limit(limit)
    .execute()
  if (rows.length === 0) return []
  const places: Awaited<ReturnType<typeof placesOf>> = []
  for (const piece of lists(rows.map(({ rowid }) => rowid))) places.push(...(await placesOf(db, account, piece)))
  const sizes = new Map(rows.map(({ rowid, size }) => [rowid, size]))
  const found = new Map<number, TextlessPlace>()
  for (const { message, path, uid_validity, uid } of places) {
    const sizeBytes = sizes.get(message)!
    if (!found.has(message)) found.set(message, { path, uidValidity: uid_validity, uid, sizeBytes })
  }
  return [...found.values()]
}
