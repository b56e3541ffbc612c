/**
 * Messages of operations in the database, up to a thousand with one statement: what differs between them goes there as one JSON text. A parameter
 * for each value of each row costs more than the rest of the operation.
 */
import { type RawBuilder, SqliteAdapter, sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import type { ItemRow } from './operation-tables.ts'

/** Of one operation. */
export interface ItemChange {
  item: ItemRow
  values: Partial<ItemRow>
}

type Column = keyof ItemRow
type Row = Partial<ItemRow>

const types: Record<Column, 'text' | 'integer' | 'bigint'> = {
  operation_id: 'text',
  position: 'integer',
  account_id: 'text',
  message_id: 'text',
  path: 'text',
  uid_validity: 'bigint',
  uid: 'bigint',
  change: 'text',
  flags: 'text',
  identity: 'text',
  changed: 'text',
  after_path: 'text',
  after_uid_validity: 'bigint',
  after_uid: 'bigint',
  undoes: 'integer',
  state: 'text',
  code: 'text',
  why: 'text',
}
const columns = Object.keys(types) as Column[]

export async function insertItems(db: Database, items: readonly ItemRow[]): Promise<void> {
  if (items.length === 0) return
  const { values, from } = spread(db, columns, items)
  const names = sql.join(columns.map(name => sql.ref(name)))
  await sql`insert into operation_items (${names}) select ${sql.join(values)} from ${from}`.execute(db)
}

/** What is not named is left as it is. */
export async function updateItems(db: Database, changes: readonly ItemChange[]): Promise<void> {
  const alike = Map.groupBy(changes, ({ values }) => columns.filter(name => values[name] !== undefined).join())
  for (const [names, group] of alike) {
    if (names === '') continue
    const [{ item }] = group as [ItemChange]
    const changed = names.split(',') as Column[]
    const rows = group.map(each => ({ ...each.values, position: each.item.position }))
    const { values, from } = spread(db, ['position', ...changed], rows)
    const named = values.map((value, at) => sql`${value} as ${sql.ref(`c${at}`)}`)
    const sets = changed.map((name, at) => sql`${sql.ref(name)} = v.${sql.ref(`c${at + 1}`)}`)
    // Materialized: SQLite would read the text once more for each row of the operation.
    await sql`with v as materialized (select ${sql.join(named)} from ${from})
      update operation_items set ${sql.join(sets)} from v
      where operation_id = ${item.operation_id} and position = v.c0`.execute(db)
  }
}

/** A value for each column: the same in all rows, or from the JSON of the row. */
function spread(
  db: Database,
  names: readonly Column[],
  rows: readonly Row[],
): { values: RawBuilder<unknown>[]; from: RawBuilder<unknown> } {
  const [first] = rows as [Row]
  const different = names.filter(name => rows.some(row => row[name] !== first[name]))
  const values = names.map(name => {
    const at = different.indexOf(name)
    const value = at === -1 ? sql`${first[name] ?? null}` : sql`r.value ->> ${sql.lit(at)}`
    return sql`cast(${value} as ${sql.raw(types[name])})`
  })
  const text = JSON.stringify(rows.map(row => different.map(name => storable(row[name] ?? null))))
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  const from = isSqlite ? sql`json_each(${text}) as r` : sql`jsonb_array_elements(${text}::jsonb) as r(value)`
  return { values, from }
}

/** JSON in PostgreSQL has no half of a surrogate pair, as which the words of a mail server may be cut. */
function storable(value: string | number | null): string | number | null {
  return typeof value === 'string' ? value.toWellFormed() : value
}
