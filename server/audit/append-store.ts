/** The statements that append to the trail, for which every change waits: compiled once. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import { Prepared } from '../platform/database/prepared.ts'
import type { AuditChainRow, AuditRow } from './audit-tables.ts'

export const newestNumber = sql<
  number | null
>`(select number from audit_entries where number < ${Number.MAX_SAFE_INTEGER}
  order by number desc limit 1)`

/** Changes nothing if the ends differ from those expected, or another process has appended an entry. */
export const moveUnchanged = new Prepared((db: Database, before: AuditChainRow, after: AuditChainRow) => {
  const moved = db.updateTable('audit_chain').set(after)
  const columns = Object.keys(before) as (keyof AuditChainRow)[]
  const unchanged = columns.reduce((update, column) => update.where(column, '=', before[column]), moved)
  return unchanged.where(sql<boolean>`coalesce(${newestNumber}, 0) <= ${before.newest}`)
})

const insertOne = new Prepared((db: Database, row: AuditRow) => db.insertInto('audit_entries').values(row))

/** Nearly all insertions have one row. */
export function insertionOf(db: Database, rows: readonly AuditRow[]) {
  const [row] = rows
  return row && rows.length === 1 ? insertOne.with(db, row) : db.insertInto('audit_entries').values(rows)
}
