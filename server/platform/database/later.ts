/**
 * Defers statements of a transaction whose result is not needed immediately. With SQLite on threads, a round trip costs
 * more than most statements, so they are sent together with the next statement or the commit.
 */
import { type Compilable, type CompiledQuery, type Kysely, type QueryResult, sql } from 'kysely'
import { OutdatedTransaction } from './database-fault.ts'
import type { Tables } from './tables.ts'

/** A deferred query; a driver that can defer it sets `later.answer`. */
export interface LaterQuery extends CompiledQuery {
  later: Later
}

interface Later {
  /** Number of rows that it must change, else it fails as outdated; undefined for any number. */
  changes: number | undefined
  answer?: Promise<QueryResult<unknown>>
}

export function isLater(query: CompiledQuery): query is LaterQuery {
  return 'later' in query
}

/**
 * Runs a statement, possibly deferred. If it fails, so do all later statements of the transaction and its commit. With
 * `changes`, a transaction relies on cached data without reading it: if that is stale, it fails with
 * `OutdatedTransaction` and has to read.
 * @returns A promise of the result. Do not await it before the next statement or the end: it may be sent only then.
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
  // Avoids an unhandled rejection: later statements fail as well.
  answer.catch(() => undefined)
  return { answer }
}

/** Counts changed rows; a statement with `returning` has changed each row it returns. */
function changedBy({ rows, numAffectedRows }: QueryResult<unknown>): number {
  return Number(numAffectedRows ?? rows.length)
}

/** Sends deferred statements now. @throws the error of the first that failed */
export async function sendLater(transaction: Kysely<Tables>): Promise<void> {
  await sql`select 1`.execute(transaction)
}
