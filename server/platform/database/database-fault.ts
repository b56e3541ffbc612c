/** Tells what broke at the database from what broke elsewhere: a mail client that hangs up and PostgreSQL that does are one code. */

const ofDatabase = Symbol('of the database')

/** `silent`: it does not answer, or another program holds it; `failed` is every other fault of its files or its disk. */
export type DatabaseFaultKind = 'full' | 'read_only' | 'damaged' | 'removed' | 'silent' | 'failed'

/** The files of an SQLite database are no longer where they were opened: what is written to them is gone with this process. */
export class DatabaseRemoved extends Error {
  constructor() {
    super('the files of the database were removed or replaced while RustyMail runs')
  }
}

/** A thread with a connection to the database ended by itself: what it was at is lost, and nothing more can be asked. */
export class DatabaseThreadEnded extends Error {
  constructor(role: string, reason: string) {
    super(`the thread that ${role} the database ended: ${reason}`)
  }
}

/** Too much waits for the database already, or for too long; what is refused was not begun. */
export class DatabaseOverloaded extends Error {}

/** Of `OutdatedTransaction`, which comes back from threads by its code alone. */
const outdated = 'OUTDATED_TRANSACTION'

/** A statement changed other rows than its transaction relied on: somebody else was there first. Nothing of the transaction was kept. */
export class OutdatedTransaction extends Error {
  readonly code = outdated

  constructor() {
    super('what the transaction relied on was changed by somebody else')
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

/** Undefined for what is no fault of the database itself: a wrong statement, a violated constraint, anything from elsewhere. */
export function databaseFaultKind(error: unknown): DatabaseFaultKind | undefined {
  if (error instanceof DatabaseRemoved) return 'removed'
  if (error instanceof DatabaseThreadEnded) return 'failed'
  if (error instanceof DatabaseOverloaded) return 'silent'
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') return ofSqlite.get(error.errcode & 0xff)
  const code = 'code' in error ? String(error.code) : ''
  return ofPostgres.get(code) ?? (isGone(error, code) ? 'silent' : undefined)
}

/** A row refers to one that is not there: what it belongs to was deleted between the look at it and the write. */
export function isOrphan(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // SQLITE_CONSTRAINT_FOREIGNKEY, and foreign_key_violation.
  return ('errcode' in error && error.errcode === 787) || ('code' in error && error.code === '23503')
}

/** What node-postgres throws when its server is away. */
function isGone(error: Error, code: string): boolean {
  if (!isDatabaseFault(error)) return false
  const isNetwork = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|57P0[1-5]|25P0[34]|08\w{3})$/.test(code)
  // Another connection, or the same one after a change of its tables, is given up: see prepared-statements.ts.
  const isReplanned = code === '0A000' && 'routine' in error && error.routine === 'RevalidateCachedQuery'
  const isStale = isReplanned || /^(26000|42P05)$/.test(code)
  const isLost = /connection terminated|trying to connect|did not answer in time|is not queryable/i.test(error.message)
  return isNetwork || isStale || isLost
}
