/**
 * Reads what each search needs first, in one statement of PostgreSQL instead of four: short ones cost the client more
 * than the database.
 */
import type { IndexOwner } from './change-log.ts'
import { preparedStatement } from './fixed-statement.ts'
import type { NamedFolder } from './index-tables.ts'

/** Orphans read into memory to exclude them from hits; if there are more, hits are joined with messages instead. */
export const mostOrphans = 1_000

/** Result of the statement; `orphans` has up to `mostOrphans` + 1 entries. */
interface Row {
  messages: number
  texts: number
  textless: number | null
  folders: NamedFolder[] | null
  sizes: [bucket: number, size: number][] | null
  orphans: number[] | null
}

const begin = preparedStatement<Row>(`
  select messages, texts,
    (select rowid from messages where account = $1 and text is null and orphaned_round is null
      order by rowid desc limit 1) as textless,
    (select json_agg(json_build_object('id', id, 'path', path, 'role', role, 'selectable', selectable,
      'uid_validity', uid_validity, 'lowest_uid', lowest_uid)) from folders where account = $1) as folders,
    (select json_agg(json_build_array(bucket, size)) from (select bucket, sum(size) as size from word_pages
      where account = $1 and size is not null group by bucket) of_bucket) as sizes,
    (select json_agg(rowid) from (select rowid from messages where account = $1 and orphaned_round is not null
      limit ${mostOrphans + 1}) orphan) as orphans
  from account_state where account = $1`)

/** Preloads data into `owner.answer`, on PostgreSQL; a no-op without an answer, when each part reads its own. */
export async function beginSearch({ db, account, answer }: IndexOwner): Promise<void> {
  if (!answer || answer.begun) return
  const [row] = await begin(db, account)
  if (!row) return
  const { folders, sizes, orphans, ...sums } = row
  answer.folders = Promise.resolve(folders ?? [])
  answer.begun = { sizes: new Map(sizes ?? []), orphans: orphans ?? [], sums }
}
