/**
 * Distinguishes database errors from others: a reset connection has the same code from PostgreSQL and from a mail
 * client.
 */

const ofDatabase = Symbol('of the database')

/** `silent`: it does not answer, or another program holds a lock; `failed`: other errors of its files or disk. */
export type DatabaseFaultKind = 'full' | 'read_only' | 'damaged' | 'removed' | 'silent' | 'failed'

/** The files of an open SQLite database were unlinked or replaced: writes to them are lost when this process ends. */
export class DatabaseRemoved extends Error {
  constructor() {
    super('the files of the database were removed or replaced while RustyMail runs')
  }
}

/** A thread with a database connection crashed: its work is lost, and no more queries are possible. */
export class DatabaseThreadEnded extends Error {
  constructor(role: string, reason: string) {
    super(`the thread that ${role} the database ended: ${reason}`)
  }
}

/** The queue for the database is full, or a call waited too long; the rejected work was not begun. */
export class DatabaseOverloaded extends Error {}

/** Code of `OutdatedTransaction`, by which it is recognised after passing between threads. */
const outdated = 'OUTDATED_TRANSACTION'

/**
 * Optimistic concurrency failure: a statement did not change the expected rows because of a race. The transaction was
 * rolled back.
 */
export class OutdatedTransaction extends Error {
  readonly code = outdated

  constructor() {
    super('rows that the transaction relied on were changed concurrently')
  }
}

export function isOutdated(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === outdated
}

export function markDatabaseFault(error: unknown): void {
  if (error instanceof Error) Object.defineProperty(error, ofDatabase, { value: true, configurable: true })
}

export function isDatabaseFault(error: unknown): boolean {
  return error instanceof Error && ofDatabase in error
}

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const ofSqlite: ReadonlyMap<number, DatabaseFaultKind> = new Map([
  [5, 'silent'], // SQLITE_BUSY
  [8, 'read_only'],
  [10, 'failed'], // SQLITE_IOERR
  [11, 'damaged'], // SQLITE_CORRUPT
  [13, 'full'],
  [14, 'failed'], // SQLITE_CANTOPEN
  [26, 'damaged'], // SQLITE_NOTADB
])

/** SQLSTATE of PostgreSQL (appendix A of its manual). */
const ofPostgres: ReadonlyMap<string, DatabaseFaultKind> = new Map([
  ['53100', 'full'],
  ['25006', 'read_only'],
  ['58030', 'failed'], // io_error
  ['XX001', 'damaged'],
  ['XX002', 'damaged'],
])

/** Classifies an error; undefined if the database is not at fault, as for wrong statements or violated constraints. */
export function databaseFaultKind(error: unknown): DatabaseFaultKind | undefined {
  if (error instanceof DatabaseRemoved) return 'removed'
  if (error instanceof DatabaseThreadEnded) return 'failed'
  if (error instanceof DatabaseOverloaded) return 'silent'
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') return ofSqlite.get(error.errcode & 0xff)
  const code = 'code' in error ? String(error.code) : ''
  return ofPostgres.get(code) ?? (isGone(error, code) ? 'silent' : undefined)
}

/** Whether a foreign key was violated: the referenced row was deleted between the check and the write. */
export function isOrphan(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // SQLITE_CONSTRAINT_FOREIGNKEY, and foreign_key_violation.
  return ('errcode' in error && error.errcode === 787) || ('code' in error && error.code === '23503')
}

/** Whether node-postgres threw this error because its server is unreachable. */
function isGone(error: Error, code: string): boolean {
  if (!isDatabaseFault(error)) return false
  const isNetwork = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|57P0[1-5]|25P0[34]|08\w{3})$/.test(code)
  // Stale prepared statements, after a reconnect or a change of tables, end the connection: see prepared-statements.ts.
  const isReplanned = code === '0A000' && 'routine' in error && error.routine === 'RevalidateCachedQuery'
  const isStale = isReplanned || /^(26000|42P05)$/.test(code)
  const isLost = /connection terminated|trying to connect|did not answer in time|is not queryable/i.test(error.message)
  return isNetwork || isStale || isLost
}
