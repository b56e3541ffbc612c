/** Writes many rows per statement, with few distinct statement texts, so that prepared statements are reused. */
import { CompiledQuery } from 'kysely'
import { isSqlite } from './index-schema.ts'
import type { IndexDatabase, IndexTables } from './index-tables.ts'

/** Rows per statement: the largest size that fits is used first, the rest goes into smaller ones. */
const sizes = [128, 32, 8, 1] as const
/** Lengths of an `in (…)` list. */
const listSizes = [1, 8, 32, 64, 128, 512] as const

type Row = readonly unknown[]
type Columns<Table extends keyof IndexTables> = readonly (keyof IndexTables[Table] & string)[]

/** @param conflict An optional clause, for example `on conflict do nothing`. */
export async function insertRows<Table extends keyof IndexTables>(
  db: IndexDatabase,
  table: Table,
  columns: Columns<Table>,
  rows: readonly Row[],
  conflict = '',
): Promise<void> {
  for (const part of parts(rows)) {
    const values = marksOf(db, part.length, columns, false)
    await run(db, `insert into ${table} (${columns.join(', ')}) values ${values} ${conflict}`, part.flat())
  }
}

export interface Update<Table extends keyof IndexTables> {
  table: Table
  /** Key columns besides `account`; the values of a row begin with them. */
  keys: Columns<Table>
  sets: Columns<Table>
  /** Columns set to an SQL expression in all rows, in which `v.column1` and so on are the values of the row. */
  expressions?: Partial<Record<keyof IndexTables[Table] & string, string>>
}

/** Updates each row to its own values. */
export async function updateRows<Table extends keyof IndexTables>(
  db: IndexDatabase,
  account: number,
  { table, keys, sets, expressions = {} }: Update<Table>,
  rows: readonly Row[],
): Promise<void> {
  const columns = [...keys, ...sets]
  const column = (index: number) => `v.column${index + 1}`
  const assigned = [
    ...sets.map((name, index) => `${name} = ${column(keys.length + index)}`),
    ...Object.entries(expressions).map(([name, expression]) => `${name} = ${expression}`),
  ].join(', ')
  const found = keys.map((name, index) => `${table}.${name} = ${column(index)}`).join(' and ')
  for (const part of parts(rows)) {
    const values = marksOf(db, part.length, columns, true)
    const statement = `update ${table} set ${assigned} from (values ${values}) v where ${table}.account = ${account} and ${found}`
    await run(db, statement, part.flat())
  }
}

/** Splits values for `in (…)` into chunks of a few fixed lengths, padded with repeats of the last value. */
export function lists<Value>(values: readonly Value[]): Value[][] {
  const most = listSizes.at(-1)!
  const pieces: Value[][] = []
  for (let from = 0; from < values.length; from += most) {
    const piece = values.slice(from, from + most)
    const size = listSizes.find(each => each >= piece.length)!
    pieces.push([...piece, ...Array.from({ length: size - piece.length }, () => piece.at(-1)!)])
  }
  return pieces
}

async function run(db: IndexDatabase, text: string, values: Row): Promise<void> {
  await db.executeQuery(CompiledQuery.raw(text, [...values]))
}

function parts(rows: readonly Row[]): Row[][] {
  const found: Row[][] = []
  let from = 0
  for (const size of sizes) {
    for (; rows.length - from >= size; from += size) found.push(rows.slice(from, from + size))
  }
  return found
}

/**
 * Placeholder lists by database, size and columns; bounded, since columns are named in our sources and sizes are
 * `sizes`.
 */
const knownMarks = new Map<string, string>()

function marksOf(db: IndexDatabase, rows: number, columns: readonly string[], isTyped: boolean): string {
  const kind = isSqlite(db) ? '?' : isTyped ? '$::' : '$'
  const key = `${kind} ${rows} ${columns.join()}`
  const known = knownMarks.get(key)
  if (known) return known
  const mark = (index: number) => {
    if (kind === '?') return '?'
    return isTyped ? `$${index + 1}::${typeOf(columns[index % columns.length]!)}` : `$${index + 1}`
  }
  const made = marks(rows, columns.length, mark)
  knownMarks.set(key, made)
  return made
}

function marks(rows: number, columns: number, mark: (index: number) => string): string {
  return Array.from(
    { length: rows },
    (_, row) => `(${Array.from({ length: columns }, (_, column) => mark(row * columns + column)).join(',')})`,
  ).join(',')
}

/** Type of a placeholder: without a cast, PostgreSQL takes the values of a `values` list for text. */
function typeOf(column: string): string {
  return column.endsWith('_json') ? 'text' : 'bigint'
}
