/** Statements as spans of what asks for them, by OpenTelemetry's conventions for databases: the operation and its table, never the text or a value. */
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely'
import type { Span } from '../tracing/span.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { isLater } from './later.ts'

/** Of one span: what goes on in rounds would fill the queue of the collector. */
export const maxStatements = 64
const control = /^\s*(?:begin|start|commit|rollback|savepoint|release)\b/i
/** Statements of which the name is remembered. */
const maxNames = 1_000

type Options = Parameters<DatabaseConnection['executeQuery']>[1]

/** The same dialect; where nothing is recorded, a statement costs one look more. */
export function tracedDialect(dialect: Dialect, system: 'sqlite' | 'postgresql', tracer: Tracer): Dialect {
  const statements = new TracedStatements(system, tracer)
  return {
    createDriver: () => tracedDriver(dialect.createDriver(), statements),
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: db => dialect.createIntrospector(db),
  }
}

function tracedDriver(driver: Driver, statements: TracedStatements): Driver {
  const known = new WeakSet<DatabaseConnection>()
  const acquireConnection: Driver['acquireConnection'] = async options => {
    const connection = await driver.acquireConnection(options)
    // Those of a pool come back.
    if (known.has(connection)) return connection
    known.add(connection)
    const plain = connection.executeQuery.bind(connection)
    connection.executeQuery = <Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> => {
      const run = () => plain<Row>(query, options)
      // What is sent with what follows: the time of that is theirs too. Ends of transactions are told by themselves.
      return isLater(query) || control.test(query.sql) ? run() : statements.trace(query.sql, run)
    }
    return connection
  }
  const { savepoint, rollbackToSavepoint, releaseSavepoint } = driver
  return {
    init: options => driver.init(options),
    acquireConnection,
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: connection => statements.trace('commit', () => driver.commitTransaction(connection)),
    rollbackTransaction: connection => driver.rollbackTransaction(connection),
    releaseConnection: (connection, options) => driver.releaseConnection(connection, options),
    destroy: options => driver.destroy(options),
    ...(savepoint && { savepoint: savepoint.bind(driver) }),
    ...(rollbackToSavepoint && { rollbackToSavepoint: rollbackToSavepoint.bind(driver) }),
    ...(releaseSavepoint && { releaseSavepoint: releaseSavepoint.bind(driver) }),
  }
}

class TracedStatements {
  readonly #system: string
  readonly #tracer: Tracer
  readonly #counts = new WeakMap<Span, number>()
  readonly #names = new Map<string, { operation: string; table: string | undefined }>()

  constructor(system: string, tracer: Tracer) {
    this.#system = system
    this.#tracer = tracer
  }

  trace<Result>(sql: string, run: () => Promise<Result>): Promise<Result> {
    const parent = this.#tracer.active
    if (!parent?.isRecorded) return run()
    const count = this.#counts.get(parent) ?? 0
    if (count >= maxStatements) return run()
    this.#counts.set(parent, count + 1)
    const { operation, table } = this.#nameOf(sql)
    const attributes = {
      'db.system.name': this.#system,
      'db.operation.name': operation,
      'db.collection.name': table,
    }
    const name = table === undefined ? operation : `${operation} ${table}`
    return this.#tracer.trace(name, { kind: 'client', attributes }, run)
  }

  #nameOf(sql: string): { operation: string; table: string | undefined } {
    const known = this.#names.get(sql)
    if (known) return known
    const named = statementName(sql)
    if (this.#names.size >= maxNames) this.#names.clear()
    this.#names.set(sql, named)
    return named
  }
}

const operations = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'WITH', 'COMMIT', 'PRAGMA'])

/** The first table, whose name is one of ours: Kysely quotes it. */
export function statementName(sql: string): { operation: string; table: string | undefined } {
  const word = /^\s*\(*\s*([a-z]+)/i.exec(sql)?.[1]?.toUpperCase() ?? ''
  const table = /\b(?:from|into|update)\s+"?([a-z_]+)\b/i.exec(sql)?.[1]
  return { operation: operations.has(word) ? word : 'OTHER', table }
}
