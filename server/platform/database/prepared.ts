/**
 * A statement that is built and compiled once for each kind of database, and then only filled in: Kysely takes longer to build and to compile
 * a short one than SQLite to run it.
 */
import { type Compilable, type CompiledQuery, createQueryId, type DialectAdapter, type RootOperationNode } from 'kysely'
import type { Database } from './database.ts'

/** Stands for a value while the statement is built. */
class Slot {
  readonly row: number
  readonly column: string

  constructor(row: number, column: string) {
    this.row = row
    this.column = column
  }
}

interface Kept {
  node: RootOperationNode
  sql: string
  parameters: readonly unknown[]
  /** Of each row that it is given. */
  columns: readonly number[]
}

export class Prepared<Rows extends readonly object[], Row> {
  readonly #build: (db: Database, ...rows: Rows) => Compilable<Row>
  /** Each database has one. */
  readonly #kept = new WeakMap<DialectAdapter, Kept>()

  /**
   * @param build Gets rows with a value to be bound for each column, whatever the columns hold: it must not look at any, nor leave one
   * that decides what the statement says. What is not of a row is the same each time.
   */
  constructor(build: (db: Database, ...rows: Rows) => Compilable<Row>) {
    this.#build = build
  }

  /** For these rows, which have the same columns each time. */
  with(db: Database, ...rows: Rows): Compilable<Row> & { execute(): Promise<Row[]> } {
    const compile = () => this.#compile(db, rows)
    return { compile, execute: async () => (await db.executeQuery(compile())).rows }
  }

  #compile(db: Database, rows: Rows): CompiledQuery<Row> {
    const executor = db.getExecutor()
    let kept = this.#kept.get(executor.adapter)
    if (!kept) {
      kept = this.#make(db, rows)
      this.#kept.set(executor.adapter, kept)
    }
    const { node, sql, parameters, columns } = kept
    const queryId = createQueryId()
    // For those that hear of each statement.
    if (executor.transformQuery(node, queryId) !== node) throw new Error('a plugin changes what is compiled already')
    const fits = (row: object, index: number) => Object.keys(row).length === columns[index]
    if (!rows.every(fits)) throw new Error(`other columns than those of: ${sql}`)
    return { query: node, queryId, sql, parameters: parameters.map(each => filled(each, rows)) }
  }

  #make(db: Database, rows: Rows): Kept {
    const slots = rows.map((row, index) =>
      Object.fromEntries(Object.keys(row).map(column => [column, new Slot(index, column)])),
    )
    const { query, sql, parameters } = this.#build(db.withoutPlugins(), ...(slots as unknown as Rows)).compile()
    return { node: query, sql, parameters, columns: rows.map(row => Object.keys(row).length) }
  }
}

function filled(parameter: unknown, rows: readonly object[]): unknown {
  if (!(parameter instanceof Slot)) return parameter
  const value = (rows[parameter.row] as Record<string, unknown>)[parameter.column]
  if (value === undefined) throw new Error(`no value for ${parameter.column}`)
  return value
}
