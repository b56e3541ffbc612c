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
  const text = (marks: string) => `insert into ${table} (${columns.join(', ')}) values ${marks} ${conflict}`
  const key = `insert ${table} ${columns.join()} ${conflict}`
  for (const part of parts(rows)) await run(db, textOf(db, part.length, columns, { key, isTyped: false, text }), part)
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
  const expressed = Object.entries(expressions).map(([name, expression]) => `${name} = ${expression}`)
  const text = (marks: string) => {
    const assigned = [...sets.map((name, index) => `${name} = ${column(keys.length + index)}`), ...expressed].join(', ')
    const found = keys.map((name, index) => `${table}.${name} = ${column(index)}`).join(' and ')
    return `update ${table} set ${assigned} from (values ${marks}) v where ${table}.account = ${account} and ${found}`
  }
  const key = `update ${table} ${account} ${keys.join()} ${sets.join()} ${expressed.join()}`
  for (const part of parts(rows)) await run(db, textOf(db, part.length, columns, { key, isTyped: true, text }), part)
}

/** Splits values for `in (…)` into chunks of a few fixed lengths, padded with repeats of the last value. */
export function lists<Value>(values: readonly Value[]): Value[][] {
  const most = listSizes.at(-1)!
  const pieces: Value[][] = []
  for (let from = 0; from < values.length; from += most) {
    const piece = values.slice(from, from + most)
    const size = listSizes.find(each => each >= piece.length)!
    const last = piece.at(-1)!
    while (piece.length < size) piece.push(last)
    pieces.push(piece)
  }
  return pieces
}

async function run(db: IndexDatabase, text: string, rows: readonly Row[]): Promise<void> {
  const values: unknown[] = []
  for (const row of rows) for (const value of row) values.push(value)
  await db.executeQuery(CompiledQuery.raw(text, values))
}

function parts(rows: readonly Row[]): Row[][] {
  const found: Row[][] = []
  let from = 0
  for (const size of sizes) {
    for (; rows.length - from >= size; from += size) found.push(rows.slice(from, from + size))
  }
  return found
}

/** The parts of a statement other than its placeholders. */
interface Statement {
  key: string
  isTyped: boolean
  text(marks: string): string
}

/** Cached statement texts: the statements in our sources times `sizes`; bounded, since PostgreSQL has them per account. */
const knownTexts = new Map<string, string>()
const mostTexts = 1_000

/** Returns the same string each time, since a new one of several thousand characters is hashed to find its statement. */
function textOf(
  db: IndexDatabase,
  rows: number,
  columns: readonly string[],
  { key, isTyped, text }: Statement,
): string {
  const kind = isSqlite(db) ? '?' : '$'
  const whole = `${kind} ${rows} ${key}`
  const known = knownTexts.get(whole)
  if (known) return known
  const mark = (index: number) => {
    if (kind === '?') return '?'
    return isTyped ? `$${index + 1}::${typeOf(columns[index % columns.length]!)}` : `$${index + 1}`
  }
  const made = text(marks(rows, columns.length, mark))
  if (knownTexts.size >= mostTexts) knownTexts.clear()
  knownTexts.set(whole, made)
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
