/** Reports what the index holds and lacks, for the synchronisation that fills it. */
import { sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { compilable, fixedStatement } from './fixed-statement.ts'
import { getFolder } from './folder-index.ts'
import type { UidSpan } from './index-types.ts'

/** A message whose text is not indexed, at one of its places. */
export interface TextlessPlace {
  /** Number of the message; newer messages have higher numbers. */
  message: number
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

interface TextlessRow {
  rowid: number
  size: number
  folder: number
  uid: number
}

/** Lists messages without a text with their places, in one statement; a message in several folders has several rows. */
const textlessBelow = fixedStatement((db, account: number, below: number, limit: number) =>
  compilable<TextlessRow>(
    db,
    sql<TextlessRow>`
      select messages.rowid as rowid, size, folder, uid
      from (select account, rowid, size from messages
        where account = ${account} and text is null and orphaned_round is null and rowid < ${below}
        order by rowid desc limit ${limit}) as messages
      join places on places.account = messages.account and places.message = messages.rowid
      order by messages.rowid desc`,
  ),
)

/** Lists messages without a text, newest first. @param below Only messages with lower numbers. */
export async function listWithoutText(
  { db, account }: IndexOwner,
  limit: number,
  below = Number.MAX_SAFE_INTEGER,
): Promise<TextlessPlace[]> {
  const rows = await textlessBelow(db, account, below, limit)
  if (rows.length === 0) return []
  const folders = await db
    .selectFrom('folders')
    .select(['id', 'path', 'uid_validity'])
    .where('account', '=', account)
    .execute()
  const folderOf = new Map(folders.map(folder => [folder.id, folder]))
  const found: TextlessPlace[] = []
  for (const { rowid, size, folder, uid } of rows) {
    const { path, uid_validity } = folderOf.get(folder)!
    if (found.at(-1)?.message !== rowid)
      found.push({ message: rowid, path, uidValidity: uid_validity, uid, sizeBytes: size })
  }
  return found
}
