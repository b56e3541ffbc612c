/**
 * A statement that is compiled once per kind of database, and then only gets its values: Kysely takes longer to build
 * and compile a short one than SQLite takes to run it.
 */
import { type Compilable, type CompiledQuery, createQueryId, type DialectAdapter, type RootOperationNode } from 'kysely'
import type { Database } from './database.ts'

/** Placeholder for a value while the statement is built. */
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
  /** Number of columns of each row. */
  columns: readonly number[]
}

export class Prepared<Rows extends readonly object[], Row> {
  readonly #build: (db: Database, ...rows: Rows) => Compilable<Row>
  /** Compiled statements by the adapter of their database. */
  readonly #kept = new WeakMap<DialectAdapter, Kept>()

  /**
   * @param build Builds the statement from rows of placeholders: it must not inspect them or let them decide the
   * statement's text. Everything that is not from a row is constant.
   */
  constructor(build: (db: Database, ...rows: Rows) => Compilable<Row>) {
    this.#build = build
  }

  /** Fills in rows, which must have the same columns each time. */
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
    // Runs the plugins, which may observe statements.
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
