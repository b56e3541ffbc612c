/** Allows one RustyMail per database: it caches users and tokens in memory, which others could not invalidate. */
import { type FileLock, takeFileLock } from '../file-lock.ts'
import type { Logger } from '../logger.ts'
import { PostgresLock } from './postgres-lock.ts'
import { foreignModes, openSqlite } from './sqlite-file.ts'

/** Another RustyMail has the database. */
export class DatabaseTaken extends Error {
  constructor() {
    super('another RustyMail runs on this database. Stop it, or set RUSTYMAIL_DATABASE_URL to another one')
  }
}

export interface DatabaseLock {
  /** @throws DatabaseTaken */
  take(): Promise<void>
  /** Checks the lock, and retakes it if its file was removed. Returns false if another process has it. */
  keep(): boolean
  /** Releases the lock; a no-op if it was never taken. */
  release(): Promise<void>
}

export interface DatabaseLockOptions {
  /** See `openDatabase`. */
  url: string
  logger: Logger
  /** Called at most once, when another process has the lock: nothing may be read or written any more. */
  lost(error: DatabaseTaken): void
}

export function databaseLock({ url, logger, lost }: DatabaseLockOptions): DatabaseLock {
  if (url.startsWith('sqlite:')) return new SqliteLock(url.slice('sqlite:'.length), logger)
  const lock = new PostgresLock({ url, logger, lost: () => lost(new DatabaseTaken()) })
  return {
    take: async () => {
      if (!(await lock.take())) throw new DatabaseTaken()
    },
    // PostgresLock monitors its connection itself.
    keep: () => true,
    release: () => lock.release(),
  }
}

/** A lock file beside the database file, whose real path is used. */
class SqliteLock implements DatabaseLock {
  readonly #path: string
  readonly #logger: Logger
  #lock: FileLock | undefined

  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
  }

  async take(): Promise<void> {
    const database = openSqlite(this.#path)
    const file = database.location()
    database.close()
    // A database in memory is not shared.
    if (file === null) return
    this.#lock = takeFileLock(`${file}.lock`)
    if (!this.#lock) throw new DatabaseTaken()
    const files = foreignModes(file)
    if (files.length === 0) return
    this.#logger.warn(
      { files },
      'other users of this machine can read the database, and its mode could not be set to 0600',
    )
  }

  keep(): boolean {
    return this.#lock?.keep() ?? true
  }

  async release(): Promise<void> {
    this.#lock?.release()
    this.#lock = undefined
  }
}
