/** How processes on one database hear that another has committed something: that there may be news, never what. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Logger } from '../logger.ts'
import { PostgresChanges } from './postgres-changes.ts'
import { sqliteFile } from './sqlite-file.ts'

export interface DatabaseChanges {
  /** @param moved Called when another process may have committed something; sometimes for nothing. */
  start(moved: () => void): Promise<void>
  /** This process has committed something that others wait for. */
  tell(): void
  stop(): Promise<void>
}

/** Of a database that nobody shares. */
export const noChanges: DatabaseChanges = {
  start: async () => undefined,
  tell: () => undefined,
  stop: async () => undefined,
}

/** @param url As for `openDatabase`. */
export function databaseChanges(url: string, logger: Logger): DatabaseChanges {
  if (!url.startsWith('sqlite:')) return new PostgresChanges({ url, logger })
  const path = url.slice('sqlite:'.length)
  return sqliteFile(path) === undefined ? noChanges : new SqliteChanges(path)
}

const lookEveryMs = 50

/**
 * By SQLite's data_version, on a connection of its own: it looks into the shared memory of the write-ahead log, reads no page, and
 * waits for nobody. The committing process has nothing to tell.
 */
class SqliteChanges implements DatabaseChanges {
  readonly #path: string
  #database: DatabaseSync | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#path = path
  }

  async start(moved: () => void): Promise<void> {
    this.#database = new DatabaseSync(this.#path, { readOnly: true })
    const version = this.#database.prepare('PRAGMA data_version')
    let known = read(version)
    this.#timer = setInterval(() => {
      const now = read(version)
      // One that cannot be read may be another.
      if (now === known && now !== undefined) return
      known = now
      moved()
    }, lookEveryMs)
  }

  /** The file says it. */
  tell(): void {}

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#database?.close()
    this.#database = undefined
  }
}

function read(version: StatementSync): unknown {
  try {
    return version.get()?.data_version
  } catch {
    return undefined
  }
}
