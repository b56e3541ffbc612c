/** Notifies processes on one database that another may have committed something, but not what. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Logger } from '../logger.ts'
import { PostgresChanges } from './postgres-changes.ts'
import { sqliteFile } from './sqlite-file.ts'

export interface DatabaseChanges {
  /** @param moved Called when another process may have committed; spurious calls are possible. */
  start(moved: () => void): Promise<void>
  /** Notifies other processes of a commit of this one. */
  notify(): void
  stop(): Promise<void>
}

/** No-op for a database that is not shared. */
export const noChanges: DatabaseChanges = {
  start: async () => undefined,
  notify: () => undefined,
  stop: async () => undefined,
}

/** @param url See `openDatabase`. */
export function databaseChanges(url: string, logger: Logger): DatabaseChanges {
  if (!url.startsWith('sqlite:')) return new PostgresChanges({ url, logger })
  const path = url.slice('sqlite:'.length)
  return sqliteFile(path) === undefined ? noChanges : new SqliteChanges(path)
}

const lookEveryMs = 50

/**
 * Polls SQLite's data_version on a separate connection: it reads the shared memory of the write-ahead log only, no
 * pages, and never waits for locks. The committing process need not do anything.
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
      // A version that cannot be read counts as changed.
      if (now === known && now !== undefined) return
      known = now
      moved()
    }, lookEveryMs)
  }

  /** No-op: the file's version shows it. */
  notify(): void {}

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
