/**
 * Statements of a transaction whose answer is not needed at once. Where SQLite is on threads each message costs more than most
 * statements, so they go there together with the statement or the commit that follows.
 */
import { type Compilable, type CompiledQuery, type Kysely, type QueryResult, sql } from 'kysely'
import { OutdatedTransaction } from './database-fault.ts'
import type { Tables } from './tables.ts'

/** What knows how to, takes it and says how it will be answered. */
export interface LaterQuery extends CompiledQuery {
  later: Later
}

interface Later {
  /** Rows that it has to change; it fails as outdated when it changes more or fewer. Undefined for any number. */
  changes: number | undefined
  answer?: Promise<QueryResult<unknown>>
}

export function isLater(query: CompiledQuery): query is LaterQuery {
  return 'later' in query
}

/**
 * Where it fails, so does all that follows in the transaction, up to a rollback, and its commit. With `changes` a transaction relies on
 * what it knows without reading it: where that is no longer so, it fails with `OutdatedTransaction`, and has to read.
 * @returns How it is answered. Do not wait for that before the next statement or the end: it may be sent only then.
 */
export async function later<Row>(
  transaction: Kysely<Tables>,
  query: Compilable<Row>,
  changes?: number,
): Promise<{ answer: Promise<QueryResult<Row>> }> {
  const asked: LaterQuery = { ...query.compile(), later: { changes } }
  const result = await transaction.executeQuery<Row>(asked)
  const isAnswered = asked.later.answer === undefined
  if (isAnswered && changes !== undefined && changedBy(result) !== changes) throw new OutdatedTransaction()
  const answer = (asked.later.answer as Promise<QueryResult<Row>> | undefined) ?? Promise.resolve(result)
  // What relies on it fails in its place.
  answer.catch(() => undefined)
  return { answer }
}

/** What answers rows has changed each of them. */
function changedBy({ rows, numAffectedRows }: QueryResult<unknown>): number {
  return Number(numAffectedRows ?? rows.length)
}

/** @throws as the first of them that failed. */
export async function sendLater(transaction: Kysely<Tables>): Promise<void> {
  await sql`select 1`.execute(transaction)
}
