/**
 * Records statements as child spans by OpenTelemetry's database conventions: operation and table, never text or values.
 */
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely'
import type { Span } from '../tracing/span.ts'
import type { Tracer } from '../tracing/tracer.ts'
import { isLater } from './later.ts'

/** Statements recorded per parent span; more are not traced, since loops would fill the exporter's queue. */
export const maxStatements = 64
const control = /^\s*(?:begin|start|commit|rollback|savepoint|release)\b/i
/** Statement texts whose span names are cached; past it, the cache is cleared. */
const maxNames = 1_000

type Options = Parameters<DatabaseConnection['executeQuery']>[1]

/** Wraps a dialect with tracing; without an active recorded span, a statement costs one extra check. */
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
    // Pooled connections are acquired repeatedly.
    if (known.has(connection)) return connection
    known.add(connection)
    const plain = connection.executeQuery.bind(connection)
    connection.executeQuery = <Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> => {
      const run = () => plain<Row>(query, options)
      // Deferred statements count towards the next one's span; commits are traced separately below.
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

/** Returns a statement's operation and first table, a name from our schema, which Kysely quotes. */
export function statementName(sql: string): { operation: string; table: string | undefined } {
  const word = /^\s*\(*\s*([a-z]+)/i.exec(sql)?.[1]?.toUpperCase() ?? ''
  const table = /\b(?:from|into|update)\s+"?([a-z_]+)\b/i.exec(sql)?.[1]
  return { operation: operations.has(word) ? word : 'OTHER', table }
}
