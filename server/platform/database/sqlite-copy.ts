/** Copies an SQLite database that may be written concurrently, and checks the integrity of a file. */
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { reasonOf } from '../start-fault.ts'
import { databaseFaultKind } from './database-fault.ts'

/** Timeout for locks that writers hold briefly to begin or end; in WAL mode reads need no other. */
const busyMs = 5_000

/**
 * Copies the currently committed state into a new file of mode 0600. VACUUM INTO reads one snapshot despite concurrent
 * writes, while the backup API restarts whenever another process writes. Free pages are left out. Blocks the calling
 * thread.
 * @throws UnreadableDatabase if the source is at fault, not the copy
 */
export function copySqlite(from: string, to: string): void {
  if (!statSync(from, { throwIfNoEntry: false })?.isFile())
    throw new UnreadableDatabase(`there is no database at ${from}`)
  // Read-only: a backup must not change the database, or create one.
  const database = new DatabaseSync(from, { readOnly: true, timeout: busyMs })
  try {
    look(database, from)
    closeSync(openSync(to, 'wx', 0o600))
    database.prepare('VACUUM INTO ?').run(to)
  } catch (error) {
    throw databaseFaultKind(error) === 'damaged' ? unreadable(from, error) : error
  } finally {
    database.close()
  }
}

/** Runs a first statement, with which SQLite opens its files. */
function look(database: DatabaseSync, file: string): void {
  try {
    database.prepare('select 1 from sqlite_master').get()
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** The database to be copied is at fault, not the destination; the message is a single line. */
export class UnreadableDatabase extends Error {}

function unreadable(file: string, cause: unknown): UnreadableDatabase {
  return new UnreadableDatabase(`the database ${file} cannot be read: ${reasonOf(cause)}`, { cause })
}

/** Opens a file read-only for the duration of `work`. */
export function readSqlite<Result>(file: string, work: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyMs })
  try {
    return work(database)
  } finally {
    database.close()
  }
}

/** Checks every page and all foreign keys. @throws Error that says what is damaged */
export function checkSqlite(database: DatabaseSync): void {
  const found = database.prepare('PRAGMA integrity_check(1)').all()[0]
  const words = String(found?.integrity_check)
  if (words !== 'ok') throw new Error(`its pages are damaged: ${words.replaceAll(/\s+/g, ' ')}`)
  const orphan = database.prepare('PRAGMA foreign_key_check').all()[0]
  if (orphan) throw new Error(`a row of ${String(orphan.table)} refers to a missing row of ${String(orphan.parent)}`)
}

/** Lists the names of all tables, sorted. */
export function listTables(database: DatabaseSync): string[] {
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .all()
  return tables.map(({ name }) => String(name))
}

/** Yields each table, index, trigger and view with its definition, as JSON. @param except A table to leave out. */
export function* readSchema(database: DatabaseSync, except: string): Generator<string> {
  const columns = 'select type, name, tbl_name, sql from sqlite_master'
  const statement = database.prepare(`${columns} where tbl_name <> ? or type <> 'table' order by type, name`)
  statement.setReturnArrays(true)
  for (const row of statement.iterate(except)) yield JSON.stringify(row)
}

/** Yields each row as JSON in storage order, which a copy preserves. */
export function* readRows(database: DatabaseSync, table: string): Generator<string> {
  const name = `"${table.replaceAll('"', '""')}"`
  const statement = database.prepare(`select * from ${name}`)
  statement.setReturnArrays(true)
  for (const row of statement.iterate()) yield JSON.stringify(row)
}

/** Flushes a file to disk. The database must not be open in this process: closing would release its POSIX locks. */
export function syncFile(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
