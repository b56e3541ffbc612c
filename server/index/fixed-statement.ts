/**
 * Statements whose text does not depend on their values: Kysely compiles each once, since compiling takes longer than
 * SQLite takes to run a short one, and PostgreSQL keeps them prepared.
 */
import { type Compilable, CompiledQuery, type RawBuilder } from 'kysely'
import { keepPrepared } from '../platform/database/prepared-statements.ts'
import { isSqlite } from './index-schema.ts'
import type { IndexDatabase } from './index-tables.ts'

type Value = number | string | Uint8Array
type Given = Value | readonly Value[]

interface Written {
  query: CompiledQuery
  /** The source of each parameter, an argument or an item of a list argument; undefined for constants. */
  places: (readonly [given: number, item: number] | undefined)[]
}

/**
 * Returns a function that runs a statement compiled once per database kind and list lengths (few, see `lists`).
 * @param write Builds the statement. Called with placeholders, which it must pass on unchanged and never inspect.
 */
export function fixedStatement<Values extends readonly Given[], Row>(
  write: (db: IndexDatabase, ...values: Values) => Compilable<Row>,
): (db: IndexDatabase, ...values: Values) => Promise<Row[]> {
  const known = { sqlite: new Map<string, Written>(), postgres: new Map<string, Written>() }
  return async (db, ...values) => {
    const written = known[isSqlite(db) ? 'sqlite' : 'postgres']
    const lengths = values.map(value => (isList(value) ? value.length : '')).join()
    const found = written.get(lengths) ?? writtenFor(values, given => write(db, ...(given as unknown as Values)))
    if (!written.has(lengths)) keepPrepared(found.query.sql)
    written.set(lengths, found)
    const { query, places } = found
    const parameters = places.map((place, at) => (place ? valueAt(values[place[0]]!, place[1]) : query.parameters[at]))
    return (await db.executeQuery<Row>({ ...query, parameters } as CompiledQuery<Row>)).rows
  }
}

/** Returns a function that runs a prepared statement of PostgreSQL, written by hand. */
export function preparedStatement<Row>(text: string): (db: IndexDatabase, ...values: unknown[]) => Promise<Row[]> {
  keepPrepared(text)
  return async (db, ...values) => (await db.executeQuery(CompiledQuery.raw(text, values) as CompiledQuery<Row>)).rows
}

function valueAt(value: Given, item: number): Value {
  return isList(value) ? value[item]! : value
}

function isList(value: Given): value is readonly Value[] {
  return Array.isArray(value)
}

/** Compiles the statement with unique stand-in objects as values, to find the parameter that each one becomes. */
function writtenFor(values: readonly Given[], write: (given: unknown[]) => Compilable): Written {
  const standIns = new Map<unknown, readonly [given: number, item: number]>()
  const standIn = (given: number, item: number) => {
    const one = Object.freeze({ given, item })
    standIns.set(one, [given, item])
    return one
  }
  const given = values.map((value, at) => (isList(value) ? value.map((_, item) => standIn(at, item)) : standIn(at, 0)))
  const query = write(given).compile()
  return { query, places: query.parameters.map(parameter => standIns.get(parameter)) }
}

/** Wraps a handwritten SQL statement as a `Compilable`. */
export function compilable<Row>(db: IndexDatabase, statement: RawBuilder<Row>): Compilable<Row> {
  return { compile: () => statement.compile(db) }
}
