/** The database as a part: locks, migrates and closes it. A part of the composition root. */

import { migrations } from './migrations.ts'
import type { Database } from './platform/database/database.ts'
import { type DatabaseTaken, databaseLock } from './platform/database/database-lock.ts'
import { namingDatabase } from './platform/database/database-name.ts'
import { migrate } from './platform/database/migrate.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'

export interface DatabaseSurroundings {
  db: Database
  url: string
  logger: Logger
  /** Called when another process took the lock: this one may no longer access the database. */
  lost(error: DatabaseTaken): void
}

export function databasePart({ db, url, logger, lost }: DatabaseSurroundings): Part & { keepLock(): boolean } {
  const lock = databaseLock({ url, logger, lost })
  return {
    name: 'database',
    keepLock: () => lock.keep(),
    start: async () => {
      await namingDatabase(url, async () => {
        await lock.take()
        await migrate(db, migrations, steps => logger.info({ migrations: steps }, 'bringing the database up to date'))
      })
    },
    stop: async () => {
      await db.destroy()
      await lock.release()
    },
  }
}
