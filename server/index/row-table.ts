/** Row ids that this thread knows, as a table of PostgreSQL. */
import { type RawBuilder, sql } from 'kysely'

/** @param rows The newest first. Told so, PostgreSQL looks at no more messages than are wanted. */
export function rowTable(rows: readonly number[]): RawBuilder<unknown> {
  return sql`select rowid from unnest(${`{${rows.join()}}`}::bigint[]) given (rowid) order by rowid desc offset 0`
}
