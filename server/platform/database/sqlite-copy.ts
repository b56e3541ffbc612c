/** A copy of an SQLite database that others may be writing to, and whether a file is a sound one. */
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { reasonOf } from '../start-fault.ts'
import { databaseFaultKind } from './database-fault.ts'

/** As long as a writer may take to begin or end; reading waits for nobody in WAL mode. */
const busyMs = 5_000

/**
 * Writes what is committed at this moment into a new file of mode 0600. VACUUM INTO reads one snapshot, however much is written
 * meanwhile; the backup API begins again whenever another process writes. Pages that were freed are left out. It holds up the
 * thread that calls it.
 * @throws UnreadableDatabase where it is not the copy that failed
 */
export function copySqlite(from: string, to: string): void {
  if (!statSync(from, { throwIfNoEntry: false })?.isFile())
    throw new UnreadableDatabase(`there is no database at ${from}`)
  // Read-only: a backup changes nothing, and makes no database where there is none.
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

/** SQLite opens its files with the first statement. */
function look(database: DatabaseSync, file: string): void {
  try {
    database.prepare('select 1 from sqlite_master').get()
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** What was to be copied is at fault, not the place of the copy. In one clear line. */
export class UnreadableDatabase extends Error {}

function unreadable(file: string, cause: unknown): UnreadableDatabase {
  return new UnreadableDatabase(`the database ${file} cannot be read: ${reasonOf(cause)}`, { cause })
}

/** Opens a file without changing it; for the time that `work` takes. */
export function readSqlite<Result>(file: string, work: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(file, { readOnly: true, timeout: busyMs })
  try {
    return work(database)
  } finally {
    database.close()
  }
}

/** Reads every page. @throws Error that says what is damaged. */
export function checkSqlite(database: DatabaseSync): void {
  const found = database.prepare('PRAGMA integrity_check(1)').all()[0]
  const words = String(found?.integrity_check)
  if (words !== 'ok') throw new Error(`its pages are damaged: ${words.replaceAll(/\s+/g, ' ')}`)
  const orphan = database.prepare('PRAGMA foreign_key_check').all()[0]
  if (orphan)
    throw new Error(`a row of ${String(orphan.table)} belongs to one of ${String(orphan.parent)} that is not there`)
}

/** Names of all tables, in order. */
export function listTables(database: DatabaseSync): string[] {
  const tables = database
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    .all()
  return tables.map(({ name }) => String(name))
}

/** Each row, as JSON, in the order in which it is stored; a copy has the same. */
export function* readRows(database: DatabaseSync, table: string): Generator<string> {
  const name = `"${table.replaceAll('"', '""')}"`
  const statement = database.prepare(`select * from ${name}`)
  statement.setReturnArrays(true)
  for (const row of statement.iterate()) yield JSON.stringify(row)
}

/** What was written survives a power failure. Nobody may have the database open in this process: to close it gives up the locks. */
export function syncFile(file: string): void {
  const handle = openSync(file, 'r+')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
