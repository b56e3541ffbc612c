/**
 * Creates the trail head `audit.head` in the data directory, for every database that outlives the process. A part of
 * the composition root.
 */
import { join } from 'node:path'
import { headFileName, TrailHead } from './audit/trail-head.ts'
import type { Config } from './config.ts'
import { sqliteFile, syncSqlite } from './platform/database/sqlite-file.ts'
import type { SecretBox } from './platform/secret-box.ts'

export function trailHeadOf({ dataDir, databaseUrl }: Config, secrets: Pick<SecretBox, 'derive'>): TrailHead {
  const kept = join(dataDir, headFileName)
  // PostgreSQL makes a commit durable before it confirms it.
  if (!databaseUrl.startsWith('sqlite:')) return new TrailHead({ file: kept, secrets })
  const database = sqliteFile(databaseUrl.slice('sqlite:'.length))
  if (database === undefined) return new TrailHead({ file: undefined, secrets })
  return new TrailHead({ file: kept, secrets, settle: () => syncSqlite(database) })
}
