/**
 * Storage of the server, wired by hand: the database and its watch, leases, and the clock for retention. A part of the
 * composition root.
 */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Fact } from '../contract/event.ts'
import type { Config } from './config.ts'
import { databasePart } from './database-part.ts'
import { LeaseService } from './leases/lease-service.ts'
import { LeaseStore } from './leases/lease-store.ts'
import { type DataDir, DataDirTaken } from './platform/data-dir.ts'
import { type Database, openServerDatabase } from './platform/database/database.ts'
import { DatabaseHealth, type DatabaseObserver } from './platform/database/database-health.ts'
import { sqliteFile, syncSqlite } from './platform/database/sqlite-file.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { RetentionClock } from './platform/retention-clock.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import { retentionStore } from './settings/retention-store.ts'
import { type Room, StorageWatch } from './storage/storage-watch.ts'
import { probeWrite } from './storage/write-probe.ts'

export interface StorageSurroundings {
  config: Config
  dataDir: DataDir
  logger: Logger
  /** Opens a database in place of the one that the configuration names. */
  openDatabase: ((observer: DatabaseObserver) => Database) | undefined
  tracer: Tracer | undefined
  /**
   * Called when another process took the data, or it cannot be reached any more: nothing may be read or written then.
   */
  lost: (error: Error) => void
}

export interface ComposedStorage {
  db: Database
  retention: RetentionClock
  /** Watches the database, once events exist by which findings are published. */
  watch(publish: (fact: Fact) => void): { storage: StorageWatch; part: Part }
  leases: LeaseService
  /** The leases for pruning old history and for scheduled backups. */
  mayPrune: FindLease
  mayBackUp: FindLease
  /** Makes everything committed so far survive a power failure; undefined if each commit does so itself. */
  settle: (() => Promise<void>) | undefined
  /** The first two parts to start. */
  parts: Part[]
}

export function composeStorage(around: StorageSurroundings): ComposedStorage {
  const { config, dataDir, tracer, logger } = around
  const health = new DatabaseHealth()
  const url = config.databaseUrl
  const db = around.openDatabase?.(health) ?? openServerDatabase({ url, observer: health, died: around.lost, tracer })
  const file = fileOf(config)
  const lost = (error: Error) => {
    db.destroy().catch((err: unknown) => logger.warn({ err }, 'the database could not be closed'))
    around.lost(error)
  }
  const database = databasePart({ db, url, logger, lost })
  // The lock on the database keeps every other server out, on PostgreSQL too. There leases are renewed nevertheless,
  // which reveals immediately that another server got the lock after our connection to it broke.
  const renews = !url.startsWith('sqlite:')
  const leases = new LeaseService({ store: new LeaseStore(db), isAlone: true, renews, logger })
  const [pruning, backups] = [leases.want('prune'), leases.want('backups')]
  const retention = new RetentionClock({ store: retentionStore(db, pruning.find), logger })
  const watch = (publish: (fact: Fact) => void) => {
    const storage = new StorageWatch({
      health,
      probe: options => probeWrite(db, options),
      readRoom: async () => (file === undefined ? undefined : roomFor(file)),
      keepLocks: () => dataDir.keep() && database.keepLock(),
      lost: () => lost(new DataDirTaken()),
      publish,
      now: () => performance.now(),
      logger,
    })
    const part = {
      name: 'storage',
      start: async () => {
        await retention.start()
        await storage.start()
      },
      stop: async () => {
        await storage.stop()
        await retention.stop()
      },
    }
    return { storage, part }
  }
  const settle = file === undefined ? undefined : () => syncSqlite(file)
  const parts = [database, { name: 'leases', start: () => leases.start(), stop: () => leases.stop() }]
  return { db, retention, settle, leases, mayPrune: pruning.find, mayBackUp: backups.find, watch, parts }
}

/** Returns the file of the SQLite database; undefined for PostgreSQL and for a database in memory. */
function fileOf({ databaseUrl }: Config): string | undefined {
  return databaseUrl.startsWith('sqlite:') ? sqliteFile(databaseUrl.slice('sqlite:'.length)) : undefined
}

async function roomFor(file: string): Promise<Room> {
  const { bavail, blocks, bsize } = await statfs(dirname(file))
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}
