/** Builds the request for a backup, for the command and for the schedule. A part of the composition root. */
import type { BackupRequest } from './backup/make-backup.ts'
import type { Config } from './config.ts'
import { sqliteFile } from './platform/database/sqlite-file.ts'

export function backupRequest(config: Config, asked: Pick<BackupRequest, 'file' | 'withKey' | 'force'>): BackupRequest {
  const { dataDir, version } = config
  const givenKey = config.secretKey?.toString('base64') ?? null
  return { database: databaseFile(config, 'backup'), dataDir, givenKey, program: version, ...asked }
}

export function databaseFile({ databaseUrl }: Config, command: 'backup' | 'restore'): string {
  if (!databaseUrl.startsWith('sqlite:')) {
    const tool = command === 'backup' ? 'pg_dump' : 'pg_restore or psql'
    throw new Error(
      `the database is PostgreSQL: use ${tool} for it, and copy secret.key and audit.head from the data directory beside it`,
    )
  }
  const file = sqliteFile(databaseUrl.slice('sqlite:'.length))
  if (file === undefined)
    throw new Error('the database is in memory and ends with the server: set RUSTYMAIL_DATABASE_URL to a file')
  return file
}
