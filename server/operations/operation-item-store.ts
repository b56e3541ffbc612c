/**
 * Messages of operations in the database, up to a thousand per statement: values that differ between rows are passed as
 * one JSON text, since binding a parameter for each of them costs more than the rest of the operation.
 */
import { type RawBuilder, SqliteAdapter, sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import type { ItemRow } from './operation-tables.ts'

/** A change to one item. Changes that are saved together belong to one operation. */
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
/** Ranges of positions per update; with more of them, each position is listed. */
const mostRanges = 50

/** Inserts items; deferred to the next statement of the transaction. */
export async function insertItems(db: Database, items: readonly ItemRow[]): Promise<void> {
  if (items.length === 0) return
  const { values, from } = spread(db, columns, items)
  const names = sql.join(columns.map(name => sql.ref(name)))
  await send(db, sql`insert into operation_items (${names}) select ${sql.join(values)} from ${from}`)
}

/**
 * Updates items; deferred to the next statement of the transaction. Columns that are not named are left as they are.
 */
export async function updateItems(db: Database, changes: readonly ItemChange[]): Promise<void> {
  const alike = Map.groupBy(changes, ({ values }) => namesOf(values))
  for (const [names, group] of alike) {
    if (names === '') continue
    const [{ item }] = group as [ItemChange]
    const changed = names.split(',') as Column[]
    // Messages that are moved together keep their order, as a rule, so that one offset gives all new UIDs.
    const shift = changed.includes('after_uid') ? shiftOf(group) : undefined
    const others = shift === undefined ? changed : changed.filter(name => name !== 'after_uid')
    const ranges = isAlike(group, others) ? rangesOf(group.map(each => each.item.position)) : []
    if (ranges.length > 0 && ranges.length <= mostRanges) {
      const values = others.map(name => sql`${sql.ref(name)} = ${group[0]!.values[name]}`)
      if (shift !== undefined) values.push(sql`after_uid = uid + cast(${shift} as bigint)`)
      const positions = ranges.map(([first, last]) => sql`position between ${first} and ${last}`)
      await send(
        db,
        sql`update operation_items set ${sql.join(values)}
          where operation_id = ${item.operation_id} and (${sql.join(positions, sql` or `)})`,
      )
      continue
    }
    const rows = group.map(each => ({ ...each.values, position: each.item.position }))
    const { values, from } = spread(db, ['position', ...changed], rows)
    const named = values.map((value, at) => sql`${value} as ${sql.ref(`c${at}`)}`)
    const sets = changed.map((name, at) => sql`${sql.ref(name)} = v.${sql.ref(`c${at + 1}`)}`)
    // Materialized, since SQLite would otherwise parse the text again for each row of the operation.
    await send(
      db,
      sql`with v as materialized (select ${sql.join(named)} from ${from})
        update operation_items set ${sql.join(sets)} from v
        where operation_id = ${item.operation_id} and position = v.c0`,
    )
  }
}

/** Runs a deferred statement; if it fails, so do later statements of the transaction and its commit. */
async function send(transaction: Database, statement: RawBuilder<unknown>): Promise<void> {
  await later(transaction, { compile: () => statement.compile(transaction) })
}

/** Returns the names of the changed columns, which are few even for a thousand changes. */
function namesOf(values: Row): string {
  let names = ''
  for (const name in values) if (values[name as Column] !== undefined) names += names === '' ? name : `,${name}`
  return names
}

function isAlike([first, ...others]: readonly ItemChange[], names: readonly Column[]): boolean {
  return first !== undefined && others.every(({ values }) => names.every(name => values[name] === first.values[name]))
}

/** Returns the offset from old to new UIDs; undefined unless it is the same for all. */
function shiftOf(changes: readonly ItemChange[]): number | undefined {
  const shifts = changes.map(({ item: { uid }, values: { after_uid: after } }) =>
    uid && after ? after - uid : undefined,
  )
  return shifts.every(shift => shift === shifts[0]) ? shifts[0] : undefined
}

/** Returns the ranges that the positions form; their order does not matter. */
function rangesOf(positions: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = []
  for (const position of positions.toSorted((one, other) => one - other)) {
    const before = ranges.at(-1)
    if (before && position <= before[1] + 1) before[1] = position
    else ranges.push([position, position])
  }
  return ranges
}

/** Returns an SQL value per column: a constant if it is the same in all rows, or a field of the row's JSON. */
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

/** Replaces lone surrogates, left where a mail server's response was cut: PostgreSQL rejects them in JSON. */
function storable(value: string | number | null): string | number | null {
  return typeof value === 'string' ? value.toWellFormed() : value
}
