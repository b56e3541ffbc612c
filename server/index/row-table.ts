/** Passes row ids known to this thread to PostgreSQL as a table. */
import { type RawBuilder, sql } from 'kysely'

/** @param rows Row ids, newest first; declaring this order lets PostgreSQL stop at the limit. */
export function rowTable(rows: readonly number[]): RawBuilder<unknown> {
  return sql`select rowid from unnest(${`{${rows.join()}}`}::bigint[]) given (rowid) order by rowid desc offset 0`
}
